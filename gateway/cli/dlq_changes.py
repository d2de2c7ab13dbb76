"""`gateway dlq redrive` and `purge`: the commands that take messages out of a dead-letter queue."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from gateway.aws.account import MoveTask
from gateway.aws.letters import LetterQueue
from gateway.cli.context import run
from gateway.cli.dlq_audit import noted
from gateway.cli.dlq_options import (
    HOLD_S,
    AcceptPolicy,
    EndpointUrl,
    Hold,
    Opened,
    Queue,
    Region,
    filtered,
    may_look,
    opened_queue,
)
from gateway.cli.dlq_runs import Bounds, failed, looked_at, settled, settled_row
from gateway.cli.faults import ExitCode
from gateway.cli.invocation import Invocation, invocation_of
from gateway.cli.output import Output
from gateway.cli.rows import plain
from gateway.clock import rfc3339
from gateway.errors import ConflictError, InvalidInputError, QueueUnavailableError
from gateway.replay.dlq.exporting import Export
from gateway.replay.dlq.filters import LetterFilter
from gateway.replay.dlq.homes import Homes
from gateway.replay.dlq.moving import cancel, follow, last_task, running_task, task_can
from gateway.replay.dlq.settling import Limits, Nowhere

Rate = Annotated[float | None, typer.Option(min=0.1, help="So many messages a second at most.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only tell what would be done.")]
Limit = Annotated[int | None, typer.Option(min=1, help="So many at most.")]


# ── redrive ──────────────────────────────────────────────────────────────────────────────────────


@filtered
def redrive(  # noqa: PLR0913 one for each option of the command
    ctx: typer.Context,
    queue: Queue,
    *,
    to: Annotated[
        str | None,
        typer.Option(metavar="QUEUE", help="Move them here, not to where they came from."),
    ] = None,
    wanted: LetterFilter,
    limit: Limit = None,
    rate: Rate = None,
    dry_run: DryRun = False,
    detach: Annotated[
        bool, typer.Option("--detach", help="Don't wait for a task that SQS runs by itself.")
    ] = False,
    status: Annotated[bool, typer.Option("--status", help="Show the newest such task.")] = False,
    cancel_task: Annotated[bool, typer.Option("--cancel", help="Stop the running task.")] = False,
    hold: Hold = HOLD_S,
    accept_redrive_policy: AcceptPolicy = False,
    region: Region = None,
    endpoint_url: EndpointUrl = None,
) -> None:
    """Move messages back: all by a task of SQS's, some by sending and then deleting each."""
    invocation = invocation_of(ctx)
    limits = Limits(most=limit, rate=rate, hold_s=hold)
    bounds = Bounds(limits=limits, dry_run=dry_run, accept=accept_redrive_policy)

    async def work() -> dict[str, Any]:
        async with opened_queue(
            invocation, queue, region=region, endpoint_url=endpoint_url
        ) as opened:
            if cancel_task:
                await noted(invocation, opened, "dlq.redrive.cancel", wanted)
                task = await cancel(opened.account, opened.facts.arn)
                return {"queue": opened.queue.url, "cancelled": True, "task": plain(task)}
            if status:
                newest = await last_task(opened.account, opened.facts.arn)
                return {"queue": opened.queue.url, "task": newest and plain(newest)}
            return await _redrive(invocation, opened, wanted, bounds, to=to, detach=detach)

    row = run(work())
    Output(invocation).value(row)
    if failed(row):
        raise typer.Exit(ExitCode.FAILED)


async def _redrive(
    invocation: Invocation,
    opened: Opened,
    wanted: LetterFilter,
    bounds: Bounds,
    *,
    to: str | None,
    detach: bool,
) -> dict[str, Any]:
    await _alone(opened)
    sources = await opened.account.sources_of(opened.queue.url)
    target = await _named(opened, to) if to is not None else None
    if target is not None and target.url == opened.queue.url:
        raise InvalidInputError("--to: that is the queue they are in")
    if not sources and target is None:
        raise InvalidInputError(
            f"{opened.queue.name} is no dead-letter queue of an SQS queue: say where to, with --to"
        )
    if not bounds.dry_run:
        await noted(invocation, opened, "dlq.redrive", wanted, to=to, limit=bounds.limits.most)
    if sources and task_can(wanted, limit=bounds.limits.most, rate=bounds.limits.rate):
        done = await _by_task(invocation, opened, target, bounds, detach=detach)
        if done is not None:
            return done
    if bounds.dry_run:
        return {"method": "messages"} | await looked_at(invocation, opened, wanted, bounds)
    may_look(opened, accept=bounds.accept)
    tally = await settled(
        invocation, opened, await _homes(opened, sources, target), wanted, bounds, "moved"
    )
    return {"method": "messages"} | settled_row(opened, tally, "moved")


async def _alone(opened: Opened) -> None:
    """Refuse while a task moves the same messages."""
    task = await running_task(opened.account, opened.facts.arn)
    if task is not None:
        raise ConflictError(
            f"a task moves the messages of {opened.queue.name} already ({task.moved} so far); see "
            "redrive --status, or stop it with redrive --cancel"
        )


async def _named(opened: Opened, named: str) -> LetterQueue:
    url = named if "://" in named else await opened.account.url_of(named)
    return opened.account.queue(url)


async def _homes(opened: Opened, sources: Sequence[str], target: LetterQueue | None) -> Homes:
    """Return where letters go; with one source, that is where they came from."""
    if target is not None:
        return Homes({}, otherwise=target)
    queues = [opened.account.queue(url) for url in sources]
    by_arn = {(await each.facts()).arn: each for each in queues}
    return Homes(by_arn, otherwise=queues[0] if len(queues) == 1 else None)


