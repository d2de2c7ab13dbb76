"""`gateway deliveries`: what was sent, and how endpoints answered."""

from __future__ import annotations

from typing import Annotated

import typer

from gateway.cli.invocation import invocation_of, new_app
from gateway.cli.output import Output
from gateway.cli.pages import After, Limit, ask, print_page
from gateway.cli.rows import plain
from gateway.model import DeliveryState

app = new_app()


@app.callback()
def deliveries() -> None:
    """See what was sent, and how endpoints answered."""


@app.command("list")
def list_(
    ctx: typer.Context,
    *,
    state: Annotated[DeliveryState | None, typer.Option(help="Only in this state.")] = None,
    endpoint: Annotated[
        str | None, typer.Option(metavar="ID", help="Only to this endpoint.")
    ] = None,
    after: After = None,
    limit: Limit = 50,
) -> None:
    """List deliveries, the newest first."""
    print_page(
        invocation_of(ctx),
        lambda store, count: store.queries.deliveries(
            after=after, limit=count, state=state, endpoint_id=endpoint
        ),
        limit=limit,
        columns=("id", "event_type", "endpoint_id", "state", "attempts", "due_at"),
    )


@app.command()
def show(
    ctx: typer.Context,
    delivery_id: Annotated[str, typer.Argument(metavar="ID", help="Such as dlv_….")],
) -> None:
    """Show one delivery with every attempt."""
    invocation = invocation_of(ctx)
    detail = ask(invocation, lambda store: store.queries.delivery(delivery_id))
    row = plain(detail.delivery)
    row["attempts_made"] = [
        {**plain(attempt), "answer": attempt.answer.decode("utf-8", "replace")}
        for attempt in detail.attempts
    ]
    Output(invocation).value(row)
