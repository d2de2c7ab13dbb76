"""`gateway events`: what was published, and what each type of event looks like."""

from __future__ import annotations

from typing import Annotated

import typer

from gateway.cli.invocation import invocation_of, new_app
from gateway.cli.loaded import registry_of
from gateway.cli.output import Output
from gateway.cli.pages import After, Body, Limit, Seller, ask, print_scan
from gateway.cli.rows import detail_row, plain
from gateway.errors import NotFoundError
from gateway.event_types import event_type_of

app = new_app()


@app.callback()
def events() -> None:
    """See what was published, and what each type looks like."""


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
    print_scan(
        invocation_of(ctx),
        lambda store, count: store.lists.events(
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


@app.command()
def schema(
    ctx: typer.Context,
    event_type: Annotated[
        str | None, typer.Argument(metavar="TYPE", help="Such as order.changed.")
    ] = None,
) -> None:
    """Print the JSON Schema of one event type, or list all types with their schemas."""
    invocation = invocation_of(ctx)
    declared = registry_of(invocation).event_types
    if event_type is None:
        rows = [
            {"type": one.type, "summary": one.summary, "schema": one.schema()}
            for one in sorted(declared.values(), key=lambda one: one.type)
        ]
        Output(invocation).items(rows, columns=("type", "summary"))
        return
    found = event_type_of(event_type, declared.values())
    if found is None:
        raise NotFoundError(
            f"no loaded handler declares events of type {event_type!r}; "
            "`gateway events schema` lists the types"
        )
    Output(invocation).document(found.schema())
