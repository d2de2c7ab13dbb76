"""`gateway erase`: everything about a seller, an order or a buyer, deleted wherever it is."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack
from importlib.metadata import version
from typing import Annotated, Any

import typer

from gateway.cli.changing import entry
from gateway.cli.context import opened_store, run, settings_of
from gateway.cli.faults import ExitCode
from gateway.cli.invocation import Invocation, invocation_of
from gateway.cli.output import Output
from gateway.cli.pages import After, Limit, ask, print_page
from gateway.clock import rfc3339
from gateway.erasures import Erasure, ErasureState, SubjectKind
from gateway.retention.asking import new_erasure
from gateway.service.documents import open_library
from gateway.service.erasing import erasure_counting
from gateway.telemetry.metrics import Metrics

app = typer.Typer(no_args_is_help=True, add_completion=False, rich_markup_mode=None)

ErasureId = Annotated[str, typer.Argument(metavar="ID", help="Such as era_….")]

_LOOK_EVERY_S = 0.5


@app.callback(invoke_without_command=True)
def erase(
    ctx: typer.Context,
    *,
    seller: Annotated[str | None, typer.Option(help="Everything of this seller.")] = None,
    order: Annotated[str | None, typer.Option(help="Everything about this order.")] = None,
    buyer: Annotated[
        str | None, typer.Option(help="Everything that names this buyer: a name, an e-mail.")
    ] = None,
    archive: Annotated[
        list[str] | None,
        typer.Option(metavar="PLACE", help="An archive beside the settings' own; repeatable."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Count what would go, and delete nothing.")
    ] = False,
    wait: Annotated[
        bool, typer.Option("--wait", help="Wait until it has ended; it goes on if this is stopped.")
    ] = False,
) -> None:
    """Delete everything about a seller, an order or a buyer, wherever it is.

    What has not ended goes, too. A running gateway does it, and it can't be undone. Whom it is
    about is kept sealed until it has ended, and nowhere after that.
    """
    if ctx.invoked_subcommand is not None:
        return
    invocation = invocation_of(ctx)
    settings = settings_of(invocation)
    given = {SubjectKind.SELLER: seller, SubjectKind.ORDER: order, SubjectKind.BUYER: buyer}
    erasure = new_erasure(given, archive or (), invocation.clock.now_ms())

    async def count() -> Mapping[str, int]:
        metrics = Metrics(version=version("spapi-event-gateway"))
        async with opened_store(invocation, settings) as store, AsyncExitStack() as stack:
            library = await open_library(
                settings, store, stack, clock=invocation.clock, metrics=metrics
            )
            counting = erasure_counting(settings, store, library, invocation.clock)
            return (await counting.count(erasure)).counts

    async def work() -> Erasure:
        async with opened_store(invocation, settings) as store:
            noted = entry(
                invocation.clock, "erasure.start", erasure.id, changes={"by": erasure.kind.value}
            )
            await store.changing(noted).erasures.start(erasure)
            while True:
                found = await store.erasures.get(erasure.id)
                if not wait or found.state is not ErasureState.RUNNING:
                    return found
                await asyncio.sleep(_LOOK_EVERY_S)

    if dry_run:
        Output(invocation).value({"by": erasure.kind.value, "would_erase": dict(run(count()))})
        return
    ended = run(work())
    Output(invocation).value(erasure_row(ended))
    if wait and ended.state is not ErasureState.FINISHED:
        raise typer.Exit(ExitCode.FAILED)


@app.command("list")
def list_(ctx: typer.Context, *, after: After = None, limit: Limit = 50) -> None:
    """List erasures, the newest first."""
    print_page(
        invocation_of(ctx),
        lambda store, count: store.erasures.list(after=after, limit=count),
        limit=limit,
        columns=("id", "by", "state", "created_at", "ended_at"),
        row=erasure_row,
    )


@app.command()
def show(ctx: typer.Context, erasure_id: ErasureId) -> None:
    """Show one erasure: what was deleted, where, and how much."""
    _show(invocation_of(ctx), erasure_id)


@app.command()
def resume(ctx: typer.Context, erasure_id: ErasureId) -> None:
    """Go on with an erasure that failed, once what it failed of is mended."""
    invocation = invocation_of(ctx)
    noted = entry(invocation.clock, "erasure.resume", erasure_id)
    ask(invocation, lambda store: store.changing(noted).erasures.resume(erasure_id))
    _show(invocation, erasure_id)


def _show(invocation: Invocation, erasure_id: str) -> None:
    found = ask(invocation, lambda store: store.erasures.get(erasure_id))
    Output(invocation).value(erasure_row(found))


def erasure_row(erasure: Erasure) -> dict[str, Any]:
    """Return an erasure as it is printed, without whom it is about."""
    ended_ms = erasure.ended_at_ms
    return {
        "id": erasure.id,
        "by": erasure.kind.value,
        "state": erasure.state.value,
        "report": dict(erasure.report),
        "last_error": erasure.last_error,
        "created_at": rfc3339(erasure.created_at_ms),
        "updated_at": rfc3339(erasure.updated_at_ms),
        "ended_at": None if ended_ms is None else rfc3339(ended_ms),
    }
