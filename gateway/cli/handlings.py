"""`gateway handlings`: the work that notifications gave to handlers."""

from __future__ import annotations

from typing import Annotated

import typer

from gateway.cli.invocation import invocation_of, new_app
from gateway.cli.pages import After, Limit, print_scan
from gateway.model import HandlingState

app = new_app()


@app.callback()
def handlings() -> None:
    """See the work of handlers: what waits, what failed, and why."""


@app.command("list")
def list_(
    ctx: typer.Context,
    *,
    handler: Annotated[str | None, typer.Option(help="Only of this handler.")] = None,
    state: Annotated[HandlingState | None, typer.Option(help="Only in this state.")] = None,
    after: After = None,
    limit: Limit = 50,
) -> None:
    """List handlings, the newest first."""
    print_scan(
        invocation_of(ctx),
        lambda store, count: store.lists.handlings(
            after=after, limit=count, handler=handler, state=state
        ),
        limit=limit,
        columns=("id", "notification_id", "handler", "state", "tries", "due_at", "error"),
    )
