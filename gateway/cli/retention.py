"""`gateway retention`: what is too old, and deleting it now."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AsyncExitStack
from importlib.metadata import version

import typer

from gateway.cli.context import opened_store, run, settings_of
from gateway.cli.invocation import invocation_of, new_app
from gateway.cli.output import Output
from gateway.cli.rows import plain
from gateway.retention.plan import Planned, planned
from gateway.retention.rules import DAY_MS
from gateway.service.documents import open_library
from gateway.service.retaining import DOCUMENTS, kept_of, retention_run
from gateway.telemetry.metrics import Metrics

app = new_app()

_COLUMNS = ("kind", "days", "rows", "bytes", "kept", "oldest_at")


@app.callback()
def retention() -> None:
    """See what is too old, and delete it now instead of at the next run."""


@app.command()
def plan(ctx: typer.Context) -> None:
    """Show what a run would delete or empty now, by kind; nothing is changed.

    Kept are those that are old enough and have not ended, or that others still need.
    """
    invocation = invocation_of(ctx)
    settings = settings_of(invocation)
    now_ms = invocation.clock.now_ms()

    async def work() -> Sequence[Planned]:
        async with opened_store(invocation, settings) as store:
            days = settings.documents_days()
            old = await store.documents.totals(before_ms=now_ms - days * DAY_MS)
            documents = Planned(
                kind=DOCUMENTS,
                days=days,
                rows=old.count,
                bytes=old.bytes,
                oldest_at_ms=old.oldest_ms,
            )
            return [*await planned(store.retention, kept_of(settings), now_ms), documents]

    Output(invocation).items([plain(one) for one in run(work())], columns=_COLUMNS)


@app.command("run")
def run_(ctx: typer.Context) -> None:
    """Delete what is too old, now; other traffic goes first.

    It may be stopped at any time: what went is gone, the next run goes on from there. Refused while
    a running gateway is at it.
    """
    invocation = invocation_of(ctx)
    settings = settings_of(invocation)

    async def work() -> dict[str, int]:
        metrics = Metrics(version=version("spapi-event-gateway"))
        async with opened_store(invocation, settings) as store, AsyncExitStack() as stack:
            library = await open_library(
                settings, store, stack, clock=invocation.clock, metrics=metrics
            )
            made = retention_run(settings, store, library, clock=invocation.clock, metrics=metrics)
            return dict(await made.whole())

    gone = run(work())
    text = "Nothing was too old."
    if gone:
        text = "\n".join(f"{kind}: {rows}" for kind, rows in gone.items())
    Output(invocation).value({"gone": gone}, text=text)
