"""What the commands that begin an operation share: the dry run, the start, and waiting for it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any, Final

import typer

from gateway.archive.places import Location
from gateway.archive.source import archives
from gateway.cli.archives import opened_places
from gateway.cli.changing import entry
from gateway.cli.context import opened_store, run, settings_of
from gateway.cli.faults import ExitCode
from gateway.cli.invocation import Invocation
from gateway.cli.output import Output
from gateway.cli.rows import plain
from gateway.clock import Clock, rfc3339
from gateway.operations import (
    Operation,
    OperationKind,
    OperationState,
    Preview,
    Selection,
    time_of,
)
from gateway.replay.replays import ReplayWork
from gateway.replay.starting import LOOKS, calls_ahead, check_names, looking, new_operation, preview
from gateway.replay.stepping import Work
from gateway.service.bulk import archive_replays
from gateway.settings import Settings
from gateway.spapi.catalog import Catalog
from gateway.store import Store

Rate = Annotated[
    float | None,
    typer.Option("--rate", metavar="N", help="At most so many a second; may be below 1."),
]
Concurrency = Annotated[
    int, typer.Option(metavar="N", help="At most so many under way at once.", min=1)
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Show what it would do, and do nothing of it.")
]
CountAll = Annotated[
    bool,
    typer.Option(
        "--count-all", help="With --dry-run: look at all instead of estimating what is very much."
    ),
]
Wait = Annotated[
    bool, typer.Option("--wait", help="Wait until it has ended; it goes on if this is stopped.")
]

_LOOK_EVERY_S: Final = 0.5
_GOING: Final = frozenset({OperationState.RUNNING, OperationState.PAUSED})


def begin(  # noqa: PLR0913 one for each option that the commands share
    invocation: Invocation,
    kind: OperationKind,
    selection: Selection,
    *,
    rate_per_s: float | None,
    concurrency: int,
    dry_run: bool,
    wait: bool,
    count_all: bool = False,
) -> None:
    """Show what an operation would do, or begin it and print it; a running gateway does it.

    Raises:
        InvalidInputError: The selection or the pace makes no sense.
        NotFoundError: An endpoint or event that it names is not there.
    """
    settings = settings_of(invocation)
    operation = new_operation(
        kind,
        selection,
        invocation.clock.now_ms(),
        rate_per_s=rate_per_s,
        concurrency=concurrency,
    )

    async def begun() -> Operation | Preview:
        async with opened_store(invocation, settings) as store:
            await check_names(store, selection)
            if selection.archive is not None:
                await _check_archive(settings, selection.archive)
            if dry_run:
                look = _looking(settings, store, operation, invocation.clock)
                return await preview(look, kind, selection, looks=None if count_all else LOOKS)
            noted = entry(
                invocation.clock,
                f"operation.{kind.value}",
                operation.id,
                changes={"selection": dict(selection.as_json())},
            )
            await store.changing(noted).operations.start(operation)
            return await follow(invocation, store, operation.id) if wait else operation

    ended = run(begun())
    output = Output(invocation)
    if isinstance(ended, Preview):
        output.value(preview_row(ended, kind))
        return
    output.value(operation_row(ended))
    if wait and ended.state is not OperationState.FINISHED:
        raise typer.Exit(ExitCode.FAILED)


async def _check_archive(settings: Settings, url: str) -> None:
    """Look whether there is an archive, all of it, before a gateway is to read it."""
    location = Location.parse(url)
    async with opened_places(settings, location, region=None, endpoint_url=None) as places:
        async for _ in archives(places, location):
            pass


def _looking(settings: Settings, store: Store, operation: Operation, clock: Clock) -> Work:
    if operation.selection.archive is None:
        return looking(store, operation.kind)
    return archive_replays(settings, store, ReplayWork(store.replays), clock)


async def follow(invocation: Invocation, store: Store, operation_id: str) -> Operation:
    """Return an operation once it has ended; show on a terminal how far it is."""
    with Output(invocation).progress(operation_id) as say:
        while True:
            operation = await store.operations.get(operation_id)
            if operation.state not in _GOING:
                return operation
            say(
                f"{operation.id} {operation.state}: {operation.done} done,"
                f" {operation.skipped} skipped of {operation.looked} looked at",
                part_done(operation),
            )
            await asyncio.sleep(_LOOK_EVERY_S)


def part_done(operation: Operation) -> float | None:
    """Return which part of its time an operation has been through, where it goes through one.

    None for an archive's, and for deliveries that failed within it, whenever they were made.
    """
    selection = operation.selection
    if selection.archive is not None or selection.by_failure:
        return None
    passed_ms = time_of(operation.cursor) - selection.from_ms
    return max(0.0, passed_ms / (selection.to_ms - selection.from_ms))


def operation_row(
    operation: Operation, handlings: Mapping[str, int] | None = None
) -> dict[str, Any]:
    """Return an operation as it is printed."""
    row = plain(operation)
    row["selection"] = selection_row(operation.selection)
    del row["paced_at"]
    if handlings is not None:
        row["handlings"] = dict(handlings)
    return row


def selection_row(selection: Selection) -> dict[str, Any]:
    """Return a selection as it is printed: what it leaves open is left out."""
    row = dict(selection.as_json())
    times = {"from": rfc3339(row.pop("from_ms")), "to": rfc3339(row.pop("to_ms"))}
    return times | row


def preview_row(found: Preview, kind: OperationKind) -> dict[str, Any]:
    """Return what an operation would do as it is printed."""
    row = plain(replace(found, by_type_and_seller={}))
    del row["by_type_and_seller"]
    row["kind"] = kind.value
    if kind is OperationKind.REPLAY:
        calls: Sequence[Any] = calls_ahead(found, Catalog.load())
        row["follow_up_calls_at_most"] = [plain(one) for one in calls]
    return row
