"""`gateway handlers`: which handlers the settings load, and whether they can be."""

from __future__ import annotations

import typer

from gateway.cli.invocation import invocation_of, new_app
from gateway.cli.loaded import registry_of
from gateway.cli.output import Output

app = new_app()


@app.callback()
def handlers() -> None:
    """List and check the handlers that are loaded."""


@app.command("list")
def list_(ctx: typer.Context) -> None:
    """List the loaded handlers and the notification types they take."""
    invocation = invocation_of(ctx)
    rows = [
        {
            "name": handler.name,
            "types": sorted(handler.types),
            "fallback": handler.is_fallback,
            "keyed": handler.key is not None,
            "coalesce": handler.coalesce,
            "concurrency": handler.concurrency,
            "timeout_s": handler.timeout_s,
            "module": handler.function.__module__,
        }
        for handler in registry_of(invocation).handlers.values()
    ]
    columns = ("name", "types", "fallback", "keyed", "coalesce", "module")
    Output(invocation).items(rows, columns=columns)


@app.command()
def check(ctx: typer.Context) -> None:
    """Load every handler module; every fault is told at once."""
    invocation = invocation_of(ctx)
    count = len(registry_of(invocation).handlers)
    Output(invocation).value(
        {"valid": True, "handlers": count}, text=f"{count} handlers, no faults."
    )