async def _by_task(
    invocation: Invocation,
    opened: Opened,
    target: LetterQueue | None,
    bounds: Bounds,
    *,
    detach: bool,
) -> dict[str, Any] | None:
    """Let SQS move everything; None where this server has no such tasks."""
    account, arn = opened.account, opened.facts.arn
    row: dict[str, Any] = {"method": "task", "queue": opened.queue.url, "dry_run": bounds.dry_run}
    if bounds.dry_run:
        return row | {"matched": opened.facts.visible}
    before = await last_task(account, arn)
    target_arn = (await target.facts()).arn if target is not None else None
    rate = int(bounds.limits.rate) if bounds.limits.rate is not None else None
    try:
        handle = await account.start_move(arn, target_arn=target_arn, rate=rate)
    except QueueUnavailableError as exc:
        if exc.reason == "unsupported":
            return None
        raise
    if detach:
        return row | {"task_handle": handle}
    with Output(invocation).progress("SQS moves the messages") as tell:
        task = await follow(
            account,
            arn,
            after_ms=before.started_at_ms if before else None,
            clock=invocation.clock,
            told=lambda task: tell(_progress(task)),
        )
    return row | {"moved": task.moved, "task": plain(task)}


def _progress(task: MoveTask) -> str:
    of = f" of about {task.to_move}" if task.to_move is not None else ""
    return f"SQS has moved {task.moved}{of}; it goes on if this command is stopped"


# ── purge ────────────────────────────────────────────────────────────────────────────────────────


@filtered
def purge(  # noqa: PLR0913 one for each option of the command
    ctx: typer.Context,
    queue: Queue,
    *,
    wanted: LetterFilter,
    limit: Limit = None,
    rate: Rate = None,
    dry_run: DryRun = False,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask.")] = False,
    file: Annotated[
        Path | None, typer.Option("--export", metavar="FILE", help="Write them to this file first.")
    ] = None,
    no_export: Annotated[
        bool, typer.Option("--no-export", help="Delete them without writing them down.")
    ] = False,
    hold: Hold = HOLD_S,
    accept_redrive_policy: AcceptPolicy = False,
    region: Region = None,
    endpoint_url: EndpointUrl = None,
) -> None:
    """Delete messages, each after it was written to a file with all it holds."""
    invocation = invocation_of(ctx)
    if file is not None and no_export:
        raise InvalidInputError("--export and --no-export exclude each other")
    limits = Limits(most=limit, rate=rate, hold_s=hold)
    bounds = Bounds(limits=limits, dry_run=dry_run, accept=accept_redrive_policy)

    async def work() -> dict[str, Any]:
        async with opened_queue(
            invocation, queue, region=region, endpoint_url=endpoint_url
        ) as opened:
            if dry_run:
                return await looked_at(invocation, opened, wanted, bounds)
            await _alone(opened)
            if not yes:
                _confirm(invocation, opened, wanted)
            name = None if no_export else file or _file_name(invocation, opened)
            export = None if name is None else str(name)
            await noted(invocation, opened, "dlq.purge", wanted, limit=limit, export=export)
            if name is None:
                return await _unwritten(invocation, opened, wanted, bounds)
            return await _written(invocation, opened, wanted, bounds, name)

    row = run(work())
    Output(invocation).value(row)
    if failed(row):
        raise typer.Exit(ExitCode.FAILED)


def _confirm(invocation: Invocation, opened: Opened, wanted: LetterFilter) -> None:
    """Let a person type the queue's name.

    Raises:
        InvalidInputError: Nobody can be asked, or something else was typed.
    """
    if invocation.json or not sys.stdin.isatty():
        raise InvalidInputError("nobody can be asked here: give --yes to delete messages")
    which = "all" if wanted.everything else "the messages that fit the filter, out of"
    typer.echo(
        f"This deletes {which} about {opened.facts.messages} messages in {opened.queue.url}.",
        err=True,
    )
    if typer.prompt(f"Type {opened.queue.name} to go on", err=True) != opened.queue.name:
        raise InvalidInputError("that is not the queue's name; nothing was deleted")


def _file_name(invocation: Invocation, opened: Opened) -> Path:
    at = rfc3339(invocation.clock.now_ms())[:19].replace(":", "").replace("-", "")
    return Path(f"dlq-{opened.queue.name}-{at}Z.jsonl")


async def _written(
    invocation: Invocation, opened: Opened, wanted: LetterFilter, bounds: Bounds, file: Path
) -> dict[str, Any]:
    """Delete what is meant, each message after it is on the disk."""
    may_look(opened, accept=bounds.accept)
    with Export(file, reveal=True, clock=invocation.clock) as made:
        tally = await settled(invocation, opened, made, wanted, bounds, "deleted")
        row = settled_row(opened, tally, "deleted")
        facts = {"queue": opened.queue.url, "looked_at": tally.seen, "purged": True}
        made.finish(facts | {"expected": opened.facts.messages, "undeleted": tally.undeleted})
    return row | {"export": str(made.path), "manifest": str(made.manifest_path)}


async def _unwritten(
    invocation: Invocation, opened: Opened, wanted: LetterFilter, bounds: Bounds
) -> dict[str, Any]:
    """Delete what is meant; everything at once where nothing is asked for."""
    if wanted.everything and bounds.limits.most is None and bounds.limits.rate is None:
        await opened.queue.purge()
        return {"queue": opened.queue.url, "deleted": opened.facts.messages, "export": None}
    may_look(opened, accept=bounds.accept)
    tally = await settled(invocation, opened, Nowhere(), wanted, bounds, "deleted")
    return settled_row(opened, tally, "deleted") | {"export": None}
