"""`gateway audit`: who changed what, and when."""

from __future__ import annotations

from typing import Annotated

import typer

from gateway.cli.invocation import invocation_of, new_app
from gateway.cli.pages import After, Limit, print_page

app = new_app()


@app.callback()
def audit() -> None:
    """See who changed what."""


@app.command("list")
def list_(
    ctx: typer.Context,
    *,
    object_id: Annotated[
        str | None, typer.Option("--object", metavar="ID", help="Only changes of this object.")
    ] = None,
    actor: Annotated[str | None, typer.Option(help="Only by this one: key_… or cli:USER.")] = None,
    after: After = None,
    limit: Limit = 50,
) -> None:
    """List changes made by command and over HTTP, the newest first."""
    print_page(
        invocation_of(ctx),
        lambda store, count: store.audit.list(
            after=after, limit=count, object_id=object_id, actor=actor
        ),
        limit=limit,
        columns=("at", "actor", "action", "object_id", "changes"),
    )
