"""`gateway dlq`: dead-letter queues, those of queues that the gateway doesn't consume too."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from gateway.aws.account import SqsAccount
from gateway.cli import dlq_changes
from gateway.cli.context import run, settings_of
from gateway.cli.dlq_options import (
    HOLD_S,
    AcceptPolicy,
    EndpointUrl,
    Hold,
    Opened,
    Queue,
    Region,
    Reveal,
    filtered,
    may_look,
    opened_account,
    opened_queue,
    place_of,
)
from gateway.cli.dlq_runs import counted, looked_through, looking, part_seen
from gateway.cli.invocation import Invocation, invocation_of, new_app
from gateway.cli.output import Output
from gateway.errors import InvalidInputError, NotFoundError
from gateway.replay.dlq.exporting import Export
from gateway.replay.dlq.filters import LetterFilter
from gateway.replay.dlq.queues import DeadLetterQueue, dead_letter_queues
from gateway.replay.dlq.reading import ReadLetter, groups, read_letter
from gateway.replay.dlq.rows import summary_row, whole_row

app = new_app()
app.command("redrive")(dlq_changes.redrive)
app.command("purge")(dlq_changes.purge)

_KINDS = {"type": "type", "seller": "seller_id", "reason": "reason"}


@app.callback()
def dlq() -> None:
    """Look into dead-letter queues, bring messages back."""


@app.command("list")
def list_(
    ctx: typer.Context,
    queues: Annotated[
        list[str] | None,
        typer.Argument(metavar="[QUEUE]...", help="Dead-letter queues, or queues that have some."),
    ] = None,
    *,
    every: Annotated[
        bool, typer.Option("--all", help="Of every queue of the account in the region.")
    ] = False,
    region: Region = None,
    endpoint_url: EndpointUrl = None,
) -> None:
    """List the dead-letter queues of queues: those named, else those of the settings."""
    invocation = invocation_of(ctx)
    settings = settings_of(invocation)
    named: list[str | None] = [*(queues or [each.url for each in settings.queues])]
    if not named and not every:
        raise InvalidInputError("no queue is configured: name one, or give --all and --region")
    places = [
        place_of(each, settings, region=region, endpoint_url=endpoint_url)
        for each in (named[:1] or [None] if every else named)
    ]

    async def work() -> list[dict[str, Any]]:
        found: dict[str, dict[str, Any]] = {}
        for place in places:
            async with opened_account(invocation, place) as account:
                urls = await _urls(account, place.url, place.name, every=every)
                found_here = await dead_letter_queues(
                    account, urls, themselves=bool(queues) and not every
                )
                for row in map(_queue_row, found_here):
                    row["sources"] += found.get(row["name"], {}).get("sources", [])
                    found[row["name"]] = row
        return list(found.values())

    Output(invocation).items(
        run(work()), columns=("name", "messages", "in_flight", "retention_days", "sources", "fault")
    )


async def _urls(account: SqsAccount, url: str, name: str | None, *, every: bool) -> list[str]:
    if every:
        return list(await account.urls())
    return [url if name is None else await account.url_of(name)]


def _queue_row(queue: DeadLetterQueue) -> dict[str, Any]:
    facts = queue.facts
    return {
        "name": queue.name,
        "url": queue.url,
        "messages": facts and facts.visible,
        "in_flight": facts and facts.in_flight,
        "delayed": facts and facts.delayed,
        "retention_days": facts and facts.retention_s // 86_400,
        "sources": list(queue.sources),
        "own_dead_letter_queue": facts and facts.dead_letter_arn,
        "own_max_receives": facts and facts.max_receives,
        "fault": queue.fault,
    }


@app.command()
@filtered
def peek(  # noqa: PLR0913 one for each option of the command
    ctx: typer.Context,
    queue: Queue,
    *,
    by: Annotated[
        list[str] | None,
        typer.Option(help="Count by type, seller or reason instead; may be repeated."),
    ] = None,
    wanted: LetterFilter,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="Look at so many.")] = 100,
    body: Annotated[bool, typer.Option("--body", help="With body and attributes, masked.")] = False,
    reveal: Reveal = False,
    hold: Hold = HOLD_S,
    accept_redrive_policy: AcceptPolicy = False,
    region: Region = None,
    endpoint_url: EndpointUrl = None,
) -> None:
    """Look at messages without taking them; each look counts as one receive."""
    invocation = invocation_of(ctx)
    kinds = [_kind(each) for each in by or ()]

    async def work() -> list[ReadLetter]:
        async with opened_queue(
            invocation, queue, region=region, endpoint_url=endpoint_url
        ) as opened:
            may_look(opened, accept=accept_redrive_policy)
            return await looked_through(invocation, opened, wanted, limit=limit, hold_s=hold)

    found = run(work())
    output, now_ms = Output(invocation), invocation.clock.now_ms()
    if kinds:
        output.items(groups(found, kinds), columns=(*kinds, "messages"))
    elif body or reveal:
        rows = [whole_row(each, now_ms, reveal=reveal) for each in found]
        output.items(rows, columns=("message_id", "type", "reason", "body"))
    else:
        columns = ("message_id", "type", "seller_id", "reason", "receive_count", "sent_at", "bytes")
        output.items([summary_row(each, now_ms) for each in found], columns=columns)


def _kind(name: str) -> str:
    if name not in _KINDS:
        raise typer.BadParameter(f"{name!r} is none of {', '.join(_KINDS)}", param_hint="--by")
    return _KINDS[name]


@app.command()
def show(  # noqa: PLR0913 one for each option of the command
    ctx: typer.Context,
    queue: Queue,
    message_id: Annotated[str, typer.Argument(metavar="ID", help="A message_id of peek.")],
    *,
    limit: Annotated[
        int, typer.Option(min=1, max=100_000, help="Look at so many to find it.")
    ] = 1_000,
    reveal: Reveal = False,
    hold: Hold = HOLD_S,
    accept_redrive_policy: AcceptPolicy = False,
    region: Region = None,
    endpoint_url: EndpointUrl = None,
) -> None:
    """Show one message; SQS can't be asked for one, so others are looked at on the way."""
    invocation = invocation_of(ctx)

    async def work() -> ReadLetter:
        async with opened_queue(
            invocation, queue, region=region, endpoint_url=endpoint_url
        ) as opened:
            may_look(opened, accept=accept_redrive_policy)
            return await _one(invocation, opened, message_id, limit=limit, hold_s=hold)

    found = run(work())
    row = whole_row(found, invocation.clock.now_ms(), reveal=reveal)
    Output(invocation).document(row)


