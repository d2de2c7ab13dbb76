"""`gateway simulate`: a local SQS, LWA and SP-API, to develop against without an Amazon account."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Mapping
from typing import Annotated, Any

import typer

from gateway.cli.context import run
from gateway.cli.invocation import Invocation, invocation_of, new_app
from gateway.cli.output import Output
from gateway.errors import ConflictError
from gateway.simulator.server import Simulator
from gateway.simulator.server import serve as serve_simulator

app = new_app()


@app.callback()
def simulate() -> None:
    """Run a local SQS and SP-API to develop against."""


@app.command()
def serve(
    ctx: typer.Context,
    host: Annotated[str, typer.Option(help="Address that is listened on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes any free port.")] = 9324,
    queue: Annotated[
        list[str] | None, typer.Option(help="Queue that is there from the start; repeatable.")
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Refuse credentials that are not listed.")
    ] = False,
) -> None:
    """Serve until a signal; prints where everything is, and credentials, once it listens."""
    invocation = invocation_of(ctx)
    simulator = Simulator(
        host=host,
        port=port,
        queues=queue or ["notifications"],
        strict=strict,
        clock=invocation.clock,
    )
    try:
        run(_serve(simulator, invocation))
    except OSError as exc:
        raise ConflictError(f"{host}:{port}: {exc.strerror or exc}; choose another --port") from exc


async def _serve(simulator: Simulator, invocation: Invocation) -> None:
    output = Output(invocation)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)

    def ready(description: Mapping[str, Any]) -> None:
        output.value(description)
        output.note("Ready; Ctrl-C stops it.")

    await serve_simulator(simulator, ready=ready, stop=stop)
