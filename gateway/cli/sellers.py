"""`gateway sellers`: whom follow-up calls are made for. A refresh token is never printed.

Sellers of the settings are written to the store when a gateway starts; this adds others beside
them. A refresh token is read from a file, as arguments can be seen by every user of the machine.
"""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from gateway.cli.changing import entry
from gateway.cli.context import opened_store, run, settings_of
from gateway.cli.invocation import invocation_of, new_app
from gateway.cli.output import Output
from gateway.cli.pages import After, Limit, ask
from gateway.cli.rows import plain, seller_row
from gateway.clock import rfc3339
from gateway.errors import InvalidInputError, NotFoundError
from gateway.model import Application, PausedBy, Seller, SellerState
from gateway.onboarding.consoles import marketplace_named
from gateway.onboarding.tickets import intent_of
from gateway.service.onboarding import Links
from gateway.settings import Settings
from gateway.store import Store
from gateway.store.sellers import SellerFilter, SellerView

app = new_app()

_DAY_S: Final = 86_400.0

Tags = Annotated[list[str] | None, typer.Option("--tag", help="Tag; may be repeated.")]
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
def list_(
    ctx: typer.Context,
    *,
    tag: Annotated[str | None, typer.Option(help="Only those with this tag.")] = None,
    application: Annotated[str | None, typer.Option(help="Only of this application.")] = None,
    region: Annotated[RegionName | None, typer.Option(help="Only of this region.")] = None,
    state: Annotated[SellerState | None, typer.Option(help="Only those in this state.")] = None,
    after: After = None,
    limit: Limit = 50,
) -> None:
    """List sellers, one row for each region they authorised."""
    invocation = invocation_of(ctx)
    wanted = SellerFilter(
        application_id=application,
        region=region.value if region else None,
        state=state.value if state else None,
        tag=tag,
    )
    found = ask(invocation, lambda store: store.sellers.list(wanted, after=after, limit=limit + 1))
    Output(invocation).items(
        [seller_row(view) for view in found[:limit]],
        columns=(
            "id",
            "region",
            "application_id",
            "state",
            "paused_by",
            "reason",
            "tags",
            "marketplace_ids",
        ),
        next_cursor=found[limit - 1].cursor if len(found) > limit else None,
    )


@app.command()
def show(ctx: typer.Context, seller_id: SellerId) -> None:
    """Show one seller's authorisations."""
    invocation = invocation_of(ctx)
    Output(invocation).value(_authorisations(seller_id, ask(invocation, _views(seller_id))))


@app.command()
def add(  # noqa: PLR0913 each is an option
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
    tag: Tags = None,
    authorised_on: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d"],
            metavar="DAY",
            help="Day on which it authorised, so that the end after 365 days is warned of.",
        ),
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
        tags=tuple(sorted(set(tag or ()))),
        authorised_at_ms=None if authorised_on is None else _day_ms(authorised_on),
    )

    async def work() -> Sequence[SellerView]:
        async with opened_store(invocation, settings) as store:
            await _know_application(store, settings, application)
            shown = {k: {"from": None, "to": v} for k, v in _added(seller).items() if v}
            made = entry(invocation.clock, "seller.add", seller_id, changes=shown)
            await store.changing(made).sellers.put_seller(seller)
            for subscription_id in subscription or ():
                await store.subscriptions.put(
                    subscription_id, seller_id=seller_id, application_id=application
                )
            return await _views(seller_id)(store)

    value = _authorisations(seller_id, run(work()))
    Output(invocation).value(value, text=f"Added {seller_id} in {region.value}.")


@app.command()
def update(
    ctx: typer.Context,
    seller_id: SellerId,
    *,
    tag: Tags = None,
    untag: Annotated[
        list[str] | None, typer.Option(help="Tag to take away; may be repeated.")
    ] = None,
    marketplace: Annotated[
        list[str] | None,
        typer.Option(help="Marketplace id, in place of those at hand; may be repeated."),
    ] = None,
    region: Annotated[
        RegionName | None, typer.Option(help="Only in this region; in all unless given.")
    ] = None,
) -> None:
    """Change a seller's tags and marketplaces."""
    told = {"tag": tag, "untag": untag, "marketplace_ids": marketplace}
    if not any(told.values()):
        raise InvalidInputError("what is to change? Give --tag, --untag or --marketplace")
    made = entry(
        invocation_of(ctx).clock,
        "seller.update",
        seller_id,
        changes={name: {"from": None, "to": value} for name, value in told.items() if value},
    )
    _change(
        ctx,
        seller_id,
        lambda store: store.changing(made).sellers.change(
            seller_id,
            region=region.value if region else None,
            tag=tag or (),
            untag=untag or (),
            marketplace_ids=marketplace,
        ),
    )


