"""Who listens in a running gateway, and what is done when nothing comes.

The doctor is asked before operators are told, so that what it finds stands in the same event. What
it can't find out in its time is no reason to tell them later.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final, Protocol

import structlog

from gateway.clock import Clock
from gateway.errors import DependencyError
from gateway.store.silences import HeardSeller, SilenceChange, WatchKey, WatchPace, WatchState
from gateway.subscriptions.silence import Look, News, Watch, change_of, judge
from gateway.worker.health import Health
from gateway.worker.stop import Stop, Wake

Examine = Callable[[], Awaitable[Mapping[str, Any]]]
"""Asks why nothing arrives; returns what `notifications.silent` declares as `doctor`."""

_EXAMINATION_S: Final = 60.0
_LONGEST_GRACE_S: Final = 60.0

_log: structlog.stdlib.BoundLogger = structlog.get_logger("gateway.subscriptions")


class Silences(Protocol):
    """What is needed of the store."""

    async def begin(self, watches: Mapping[WatchKey, WatchPace]) -> Mapping[WatchKey, WatchState]:
        """Return those that are to be looked at now, by this replica alone."""
        ...

    async def heard(self, notification_type: str) -> tuple[Sequence[HeardSeller], int | None]:
        """Return when each seller was heard of last, and when the type was."""
        ...

    async def settle(self, changes: Sequence[SilenceChange]) -> Sequence[SilenceChange]:
        """Note and tell changes; return those that were news."""
        ...


class Listener:
    """See the module. A part of a running process; `tick` is one look at what is due.

    Args:
        slack_ms: How much older than the truth noted times may be.
        examine: Asked when something falls silent; None where there is no doctor.
    """

    def __init__(
        self,
        watches: Sequence[Watch],
        silences: Silences,
        *,
        clock: Clock,
        slack_ms: int,
        examine: Examine | None = None,
    ) -> None:
        self.health = Health("silence", clock)
        self._watches = {one.key: one for one in watches}
        self._silences = silences
        self._clock = clock
        self._slack_ms = slack_ms
        self._examine = examine
        self._every_s = min(one.pace.pause_ms for one in watches) / 1000

    async def run(self, stop: Stop) -> None:
        """Listen until `stop` is requested.

        What waited in the queue while nobody ran comes in first, so that a start is no silence.
        """
        wake = Wake()
        stop.ring_on_stop(wake)
        await wake.wait(min(_LONGEST_GRACE_S, self._every_s))
        while not stop.requested:
            try:
                await self.tick()
                self.health.worked()
            except DependencyError as exc:
                self.health.failed(str(exc))
            await wake.wait(self._every_s)

    async def tick(self) -> Sequence[SilenceChange]:
        """Look at what is due; return what was told.

        Raises:
            StoreUnavailableError: It is told at the next look.
        """
        begun = await self._silences.begin({key: one.pace for key, one in self._watches.items()})
        news: list[News] = []
        for key, state in begun.items():
            sellers, newest_at_ms = await self._silences.heard(key[0])
            look = Look(
                state=state,
                sellers=sellers,
                newest_at_ms=newest_at_ms,
                now_ms=self._clock.now_ms(),
                slack_ms=self._slack_ms,
            )
            # Thousands of sellers take a moment, which handlers must not wait for.
            news.extend(await asyncio.to_thread(judge, self._watches[key], look))
        if not news:
            return ()
        findings = await self._findings() if any(one.silent for one in news) else None
        changes = [change_of(one, findings if one.silent else None) for one in news]
        told = await self._silences.settle(changes)
        for change in told:
            _say(change)
        return told

    async def _findings(self) -> Mapping[str, Any] | None:
        if self._examine is None:
            return None
        try:
            async with asyncio.timeout(_EXAMINATION_S):
                return await self._examine()
        except TimeoutError:
            return _broken(f"it did not end within {_EXAMINATION_S:.0f} s")
        except Exception as exc:  # noqa: BLE001 whatever ails it, operators must be told of silence
            return _broken(f"{type(exc).__name__}: {exc}")


def _broken(fault: str) -> Mapping[str, Any]:
    return {"fault": fault, "looked_at": 0, "findings": []}


def _say(change: SilenceChange) -> None:
    if change.event is None:
        return
    data = change.event.data
    log = _log.warning if change.silent else _log.info
    log(
        change.event.type,
        type=data["type"],
        whole=data["whole"],
        sellers=data["sellers"],
        since=data["since"],
        newest=data["newest"],
    )
