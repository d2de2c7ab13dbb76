"""`gateway events`: what was published."""

from __future__ import annotations

from typing import Annotated

import typer

from gateway.cli.invocation import invocation_of, new_app
from gateway.cli.output import Output
from gateway.cli.pages import After, Body, Limit, Seller, ask, print_page
from gateway.cli.rows import detail_row, plain

app = new_app()


@app.callback()
def events() -> None:
    """See what was published."""


@app.command("list")
def list_(
    ctx: typer.Context,
    *,
    event_type: Annotated[
        str | None, typer.Option("--type", help="Only this type, such as order.changed.")
    ] = None,
    seller: Seller = None,
    after: After = None,
    limit: Limit = 50,
) -> None:
    """List events, the newest first."""
    print_page(
        invocation_of(ctx),
        lambda store, count: store.queries.events(
            after=after, limit=count, event_type=event_type, seller_id=seller
        ),
        limit=limit,
        columns=("id", "type", "seller_id", "occurred_at", "notification_id"),
    )


@app.command()
def show(
    ctx: typer.Context,
    event_id: Annotated[str, typer.Argument(metavar="ID", help="Such as evt_….")],
    body: Body = False,
) -> None:
    """Show one event with its deliveries."""
    invocation = invocation_of(ctx)
    detail = ask(invocation, lambda store: store.queries.event(event_id))
    row = detail_row(detail.event, body=detail.body if body else None)
    row["deliveries"] = [plain(delivery) for delivery in detail.deliveries]
    Output(invocation).value(row)
