"""`gateway replay`: handlers run again on what is stored, in operations that survive restarts."""

from __future__ import annotations

from typing import Annotated

import typer

from gateway.archive.places import Location
from gateway.cli.bulk import Concurrency, CountAll, DryRun, Rate, Wait, begin, operation_row
from gateway.cli.changing import entry
from gateway.cli.context import settings_of
from gateway.cli.eventbridge import eventbridge
from gateway.cli.invocation import Invocation, find_modules_here, invocation_of, new_app
from gateway.cli.output import Output
from gateway.cli.pages import (
    After,
    Limit,
    Marketplace,
    OfType,
    Order,
    Report,
    Seller,
    Sku,
    ask,
    print_page,
)
from gateway.cli.times import TIME_HELP, time_ms
from gateway.dispatch.registry import load_registry
from gateway.errors import InvalidInputError
from gateway.operations import (
    DEFAULT_CONCURRENCY,
    OperationKind,
    OperationState,
    ReplayState,
    Selection,
)

app = new_app()

OperationId = Annotated[str, typer.Argument(metavar="ID", help="Such as op_….")]

_NOBODY = "none"

app.command()(eventbridge)


@app.callback()
def replay() -> None:
    """Run handlers again on what is stored, and manage every operation."""


@app.command()
def start(  # noqa: PLR0913 one for each option of the command
    ctx: typer.Context,
    *,
    from_: Annotated[
        str | None,
        typer.Option("--from", metavar="TIME", help=f"{TIME_HELP} Needed, save with --archive."),
    ] = None,
    to: Annotated[
        str | None, typer.Option("--to", metavar="TIME", help="Until then; else until now.")
    ] = None,
    notification_type: OfType = None,
    seller: Seller = None,
    marketplace: Marketplace = None,
    order: Order = None,
    sku: Sku = None,
    report: Report = None,
    state: Annotated[
        ReplayState | None, typer.Option(help="Only those of which this had become.")
    ] = None,
    handler: Annotated[str | None, typer.Option(help="Only by this handler.")] = None,
    to_endpoint: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ID", help="Events go only there; may be repeated. `none`: to nobody."
        ),
    ] = None,
    archive: Annotated[
        str | None,
        typer.Option(
            metavar="FILE|s3://…",
            help="Replay what is in this archive, or in those below a folder or prefix.",
        ),
    ] = None,
    rate: Rate = None,
    concurrency: Concurrency = DEFAULT_CONCURRENCY,
    dry_run: DryRun = False,
    count_all: CountAll = False,
    wait: Wait = False,
) -> None:
    """Run handlers again on the notifications that are selected.

    Events are new ones that name in replayed_from the handling that was repeated. A notification
    whose handling has not ended is left to that. A running gateway does it; other traffic goes
    first. From an archive, what the store has not is brought in first.
    """
    invocation = invocation_of(ctx)
    now_ms = invocation.clock.now_ms()
    if handler is not None:
        _check_handler(invocation, handler)
    selection = Selection(
        from_ms=_from_ms(from_, archive, now_ms),
        to_ms=now_ms if to is None else time_ms(to, "--to", now_ms),
        notification_type=notification_type,
        seller_id=seller,
        marketplace_id=marketplace,
        state=None if state is None else state.value,
        handler=handler,
        to_endpoints=_endpoints(to_endpoint),
        order_id=order,
        sku=sku,
        report_id=report,
        archive=None if archive is None else Location.parse(archive).url,
    )
    begin(
        invocation,
        OperationKind.REPLAY,
        selection,
        rate_per_s=rate,
        concurrency=concurrency,
        dry_run=dry_run,
        count_all=count_all,
        wait=wait,
    )


@app.command("list")
def list_(
    ctx: typer.Context,
    *,
    state: Annotated[OperationState | None, typer.Option(help="Only in this state.")] = None,
    after: After = None,
    limit: Limit = 50,
) -> None:
    """List operations of every kind, the newest first."""
    print_page(
        invocation_of(ctx),
        lambda store, count: store.operations.list(after=after, limit=count, state=state),
        limit=limit,
        columns=("id", "kind", "state", "looked", "done", "skipped", "created_at"),
        row=operation_row,
    )


@app.command()
def show(ctx: typer.Context, operation_id: OperationId) -> None:
    """Show one operation, how far it is, and what its handlings have come to."""
    invocation = invocation_of(ctx)
    operation = ask(invocation, lambda store: store.operations.get(operation_id))
    handlings = ask(invocation, lambda store: store.operations.outcome(operation_id))
    Output(invocation).value(operation_row(operation, handlings))


@app.command()
def pause(ctx: typer.Context, operation_id: OperationId) -> None:
    """Let an operation rest where it is; what it has begun goes on."""
    _change(invocation_of(ctx), operation_id, OperationState.PAUSED)


@app.command()
def resume(ctx: typer.Context, operation_id: OperationId) -> None:
    """Go on with an operation that was paused, or failed."""
    _change(invocation_of(ctx), operation_id, OperationState.RUNNING)


@app.command()
def cancel(ctx: typer.Context, operation_id: OperationId) -> None:
    """End an operation for good; what it has begun goes on."""
    _change(invocation_of(ctx), operation_id, OperationState.CANCELLED)


def _change(invocation: Invocation, operation_id: str, state: OperationState) -> None:
    made = entry(invocation.clock, f"operation.{state.value}", operation_id)
    ask(invocation, lambda store: store.changing(made).operations.change(operation_id, state))
    operation = ask(invocation, lambda store: store.operations.get(operation_id))
    Output(invocation).value(operation_row(operation))


def _from_ms(from_: str | None, archive: str | None, now_ms: int) -> int:
    if from_ is not None:
        return time_ms(from_, "--from", now_ms)
    if archive is None:
        raise InvalidInputError("--from: say from when, such as 6h")
    return 0


def _check_handler(invocation: Invocation, handler: str) -> None:
    settings = settings_of(invocation)
    find_modules_here()
    known = load_registry(settings.handlers.modules).handlers
    if handler not in known:
        raise InvalidInputError(
            f"--handler {handler}: is not loaded; loaded are {', '.join(sorted(known)) or 'none'}"
        )


def _endpoints(given: list[str] | None) -> tuple[str, ...] | None:
    if not given:
        return None
    if _NOBODY in given:
        if len(given) > 1:
            raise InvalidInputError("--to-endpoint none: goes with no other endpoint")
        return ()
    return tuple(given)
