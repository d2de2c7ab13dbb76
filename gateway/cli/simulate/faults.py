"""`gateway simulate faults`: what goes wrong at a running simulator."""

from __future__ import annotations

from typing import Annotated

import typer

from gateway.cli.context import run
from gateway.cli.invocation import invocation_of, new_app
from gateway.cli.output import Output
from gateway.cli.simulate.running import DEFAULT_URL, At, RunningSimulator

app = new_app()
_COLUMNS = ("fault", "operation", "seller", "chance", "times")
_ROUTE = "/spapi/faults"


@app.callback()
def faults() -> None:
    """Decide what goes wrong at a running simulator."""


@app.command()
def add(
    ctx: typer.Context,
    fault: Annotated[
        str,
        typer.Argument(
            help="Such as status=429, html=503, empty, stall=5, truncated, malformed, dropped, "
            "expired-token, no-rate-header, clock-skew=300."
        ),
    ],
    operation: Annotated[
        str | None,
        typer.Option(help="Only calls of it; `lwa.token` and `documents.get` are named only so."),
    ] = None,
    seller: Annotated[str | None, typer.Option(help="Only calls of this seller.")] = None,
    chance: Annotated[
        float, typer.Option(min=0, max=1, help="Share of calls that it strikes.")
    ] = 1.0,
    times: Annotated[int | None, typer.Option(min=1, help="After so many calls it ends.")] = None,
    at: At = DEFAULT_URL,
) -> None:
    """Put a fault into force; shows all that are."""
    fields = {
        "fault": fault,
        "operation": operation,
        "seller": seller,
        "chance": chance,
        "times": times,
    }
    told = run(RunningSimulator(at).tell(_ROUTE, fields))
    Output(invocation_of(ctx)).items(told["items"], columns=_COLUMNS)


@app.command("list")
def list_(ctx: typer.Context, at: At = DEFAULT_URL) -> None:
    """List the faults in force."""
    told = run(RunningSimulator(at).ask(_ROUTE))
    Output(invocation_of(ctx)).items(told["items"], columns=_COLUMNS)


@app.command()
def clear(ctx: typer.Context, at: At = DEFAULT_URL) -> None:
    """End every fault."""
    run(RunningSimulator(at).clear(_ROUTE))
    Output(invocation_of(ctx)).value({"cleared": True}, text="No fault is in force.")