@app.command()
def remove(
    ctx: typer.Context,
    seller_id: SellerId,
    *,
    region: Annotated[
        RegionName | None, typer.Option(help="Only in this region; in all unless given.")
    ] = None,
    leave_subscriptions: Annotated[
        bool,
        typer.Option("--leave-subscriptions", help="Even where Amazon would go on sending for it."),
    ] = False,
) -> None:
    """Forget a seller; its notifications and events stay, see `gateway erase`."""
    invocation = invocation_of(ctx)
    settings = settings_of(invocation)
    named = region.value if region else None
    if any(one.id == seller_id and named in {None, one.region} for one in settings.sellers):
        raise InvalidInputError(
            f"seller {seller_id} stands in the settings, and would come back at the next start: "
            "take it out of [[sellers]] first"
        )
    changes = {"region": {"from": named, "to": None}} if named else {}
    made = entry(invocation.clock, "seller.remove", seller_id, changes=changes)
    ask(
        invocation,
        lambda store: store.changing(made).sellers.remove(
            seller_id, region=named, leave_subscriptions=leave_subscriptions
        ),
    )
    Output(invocation).value(
        {"id": seller_id, "region": named, "removed": True}, text=f"Removed {seller_id}."
    )


@app.command()
def authorize(
    ctx: typer.Context,
    *,
    application: Annotated[
        str | None, typer.Option(help="Id of the application; needed where there are several.")
    ] = None,
    marketplace: Annotated[
        str | None,
        typer.Option(help="Where the seller signs in: an id of Amazon's, or a country as DE."),
    ] = None,
    region: Annotated[
        RegionName | None, typer.Option(help="Its region, where no marketplace is given.")
    ] = None,
    seller: Annotated[
        str | None,
        typer.Option(help="Only for this seller, who authorises again; needed if it is known."),
    ] = None,
    tag: Tags = None,
    days: Annotated[
        float | None, typer.Option(min=0.01, max=365, help="How long the link works.")
    ] = None,
) -> None:
    """Print the link by which a seller authorises an application. Whoever has it can use it."""
    invocation = invocation_of(ctx)
    settings = settings_of(invocation)
    place = marketplace_named(marketplace) if marketplace is not None else None

    async def work() -> Mapping[str, Any]:
        async with opened_store(invocation, settings) as store:
            links = Links(settings, clock=invocation.clock)
            known = await store.sellers.of(seller) if seller is not None else ()
            if seller is not None and not known:
                raise NotFoundError(f"there is no seller {seller}; leave --seller out for new ones")
            intent = intent_of(
                links.applications,
                known,
                application=application,
                place=place,
                region=region.value if region else None,
                tags=tag or (),
            )
            ttl_s = settings.onboarding.link_ttl_s if days is None else days * _DAY_S
            url = links.make(intent, ttl_s=ttl_s)
            if url is None:
                raise InvalidInputError(
                    "set onboarding.public_url to how browsers reach the admin port"
                )
            told = {
                "application_id": intent.application_id,
                "region": intent.region,
                "marketplace_id": intent.marketplace_id,
                "seller_id": intent.seller_id,
                "expires_at": rfc3339(invocation.clock.now_ms() + round(ttl_s * 1000)),
            }
            changes = {name: {"from": None, "to": value} for name, value in told.items() if value}
            about = intent.seller_id or intent.application_id
            await store.audit.add(entry(invocation.clock, "seller.link", about, changes=changes))
            return {"url": url, **told}

    value = run(work())
    Output(invocation).value(value, text=value["url"])


@app.command()
def pause(
    ctx: typer.Context,
    seller_id: SellerId,
    reason: Annotated[str, typer.Option(help="Shown beside the seller.")] = "by the operator",
) -> None:
    """Make no follow-up calls for a seller until it is resumed, even if it authorises again."""
    made = entry(
        invocation_of(ctx).clock,
        "seller.pause",
        seller_id,
        changes={"paused_reason": {"from": None, "to": reason}},
    )
    _change(
        ctx,
        seller_id,
        lambda store: store.changing(made).sellers.pause(seller_id, reason, by=PausedBy.OPERATOR),
    )


@app.command()
def resume(ctx: typer.Context, seller_id: SellerId) -> None:
    """Make follow-up calls for a seller again."""
    made = entry(invocation_of(ctx).clock, "seller.resume", seller_id)
    _change(ctx, seller_id, lambda store: store.changing(made).sellers.resume(seller_id))


def _change(ctx: typer.Context, seller_id: str, change: Any) -> None:
    invocation = invocation_of(ctx)

    async def work(store: Store) -> Sequence[SellerView]:
        await change(store)
        return await _views(seller_id)(store)

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


def _views(seller_id: str) -> Callable[[Store], Awaitable[Sequence[SellerView]]]:
    return lambda store: store.sellers.list(SellerFilter(seller_id=seller_id))


def _authorisations(seller_id: str, found: Sequence[SellerView]) -> dict[str, Any]:
    if not found:
        raise NotFoundError(f"there is no seller {seller_id}")
    return {"id": seller_id, "authorisations": [seller_row(view) for view in found]}


def _added(seller: Seller) -> dict[str, Any]:
    row = plain(seller)
    del row["refresh_token"]
    return row


def _day_ms(day: datetime) -> int:
    return round(day.replace(tzinfo=UTC).timestamp() * 1000)
