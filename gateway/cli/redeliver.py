"""`gateway redeliver`: events sent again in bulk, as an operation that survives restarts."""

from __future__ import annotations

from typing import Annotated

import typer

from gateway.cli.bulk import Concurrency, CountAll, DryRun, Rate, Wait, begin
from gateway.cli.invocation import invocation_of, new_app
from gateway.cli.pages import Order, Report, Seller
from gateway.cli.times import TIME_HELP, time_ms
from gateway.errors import InvalidInputError
from gateway.operations import (
    DEFAULT_CONCURRENCY,
    OperationKind,
    RedeliverState,
    Selection,
    time_of,
)

app = new_app()


@app.command()
def redeliver(  # noqa: PLR0913 one for each option of the command
    ctx: typer.Context,
    *,
    event: Annotated[str | None, typer.Option(metavar="ID", help="This event only.")] = None,
    endpoint: Annotated[
        str | None, typer.Option(metavar="ID", help="To this endpoint only.")
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            help=f"Published since then; with --state failed, failed since then. {TIME_HELP}",
        ),
    ] = None,
    state: Annotated[
        RedeliverState | None,
        typer.Option(
            help="failed: its delivery is dead. never: there is none. Else all that ended."
        ),
    ] = None,
    seller: Seller = None,
    order: Order = None,
    report: Report = None,
    rate: Rate = None,
    concurrency: Concurrency = DEFAULT_CONCURRENCY,
    dry_run: DryRun = False,
    count_all: CountAll = False,
    wait: Wait = False,
) -> None:
    """Send events again; they keep their ids, so a receiver that had one knows it again.

    `never` finds what an endpoint takes by the filter that it has now and never got: because it is
    new, or its filter was another. Manage the operation with `gateway replay`.
    """
    invocation = invocation_of(ctx)
    now_ms = invocation.clock.now_ms()
    if (event is None) == (since is None):
        raise InvalidInputError("what? Give --since TIME, or --event ID")
    if event is not None:
        from_ms, to_ms = _moment(event)
    else:
        assert since is not None
        from_ms, to_ms = time_ms(since, "--since", now_ms), now_ms
    selection = Selection(
        from_ms=from_ms,
        to_ms=to_ms,
        event_id=event,
        endpoint_id=endpoint,
        state=None if state is None else state.value,
        seller_id=seller,
        order_id=order,
        report_id=report,
    )
    begin(
        invocation,
        OperationKind.REDELIVER,
        selection,
        rate_per_s=rate,
        concurrency=concurrency,
        dry_run=dry_run,
        count_all=count_all,
        wait=wait,
    )


def _moment(event_id: str) -> tuple[int, int]:
    """Return the millisecond in which an event was made, by its id."""
    try:
        at_ms = time_of(event_id)
    except ValueError as exc:
        raise InvalidInputError(f"--event {event_id}: is no event's id") from exc
    return at_ms, at_ms + 1
