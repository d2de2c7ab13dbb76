"""`gateway notifications`: what arrived, and what became of it."""

from __future__ import annotations

from typing import Annotated

import typer

from gateway.cli.invocation import invocation_of, new_app
from gateway.cli.output import Output
from gateway.cli.pages import After, Body, Limit, Seller, ask, print_page
from gateway.cli.rows import detail_row, plain
from gateway.model import NotificationState

app = new_app()


@app.callback()
def notifications() -> None:
    """See what arrived, and what became of it."""


@app.command("list")
def list_(
    ctx: typer.Context,
    *,
    notification_type: Annotated[
        str | None, typer.Option("--type", help="Only this type, such as ORDER_CHANGE.")
    ] = None,
    seller: Seller = None,
    state: Annotated[NotificationState | None, typer.Option(help="Only in this state.")] = None,
    after: After = None,
    limit: Limit = 50,
) -> None:
    """List notifications, the newest first."""
    print_page(
        invocation_of(ctx),
        lambda store, count: store.queries.notifications(
            after=after,
            limit=count,
            notification_type=notification_type,
            seller_id=seller,
            state=state,
        ),
        limit=limit,
        columns=("id", "type", "seller_id", "state", "received_at"),
    )


@app.command()
def show(
    ctx: typer.Context,
    notification_id: Annotated[str, typer.Argument(metavar="ID", help="Such as ntf_….")],
    body: Body = False,
) -> None:
    """Show one notification with its handlings."""
    invocation = invocation_of(ctx)
    detail = ask(invocation, lambda store: store.queries.notification(notification_id))
    row = detail_row(detail.notification, body=detail.notification.body if body else None)
    row["handlings"] = [plain(handling) for handling in detail.handlings]
    Output(invocation).value(row)
