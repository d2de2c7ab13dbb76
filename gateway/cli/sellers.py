"""`gateway sellers`: whom follow-up calls are made for. A refresh token is never printed.

Sellers of the settings are written to the store when a gateway starts; this adds others beside
them. A refresh token is read from a file, as arguments can be seen by every user of the machine.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from gateway.cli.changing import entry
from gateway.cli.context import opened_store, run, settings_of
from gateway.cli.invocation import invocation_of, new_app
from gateway.cli.output import Output
from gateway.cli.pages import ask
from gateway.cli.rows import plain
from gateway.errors import InvalidInputError, NotFoundError
from gateway.model import Application, Seller
from gateway.settings import Settings
from gateway.store import Store

app = new_app()

SellerId = Annotated[str, typer.Argument(metavar="ID", help="Amazon's selling partner id.")]


class RegionName(StrEnum):
    """Amazon's regions."""

    NA = "na"
    EU = "eu"
    FE = "fe"


@app.callback()
def sellers() -> None:
    """Manage the sellers that follow-up calls are made for."""


@app.command("list")
def list_(ctx: typer.Context) -> None:
    """List all sellers, one row for each region they authorised."""
    invocation = invocation_of(ctx)
    found = ask(invocation, lambda store: store.sellers.sellers())
    columns = ("id", "region", "application_id", "state", "paused_reason", "marketplace_ids")
    Output(invocation).items([_row(seller) for seller in found], columns=columns)


@app.command()
def show(ctx: typer.Context, seller_id: SellerId) -> None:
    """Show one seller's authorisations."""
    invocation = invocation_of(ctx)
    found = ask(invocation, lambda store: store.sellers.of(seller_id))
    Output(invocation).value(_authorisations(seller_id, found))


@app.command()
def add(
    ctx: typer.Context,
    seller_id: SellerId,
    *,
    application: Annotated[str, typer.Option(help="Id of the application it authorised.")],
    region: Annotated[RegionName, typer.Option(help="The region it authorised.")],
    refresh_token_file: Annotated[
        str, typer.Option(metavar="FILE", help="Holds the refresh token; - for stdin.")
    ],
    marketplace: Annotated[
        list[str] | None, typer.Option(help="Marketplace id; may be repeated.")
    ] = None,
    subscription: Annotated[
        list[str] | None, typer.Option(help="Amazon's subscription id; may be repeated.")
    ] = None,
) -> None:
    """Add a seller's authorisation, or replace the one of its region."""
    invocation = invocation_of(ctx)
    settings = settings_of(invocation)
    seller = Seller(
        id=seller_id,
        application_id=application,
        region=region.value,
        refresh_token=_read_token(refresh_token_file),
        marketplace_ids=tuple(marketplace or ()),
    )

    async def work() -> Sequence[Seller]:
        async with opened_store(invocation, settings) as store:
            await _know_application(store, settings, application)
            shown = {k: {"from": None, "to": v} for k, v in _row(seller).items() if v}
            made = entry(invocation.clock, "seller.add", seller_id, changes=shown)
            await store.changing(made).sellers.put_seller(seller)
            for subscription_id in subscription or ():
                await store.subscriptions.put(
                    subscription_id, seller_id=seller_id, application_id=application
                )
            return await store.sellers.of(seller_id)

    value = _authorisations(seller_id, run(work()))
    Output(invocation).value(value, text=f"Added {seller_id} in {region.value}.")


@app.command()
def pause(
    ctx: typer.Context,
    seller_id: SellerId,
    reason: Annotated[str, typer.Option(help="Shown beside the seller.")] = "by the operator",
) -> None:
    """Make no follow-up calls for a seller until it is resumed."""
    made = entry(
        invocation_of(ctx).clock,
        "seller.pause",
        seller_id,
        changes={"paused_reason": {"from": None, "to": reason}},
    )
    _change(ctx, seller_id, lambda store: store.changing(made).sellers.pause(seller_id, reason))


@app.command()
def resume(ctx: typer.Context, seller_id: SellerId) -> None:
    """Make follow-up calls for a seller again."""
    made = entry(invocation_of(ctx).clock, "seller.resume", seller_id)
    _change(ctx, seller_id, lambda store: store.changing(made).sellers.resume(seller_id))


def _change(ctx: typer.Context, seller_id: str, change: Any) -> None:
    invocation = invocation_of(ctx)

    async def work(store: Store) -> Sequence[Seller]:
        await change(store)
        return await store.sellers.of(seller_id)

    Output(invocation).value(_authorisations(seller_id, ask(invocation, work)))


async def _know_application(store: Store, settings: Settings, application_id: str) -> None:
    """Bring an application of the settings into the store, where it is not there yet.

    Raises:
        InvalidInputError: It is in neither.
    """
    if await store.sellers.application(application_id) is not None:
        return
    for known in settings.applications:
        if known.id == application_id:
            secret = known.client_secret.get_secret_value()
            await store.sellers.put_application(
                Application(id=known.id, client_id=known.client_id, client_secret=secret)
            )
            return
    raise InvalidInputError(
        f"--application: there is no {application_id!r}; add it to the settings as [[applications]]"
    )


def _read_token(file: str) -> str:
    try:
        text = sys.stdin.read() if file == "-" else Path(file).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        raise InvalidInputError(f"--refresh-token-file: {file} can't be read") from exc
    if not text.strip():
        raise InvalidInputError(f"--refresh-token-file: {file} is empty")
    return text.strip()


def _authorisations(seller_id: str, found: Sequence[Seller]) -> dict[str, Any]:
    if not found:
        raise NotFoundError(f"there is no seller {seller_id}")
    return {"id": seller_id, "authorisations": [_row(seller) for seller in found]}


def _row(seller: Seller) -> dict[str, Any]:
    row = plain(seller)
    del row["refresh_token"]
    return row
