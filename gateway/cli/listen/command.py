"""The command itself: what to listen to, where to forward it, and what is shown of it."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Annotated

import aiohttp
import typer

from gateway.cli.context import opened_store, run, settings_of
from gateway.cli.invocation import Invocation, invocation_of
from gateway.cli.listen.forwarding import Forwarded, Forwarder, Listener
from gateway.cli.listen.sources import GatewayApi, GatewaySource, Source, StoreSource, Wanted
from gateway.cli.output import Output
from gateway.clock import rfc3339
from gateway.errors import DependencyError, InvalidInputError

app = typer.Typer(add_completion=False, rich_markup_mode=None)

_KEY_VARIABLE = "GATEWAY_API_KEY"


@app.command()
def listen(
    ctx: typer.Context,
    *,
    forward: Annotated[
        str, typer.Option(metavar="URL", help="Where each event is posted to, signed.")
    ],
    events: Annotated[
        list[str] | None,
        typer.Option("--events", help="Event type or pattern, such as order.*; may be repeated."),
    ] = None,
    endpoint: Annotated[
        str | None,
        typer.Option(metavar="ID", help="Pull this endpoint's events, instead of a fresh one's."),
    ] = None,
    gateway: Annotated[
        str | None,
        typer.Option(
            metavar="URL", help=f"Another gateway's admin port; its key is in {_KEY_VARIABLE}."
        ),
    ] = None,
    key_file: Annotated[
        Path | None, typer.Option(help="Holds the API key for --gateway instead.")
    ] = None,
    count: Annotated[
        int | None, typer.Option(min=1, help="Stop after so many; else a signal does.")
    ] = None,
) -> None:
    """Forward events to your own machine as they come, and show each answer."""
    invocation = invocation_of(ctx)
    if not forward.startswith(("http://", "https://")):
        raise InvalidInputError("--forward: write http://localhost:3000 or another URL")
    if endpoint is not None and events:
        raise InvalidInputError("--events: the endpoint of --endpoint has a filter of its own")
    wanted = Wanted(endpoint_id=endpoint, event_types=tuple(events or ()))
    key = None if gateway is None else _key(invocation, key_file)
    run(_listen(invocation, wanted, forward, gateway=gateway, key=key, count=count))


async def _listen(
    invocation: Invocation,
    wanted: Wanted,
    forward: str,
    *,
    gateway: str | None,
    key: str | None,
    count: int | None,
) -> None:
    output = Output(invocation)

    def tell(forwarded: Forwarded) -> None:
        line = _line(forwarded, rfc3339(invocation.clock.now_ms()))
        (output.note if invocation.json else output.line)(line)

    async with (
        aiohttp.ClientSession() as session,
        _source(invocation, session, wanted, gateway, key) as source,
    ):
        listener = Listener(
            source,
            Forwarder(session, forward, invocation.clock),
            invocation.clock,
            tell=tell,
            complain=output.note,
        )
        if source.secret is not None:
            output.note(f"Verify with this secret, which lasts as long as this: {source.secret}")
        output.note(f"Listening as {source.endpoint_id}; Ctrl-C stops it.")
        with _until_a_signal(), suppress(asyncio.CancelledError):
            await listener.run(most=count)
    told = {"id": source.endpoint_id, "accepted": listener.accepted, "failed": listener.failed}
    output.value(told, text=f"{listener.accepted} accepted, {listener.failed} failed.")


@asynccontextmanager
async def _source(
    invocation: Invocation,
    session: aiohttp.ClientSession,
    wanted: Wanted,
    gateway: str | None,
    key: str | None,
) -> AsyncIterator[Source]:
    source: Source
    if gateway is not None and key is not None:
        source = await GatewaySource.open(GatewayApi(session, gateway, key), wanted)
        try:
            yield source
        finally:
            await _close(source, invocation)
        return
    async with opened_store(invocation, settings_of(invocation)) as store:
        source = await StoreSource.open(store, invocation.clock, wanted)
        try:
            yield source
        finally:
            await _close(source, invocation)


async def _close(source: Source, invocation: Invocation) -> None:
    try:
        await source.close()
    except DependencyError as exc:
        Output(invocation).note(f"{exc}; endpoint {source.endpoint_id} is left behind")


@contextmanager
def _until_a_signal() -> Iterator[None]:
    """While inside, SIGINT and SIGTERM cancel what is awaited, and nothing after it."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None
    numbers = (signal.SIGINT, signal.SIGTERM)
    for number in numbers:
        loop.add_signal_handler(number, task.cancel)
    try:
        yield
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)
        while task.cancelling():
            task.uncancel()


def _line(forwarded: Forwarded, at: str) -> str:
    status = forwarded.status if forwarded.status is not None else "-"
    event = forwarded.event
    line = f"{at}  {status}  {event.type}  {event.id}  {forwarded.duration_ms} ms"
    return line if forwarded.accepted else f"{line}  {forwarded.answer!r}"


def _key(invocation: Invocation, key_file: Path | None) -> str:
    if key_file is not None:
        try:
            return key_file.read_text().strip()
        except OSError as exc:
            raise InvalidInputError(f"--key-file: {exc.strerror}: {key_file}") from exc
    key = invocation.environ.get(_KEY_VARIABLE, "")
    if not key:
        raise InvalidInputError(f"--gateway: put an API key into {_KEY_VARIABLE}, or --key-file")
    return key