async def _one(
    invocation: Invocation, opened: Opened, message_id: str, *, limit: int, hold_s: int
) -> ReadLetter:
    async with looking(invocation, opened, hold_s) as look:
        while look.seen < limit:
            letters = await look.next(min(10, limit - look.seen))
            if not letters:
                break
            for letter in letters:
                if letter.id == message_id:
                    return read_letter(letter)
    raise NotFoundError(
        f"no message {message_id} among the {look.seen} that were looked at in {opened.queue.name}"
    )


@app.command()
@filtered
def export(  # noqa: PLR0913 one for each option of the command
    ctx: typer.Context,
    queue: Queue,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="JSONL; must not exist.")],
    *,
    wanted: LetterFilter,
    limit: Annotated[int | None, typer.Option(min=1, help="Look at so many at most.")] = None,
    reveal: Reveal = False,
    hold: Hold = HOLD_S,
    accept_redrive_policy: AcceptPolicy = False,
    region: Region = None,
    endpoint_url: EndpointUrl = None,
) -> None:
    """Write messages to a file, with a manifest beside it; they stay in the queue."""
    invocation = invocation_of(ctx)

    async def work() -> dict[str, Any]:
        async with opened_queue(
            invocation, queue, region=region, endpoint_url=endpoint_url
        ) as opened:
            may_look(opened, accept=accept_redrive_policy)
            with Export(file, reveal=reveal, clock=invocation.clock) as made:
                return await _export(invocation, opened, made, wanted, limit=limit, hold_s=hold)

    row = run(work())
    Output(invocation).value(row, text=f"Wrote {row['messages']} messages to {file}.")


async def _export(
    invocation: Invocation,
    opened: Opened,
    made: Export,
    wanted: LetterFilter,
    *,
    limit: int | None,
    hold_s: int,
) -> dict[str, Any]:
    clock = invocation.clock
    async with looking(invocation, opened, hold_s) as look:
        with Output(invocation).progress("Writing") as tell:
            async for letters in counted(look, limit):
                now_ms = clock.now_ms()
                read = map(read_letter, letters)
                await made.keep([each for each in read if wanted.matches(each, now_ms)])
                tell(
                    f"{made.messages} written, {look.seen} of about {opened.facts.messages} seen",
                    part_seen(opened, look.seen),
                )
    return dict(
        made.finish(
            {
                "queue": opened.queue.url,
                "looked_at": look.seen,
                "stopped": look.stopped,
                "expected": opened.facts.messages,
                "purged": False,
            }
        )
    )
