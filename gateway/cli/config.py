"""`gateway config`: what the settings are, where each came from, and whether they can be used."""

from __future__ import annotations

import typer

from gateway.cli.invocation import invocation_of, new_app
from gateway.cli.output import Output
from gateway.service.subscriptions import declared
from gateway.settings import load, shown

app = new_app()


@app.callback()
def config() -> None:
    """Show and check the settings."""


@app.command()
def show(ctx: typer.Context) -> None:
    """List every setting with where it came from; secrets are masked."""
    invocation = invocation_of(ctx)
    rows = shown(load(invocation.config_file(), invocation.environ))
    Output(invocation).items(
        [{"key": row.key, "value": row.value, "origin": row.origin} for row in rows],
        columns=("key", "value", "origin"),
    )


@app.command()
def check(ctx: typer.Context) -> None:
    """Check the settings without starting anything; every fault is told at once."""
    invocation = invocation_of(ctx)
    loaded = load(invocation.config_file(), invocation.environ)
    declared(loaded.settings)
    file = str(loaded.config_file) if loaded.config_file else None
    text = f"{file or 'The settings'}: no faults."
    Output(invocation).value({"valid": True, "file": file}, text=text)
