"""`gateway quarantine`: messages that could not be read, kept as they came."""

from __future__ import annotations

from typing import Annotated

import typer

from gateway.cli.invocation import invocation_of, new_app
from gateway.cli.output import Output
from gateway.cli.pages import After, Limit, ask, print_scan

app = new_app()


@app.callback()
def quarantine() -> None:
    """See the messages that could not be read."""


@app.command("list")
def list_(ctx: typer.Context, *, after: After = None, limit: Limit = 50) -> None:
    """List messages in quarantine with the reason, the newest first."""
    print_scan(
        invocation_of(ctx),
        lambda store, count: store.lists.quarantine(after=after, limit=count),
        limit=limit,
        columns=("id", "source", "reason", "size_bytes", "received_at"),
    )


@app.command()
def show(
    ctx: typer.Context,
    quarantine_id: Annotated[str, typer.Argument(metavar="ID", help="Such as qtn_….")],
) -> None:
    """Show what a message holds: a deliberate look, it may hold anything."""
    invocation = invocation_of(ctx)
    body = ask(invocation, lambda store: store.queries.quarantined_body(quarantine_id))
    text = body.decode("utf-8", "backslashreplace")
    Output(invocation).value({"id": quarantine_id, "body": text}, text=text)
