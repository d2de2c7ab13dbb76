"""The command line of the demo: a folder, the world, the story, and `--keep` to play with it."""

from __future__ import annotations

import asyncio
import shutil
import signal
import tempfile
from pathlib import Path
from typing import Annotated

import typer
import uvloop

from gateway.cli.demo.messages import make_messages
from gateway.cli.demo.screen import Screen
from gateway.cli.demo.story import Story, Summary
from gateway.cli.demo.world import QUEUE, World, open_world
from gateway.cli.faults import ExitCode
from gateway.cli.invocation import Invocation, invocation_of
from gateway.cli.output import Output
from gateway.telemetry import logs

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def demo(
    ctx: typer.Context,
    keep: Annotated[
        bool, typer.Option("--keep", help="Leave everything running afterwards, to play with.")
    ] = False,
) -> None:
    """Show the main job from end to end, in one process, with no account anywhere."""
    invocation = invocation_of(ctx)
    logs.configure(level="error", log_format="console", clock=invocation.clock)
    folder = Path(tempfile.mkdtemp(prefix="gateway-demo-"))
    try:
        summary = uvloop.run(_demo(invocation, folder, keep=keep))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if invocation.json:
        Output(invocation).value(summary.as_json())
    if not summary.good:
        raise typer.Exit(ExitCode.FAILED)


async def _demo(invocation: Invocation, folder: Path, *, keep: bool) -> Summary:
    async with open_world(folder, clock=invocation.clock) as world:
        batch = make_messages(world.simulator.sellers, now_ms=invocation.clock.now_ms())
        with Screen(invocation.stderr, batch) as screen:
            screen.say(
                f"A local SQS and SP-API at {world.simulator.spapi_url}, a webhook receiver at "
                f"{world.receiver.url()}, the gateway on SQLite in {folder}."
            )
            summary = await Story(world, batch, screen.show).run()
        screen.conclude(summary)
        if keep:
            await _keep(world, screen)
        return summary


async def _keep(world: World, screen: Screen) -> None:
    """Say how to play with what runs, and wait for Ctrl-C."""
    gateway = f"gateway --config {world.config}"
    screen.say(
        "\nStill running; Ctrl-C stops it. In another terminal:\n"
        f"  {gateway} notifications list\n"
        f"  {gateway} deliveries list\n"
        f"  {gateway} endpoints add URL     (http and loopback are allowed here)\n"
        f"  curl {world.admin_url}/metrics\n"
        f"Send messages of your own to {world.simulator.queue_url(QUEUE)} "
        f"(--endpoint-url {world.simulator.sqs_url}, any credentials)."
    )
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    await stop.wait()
