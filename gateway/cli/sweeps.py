"""`gateway sweeps`: the repair of gaps: how far each seller was swept, and what was missing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import typer

from gateway.cli.context import opened_store, run, settings_of
from gateway.cli.invocation import invocation_of, new_app
from gateway.cli.output import Output
from gateway.cli.pages import After, Limit, print_page
from gateway.errors import InvalidInputError
from gateway.jobs.requests import JobRequest, arrival_of, checked
from gateway.model import Origin
from gateway.service.swept import with_sweeps
from gateway.sweep.kinds import SweptType
from gateway.sweep.sweeping import JOB

app = new_app()


@app.callback()
def sweeps() -> None:
    """See and start the sweeps that find what Amazon never told."""


@app.command("list")
def list_(ctx: typer.Context, *, after: After = None, limit: Limit = 50) -> None:
    """List how far each seller and type was swept, and how much was missing."""
    print_page(
        invocation_of(ctx),
        lambda store, count: store.sweeps.list(after=after, limit=count),
        limit=limit,
        columns=("seller_id", "type", "swept", "checked", "found", "found_total"),
    )


@app.command("run")
def run_(
    ctx: typer.Context,
    *,
    notification_type: Annotated[SweptType, typer.Option("--type", help="What is looked for.")],
    seller: Annotated[
        list[str] | None, typer.Option(help="For this seller; may be repeated.")
    ] = None,
    all_sellers: Annotated[
        bool, typer.Option("--all-sellers", help="For every seller that is not paused.")
    ] = False,
    since: Annotated[
        str | None, typer.Option(metavar="TIME", help="From then on; else from the last end.")
    ] = None,
) -> None:
    """Request a sweep now; a running gateway does it."""
    invocation = invocation_of(ctx)
    settings = settings_of(invocation)
    registry = with_sweeps(None, None)
    given = {"type": notification_type.value} | ({"since": since} if since else {})
    options = checked(registry.job(JOB), given)

    async def work() -> Sequence[dict[str, Any]]:
        async with opened_store(invocation, settings) as store:
            sellers = list(seller or ())
            if all_sellers:
                sellers = list(await store.schedule_runs.active_sellers())
            if not sellers:
                raise InvalidInputError("for whom? Give --seller ID, or --all-sellers")
            now_ms = invocation.clock.now_ms()
            arrivals = [
                arrival_of(
                    JobRequest(
                        job=JOB,
                        seller_id=one,
                        origin=Origin.REQUEST,
                        due_at_ms=now_ms,
                        options=options,
                    ),
                    registry.owed_job,
                    now_ms,
                )
                for one in sellers
            ]
            await store.inbox.accept(arrivals)
            return [{"id": one.id, "seller_id": one.envelope.seller_id} for one in arrivals]

    Output(invocation).items(run(work()), columns=("id", "seller_id"))
