"""One sweep of a seller and type, as a job: a page a run, its place kept between runs.

So a sweep waits for its usage plan without holding a worker, goes on where it stood after a crash,
and is seen and repeated like any handling. It decides what is missing: what never came in, or came
in as an older change than SP-API tells of. What it finds is accepted like a message from a queue,
each gap under an identity of its own, so overlapping sweeps make no duplicates.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Protocol

from pydantic import BaseModel

from gateway.answers import Later
from gateway.clock import Clock
from gateway.handling import Context, Notification
from gateway.model import Arrival, Envelope, IdPrefix, Origin, Owed, Verdict, new_id
from gateway.routing import Router
from gateway.sweep.kinds import Found, SweptType, Window, envelope_of, page_of

JOB: Final = "sweep"
# Amazon's clock for a change and for its notification differ by seconds.
_TOLERANCE_MS: Final = 120_000


class SweepOptions(BaseModel, extra="forbid"):
    """What is swept; without `since`, from where the last sweep of it ended."""

    type: SweptType
    since: datetime | None = None


class Inbox(Protocol):
    """Where gaps go."""

    async def accept(self, batch: Sequence[Arrival]) -> Sequence[Verdict]:
        """Keep each of `batch` in one transaction."""
        ...


class Sweeps(Protocol):
    """What the store knows of sweeps and of what came in."""

    async def swept_to_ms(self, seller_id: str, swept: str) -> int | None:
        """Return where the last sweep ended, or None."""
        ...

    async def seen(self, seller_id: str, swept: str, subjects: Sequence[str]) -> Mapping[str, int]:
        """Return, of those that came in, the time of the newest change."""
        ...

    async def ended(
        self, seller_id: str, swept: str, *, swept_to_ms: int, checked: int, found: int
    ) -> None:
        """Note that a sweep ended."""
        ...


class Recorder(Protocol):
    """Where sweeps are counted."""

    def swept(self, swept: str, *, checked: int, found: int) -> None:
        """Count one page."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepSettings:
    """Bounds of sweeps.

    Attributes:
        first: How far back the first sweep of a seller and type looks.
        grace: What is younger is left to its notification, which may be on its way.
        overlap: How far each sweep goes back behind the end of the last one.
        kinds: Report and feed types to list, by notification type.
    """

    first: timedelta = timedelta(days=1)
    grace: timedelta = timedelta(minutes=5)
    overlap: timedelta = timedelta(minutes=10)
    kinds: Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepDesk:
    """What a sweep works with."""

    inbox: Inbox
    sweeps: Sweeps
    owed: Callable[[Envelope], Sequence[Owed]]
    recorder: Recorder
    clock: Clock
    settings: SweepSettings


def sweep_router(desk: SweepDesk | None) -> Router:
    """Return the job `sweep`; without a desk it can be asked for, and not run.

    One that is asked for ahead of its time waits for it: what it is to find is too young before.
    """
    router = Router()

    @router.job(SweepOptions, name=JOB, key=lambda n: n.payload.type)
    async def sweep(request: Notification[SweepOptions], ctx: Context) -> Later | None:
        assert desk is not None
        if ctx.state is None and request.event_time is not None and request.event_time > ctx.now:
            return Later(request.event_time - ctx.now)
        state = ctx.state or await _begin(desk, request.payload, ctx)
        return await _next_page(desk, request.payload.type, state, ctx)

    return router


async def _begin(desk: SweepDesk, options: SweepOptions, ctx: Context) -> dict[str, Any]:
    settings = desk.settings
    since = options.since
    if since is None:
        last_ms = await desk.sweeps.swept_to_ms(ctx.spapi.seller_id, options.type)
        since = ctx.now - settings.first if last_ms is None else _time(last_ms) - settings.overlap
    return {
        "since": since.isoformat(),
        "until": (ctx.now - settings.grace).isoformat(),
        "token": None,
        "checked": 0,
        "found": 0,
    }


async def _next_page(
    desk: SweepDesk, swept: SweptType, state: dict[str, Any], ctx: Context
) -> Later | None:
    seller_id = ctx.spapi.seller_id
    until = datetime.fromisoformat(state["until"])
    window = Window(
        since=datetime.fromisoformat(state["since"]),
        until=until,
        kinds=desk.settings.kinds.get(swept, ()),
        token=state["token"],
    )
    page = await page_of(swept, ctx.spapi, window)
    missing = await _missing(desk, swept, seller_id, page.found)
    verdicts = await desk.inbox.accept([_arrival(desk, swept, seller_id, m) for m in missing])
    found = sum(verdict is not Verdict.DUPLICATE for verdict in verdicts)
    desk.recorder.swept(swept, checked=len(page.found), found=found)
    checked = state["checked"] + len(page.found)
    found += state["found"]
    if page.next_token is not None:
        return Later(0, {**state, "token": page.next_token, "checked": checked, "found": found})
    await desk.sweeps.ended(
        seller_id,
        swept,
        swept_to_ms=round(until.timestamp() * 1000),
        checked=checked,
        found=found,
    )
    ctx.log.info("sweep.ended", type=swept.value, checked=checked, found=found)
    return None


async def _missing(
    desk: SweepDesk, swept: SweptType, seller_id: str, found: Sequence[Found]
) -> Sequence[Found]:
    """Return what never came in, or came in as an older change only."""
    if not found:
        return ()
    seen = await desk.sweeps.seen(seller_id, swept, [one.subject for one in found])
    return [one for one in found if _is_missing(one, seen.get(one.subject))]


def _is_missing(found: Found, seen_at_ms: int | None) -> bool:
    if seen_at_ms is None:
        return True
    return found.at_ms is not None and found.at_ms > seen_at_ms + _TOLERANCE_MS


def _arrival(desk: SweepDesk, swept: SweptType, seller_id: str, found: Found) -> Arrival:
    now_ms = desk.clock.now_ms()
    envelope = envelope_of(swept, seller_id, found, now_ms)
    return Arrival(
        id=new_id(IdPrefix.NOTIFICATION, now_ms),
        envelope=envelope,
        source=JOB,
        origin=Origin.SWEEP,
        received_at_ms=now_ms,
        owed=desk.owed(envelope),
        subject=found.subject,
    )


def _time(at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms / 1000, UTC)
