"""`gateway handlers`: which handlers the settings load, and whether they can be."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.invocation import invocation_of, new_app
from gateway.cli.loaded import registry_of
from gateway.cli.new_handler import write_handler
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
            "job": handler.is_job,
            "keyed": handler.key is not None,
            "coalesce": handler.coalesce,
            "concurrency": handler.concurrency,
            "timeout_s": handler.timeout_s,
            "module": handler.function.__module__,
        }
        for handler in registry_of(invocation).handlers.values()
    ]
    columns = ("name", "types", "fallback", "job", "keyed", "coalesce", "module")
    Output(invocation).items(rows, columns=columns)


@app.command()
def check(ctx: typer.Context) -> None:
    """Load every handler module; every fault is told at once."""
    invocation = invocation_of(ctx)
    count = len(registry_of(invocation).handlers)
    Output(invocation).value(
        {"valid": True, "handlers": count}, text=f"{count} handlers, no faults."
    )


@app.command()
def new(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Of module, handler and event.")],
    *,
    notification_type: Annotated[
        str, typer.Option("--type", help="What it takes, such as ORDER_CHANGE.")
    ] = "ORDER_CHANGE",
    folder: Annotated[Path, typer.Option(help="Where the files go.")] = Path(),
) -> None:
    """Write a working handler and a test of it, to start from."""
    module, test = write_handler(folder, name, notification_type)
    text = f"{module}, {test}. List {name!r} under [handlers] modules, then: gateway handlers check"
    Output(invocation_of(ctx)).value({"module": str(module), "test": str(test)}, text=text)
