"""`gateway simulate serve`: the local SQS, LWA and SP-API as one server."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from gateway.cli.context import run
from gateway.cli.invocation import Invocation, invocation_of
from gateway.cli.output import Output
from gateway.errors import ConflictError
from gateway.simulator.server import Simulator
from gateway.simulator.server import serve as serve_simulator


def serve(  # noqa: PLR0913 the options of a command
    ctx: typer.Context,
    *,
    host: Annotated[str, typer.Option(help="Address that is listened on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes any free port.")] = 9324,
    queue: Annotated[
        list[str] | None,
        typer.Option(
            help="Queue that is there from the start; repeatable. The first is also behind every "
            "event bus, and gets the secrets of applications."
        ),
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Refuse credentials that are not listed.")
    ] = False,
    models: Annotated[
        Path | None,
        typer.Option(
            help="Checkout of amzn/selling-partner-api-models; its static sandbox cases answer "
            "what the simulator does not play."
        ),
    ] = None,
    sqs_endpoint: Annotated[
        str | None,
        typer.Option(help="SQS elsewhere, for notifications to queues that are not local."),
    ] = None,
    queue_s: Annotated[
        float, typer.Option(min=0, help="Seconds until work on a report and the like begins.")
    ] = 1.0,
    work_s: Annotated[float, typer.Option(min=0, help="Seconds that such work takes.")] = 2.0,
    seed: Annotated[int, typer.Option(help="What orders are drawn from.")] = 0,
) -> None:
    """Serve until a signal; prints where everything is, and credentials, once it listens."""
    invocation = invocation_of(ctx)
    simulator = Simulator(
        host=host,
        port=port,
        queues=queue or ["notifications"],
        strict=strict,
        models=models,
        sqs_endpoint=sqs_endpoint,
        queue_s=queue_s,
        work_s=work_s,
        seed=seed,
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
