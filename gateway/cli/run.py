"""`gateway run`: the service itself, until a signal stops it."""

from __future__ import annotations

from typing import Annotated

import typer

from gateway.cli.context import settings_of
from gateway.cli.invocation import find_modules_here, invocation_of
from gateway.cli.output import Output
from gateway.service.compose import Role
from gateway.service.process import ALL_ROLES
from gateway.service.process import run as run_service

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def run(
    ctx: typer.Context,
    role: Annotated[
        list[Role] | None, typer.Option(help="Only this stage; may be repeated.")
    ] = None,
) -> None:
    """Run the gateway, or some of its stages, until a signal; a second signal exits at once."""
    invocation = invocation_of(ctx)
    settings = settings_of(invocation)
    find_modules_here()
    code = run_service(settings, frozenset(role) if role else ALL_ROLES)
    if invocation.json:
        Output(invocation).value({"clean": code == 0})
    raise typer.Exit(code)
