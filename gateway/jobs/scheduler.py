"""Puts requests for scheduled jobs into the inbox, each slot once, however many replicas there are.

A slot's request has an identity made of schedule, seller and slot, so the inbox takes it once; what
was the last slot stands in the store, so a slot that was missed is made up for, the newest one
only. A seller that a schedule meets for the first time starts with the next slot.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Protocol

import structlog

from gateway.clock import Clock
from gateway.jobs.requests import JobRequest, OwedJob, arrival_of
from gateway.jobs.slots import Schedule, jitter_ms, latest_slot_ms
from gateway.model import Arrival, Origin, Verdict

_BATCH: Final = 200
_SELLERS_KNOWN_FOR_MS: Final = 30_000

_log = structlog.get_logger("gateway.jobs")


class Inbox(Protocol):
    """Where requests go."""

    async def accept(self, batch: Sequence[Arrival]) -> Sequence[Verdict]:
        """Keep each of `batch` in one transaction."""
        ...


class ScheduleRuns(Protocol):
    """What the store knows of schedules."""

    async def last(self, schedule: str) -> Mapping[str, int]:
        """Return the last slot of each seller."""
        ...

    async def put(self, schedule: str, slots: Mapping[str, int]) -> None:
        """Note sellers' last slots; an older one never replaces a newer one."""
        ...

    async def active_sellers(self) -> Sequence[str]:
        """Return the ids of the sellers that calls are made for."""
        ...


class Scheduler:
    """See the module; call `tick` again and again."""

    def __init__(
        self,
        schedules: Sequence[Schedule],
        inbox: Inbox,
        runs: ScheduleRuns,
        owed: OwedJob,
        clock: Clock,
    ) -> None:
        self._schedules = schedules
        self._inbox = inbox
        self._runs = runs
        self._owed = owed
        self._clock = clock
        self._last: dict[str, dict[str, int]] = {}
        self._sellers: tuple[int, Sequence[str]] | None = None

    async def tick(self) -> None:
        """Request what is due now.

        Raises:
            StoreUnavailableError: Some may be due still; the next tick requests them.
        """
        for schedule in self._schedules:
            slot_ms = latest_slot_ms(schedule, self._clock.now_ms())
            if slot_ms is not None:
                await self._request(schedule, slot_ms)

    async def _request(self, schedule: Schedule, slot_ms: int) -> None:
        now_ms = self._clock.now_ms()
        if schedule.name not in self._last:
            self._last[schedule.name] = dict(await self._runs.last(schedule.name))
        last = self._last[schedule.name]
        sellers = schedule.seller_ids or await self._active_sellers()
        behind = [one for one in sellers if last.get(one, -1) < slot_ms]
        new = {one: slot_ms for one in behind if one not in last}
        due = [
            one for one in behind if one in last and slot_ms + jitter_ms(schedule, one) <= now_ms
        ]
        if new:
            await self._runs.put(schedule.name, new)
            last.update(new)
        for start in range(0, len(due), _BATCH):
            batch = due[start : start + _BATCH]
            await self._accept(schedule, slot_ms, batch)
            await self._runs.put(schedule.name, dict.fromkeys(batch, slot_ms))
            last.update(dict.fromkeys(batch, slot_ms))

    async def _accept(self, schedule: Schedule, slot_ms: int, sellers: Sequence[str]) -> None:
        now_ms = self._clock.now_ms()
        verdicts = await self._inbox.accept(
            [
                arrival_of(
                    JobRequest(
                        job=schedule.job,
                        seller_id=seller_id,
                        origin=Origin.SCHEDULE,
                        due_at_ms=slot_ms,
                        identity=f"schedule:{schedule.name}:{seller_id}:{slot_ms}",
                        options=schedule.options,
                    ),
                    self._owed,
                    now_ms,
                )
                for seller_id in sellers
            ]
        )
        count = sum(verdict is Verdict.ACCEPTED for verdict in verdicts)
        if count:
            _log.info("schedule.due", schedule=schedule.name, job=schedule.job, requests=count)

    async def _active_sellers(self) -> Sequence[str]:
        now_ms = self._clock.now_ms()
        if self._sellers is None or now_ms - self._sellers[0] >= _SELLERS_KNOWN_FOR_MS:
            self._sellers = now_ms, await self._runs.active_sellers()
        return self._sellers[1]
