"""`gateway replay eventbridge`: what an archive of EventBridge holds, sent by AWS once more."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Annotated, Any, Final

import typer

from gateway.aws.eventbridge import (
    EventArchive,
    EventReplay,
    EventReplays,
    ReplayStanding,
    check_name,
    region_of,
    rule_arn,
)
from gateway.aws.provisioning.clients import Clients
from gateway.cli.context import run
from gateway.cli.faults import ExitCode
from gateway.cli.invocation import Invocation, invocation_of
from gateway.cli.output import Output
from gateway.cli.rows import plain
from gateway.cli.times import TIME_HELP, time_ms
from gateway.clock import rfc3339
from gateway.errors import InvalidInputError

_LOOK_EVERY_S: Final = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wanted:
    """What is to be replayed."""

    arn: str
    name: str
    from_ms: int
    to_ms: int
    rules: tuple[str, ...]


def eventbridge(  # noqa: PLR0913 one for each option of the command
    ctx: typer.Context,
    archive: Annotated[
        str | None,
        typer.Argument(
            metavar="[ARN]", help="Of the archive: arn:aws:events:REGION:ACCOUNT:archive/NAME."
        ),
    ] = None,
    *,
    from_: Annotated[
        str | None, typer.Option("--from", metavar="TIME", help=f"Events since then. {TIME_HELP}")
    ] = None,
    to: Annotated[
        str | None, typer.Option("--to", metavar="TIME", help="Until then; else until now.")
    ] = None,
    rules: Annotated[
        list[str] | None,
        typer.Option(
            "--rule", metavar="NAME|ARN", help="Only to this rule of the bus; may be repeated."
        ),
    ] = None,
    name: Annotated[
        str | None, typer.Option(help="Of the replay; unless given one with the time in it.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be asked of AWS, and ask nothing.")
    ] = False,
    detach: Annotated[
        bool, typer.Option("--detach", help="Start it and don't wait for its end.")
    ] = False,
    follow: Annotated[
        str | None, typer.Option(metavar="NAME", help="Follow a replay that was started before.")
    ] = None,
    cancel: Annotated[
        str | None, typer.Option(metavar="NAME", help="Cancel a replay; what came stays.")
    ] = None,
    region: Annotated[
        str | None, typer.Option(help="AWS region; unless given the archive's, or AWS's own.")
    ] = None,
    endpoint_url: Annotated[
        str | None, typer.Option(metavar="URL", help="Another EventBridge, such as a local one.")
    ] = None,
) -> None:
    """Have AWS send what an archive of EventBridge holds once more, and follow that.

    The events come through the same bus, rule and queue. The inbox knows what it has by Amazon's
    id; gateway_eventbridge_replayed_total counts what the replay brought, duplicates apart. It goes
    on in AWS when this command is stopped. Events of the last ten minutes may not be in the archive
    yet.
    """
    invocation = invocation_of(ctx)
    if sum(one is not None for one in (archive, follow, cancel)) != 1:
        raise InvalidInputError("give the archive's ARN, or --follow NAME, or --cancel NAME")
    where = region or (None if archive is None else region_of(archive))
    endpoints = {} if endpoint_url is None else {"events": endpoint_url}
    replays = EventReplays(Clients(where, endpoints=endpoints))
    wanted = None
    if archive is not None:
        wanted = _wanted(invocation, archive, from_, to, rules, name)
    elif any((from_, to, rules, name, dry_run)):
        raise InvalidInputError("--follow and --cancel go with no option of a new replay")
    if wanted is not None and dry_run:
        Output(invocation).value(_plan_row(wanted, replays.archive(wanted.arn)))
        return
    found = run(_done(invocation, replays, wanted, follow=follow, cancel=cancel, detach=detach))
    Output(invocation).value(_row(found))
    if found.state is ReplayStanding.FAILED or (
        cancel is None and found.state is ReplayStanding.CANCELLED
    ):
        raise typer.Exit(ExitCode.FAILED)


async def _done(
    invocation: Invocation,
    replays: EventReplays,
    wanted: _Wanted | None,
    *,
    follow: str | None,
    cancel: str | None,
    detach: bool,
) -> EventReplay:
    named = follow or cancel
    if wanted is not None:
        archive = await asyncio.to_thread(replays.archive, wanted.arn)
        await asyncio.to_thread(
            replays.start,
            archive,
            wanted.name,
            from_ms=wanted.from_ms,
            to_ms=wanted.to_ms,
            rules=[rule_arn(one, archive) for one in wanted.rules],
        )
        named = wanted.name
        if not invocation.json:
            Output(invocation).note(f"Started {named}; --follow {named} looks, --cancel ends it.")
    elif cancel is not None:
        await asyncio.to_thread(replays.cancel, check_name(cancel))
    assert named is not None
    return await _followed(invocation, replays, check_name(named), once=detach)


async def _followed(
    invocation: Invocation, replays: EventReplays, name: str, *, once: bool
) -> EventReplay:
    """Return a replay once it has ended, with progress for a person."""
    with Output(invocation).progress(name) as tell:
        while True:
            found = await asyncio.to_thread(replays.look, name)
            if once or found.state.ended:
                return found
            share = "" if found.share is None else f", {found.share:.0%} of the time"
            tell(f"{name} {found.state}{share}; it goes on if this command is stopped")
            await invocation.clock.sleep(_LOOK_EVERY_S)


def _wanted(
    invocation: Invocation,
    archive: str,
    from_: str | None,
    to: str | None,
    rules: list[str] | None,
    name: str | None,
) -> _Wanted:
    now_ms = invocation.clock.now_ms()
    if from_ is None:
        raise InvalidInputError("--from: say from when, such as 6h")
    stamp = "".join(char for char in rfc3339(now_ms)[:19] if char.isdigit())
    wanted = _Wanted(
        arn=archive,
        name=check_name(name or f"gateway-{stamp}"),
        from_ms=time_ms(from_, "--from", now_ms),
        to_ms=now_ms if to is None else time_ms(to, "--to", now_ms),
        rules=tuple(rules or ()),
    )
    if wanted.from_ms >= wanted.to_ms:
        raise InvalidInputError("--from has to be before --to")
    return wanted


def _plan_row(wanted: _Wanted, archive: EventArchive) -> dict[str, Any]:
    return {
        "name": wanted.name,
        "archive": archive.arn,
        "bus": archive.bus_arn,
        "from": rfc3339(wanted.from_ms),
        "to": rfc3339(wanted.to_ms),
        "rules": [rule_arn(one, archive) for one in wanted.rules],
        "events_in_archive_about": archive.events,
        "size_bytes_about": archive.size_bytes,
    }


def _row(found: EventReplay) -> dict[str, Any]:
    row = plain(found)
    for member, of in (("from_ms", "from"), ("to_ms", "to"), ("last_event_ms", "last_event_at")):
        at_ms = row.pop(member)
        row[of] = None if at_ms is None else rfc3339(at_ms)
    return row | {"share": found.share}
