"""Amazon's side kept as declared by a running gateway: again and again, one replica at a time.

When the last run ended stands in the store, so that replicas share one interval. A seller who is
new, or is called for again, is looked at at once; so is everything where somebody asks. Nothing is
ever pruned here.
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import structlog

from gateway.clock import Clock
from gateway.errors import ConfigurationError, ConflictError, DependencyError
from gateway.model import Seller
from gateway.operational import OperationalEvent
from gateway.store.subscription_runs import Run
from gateway.subscriptions.desired import Declared
from gateway.subscriptions.drift import drift_event
from gateway.subscriptions.reconciling import Mode, Reconciliation, Report, Scope
from gateway.subscriptions.unit import Outcome
from gateway.worker.health import Health
from gateway.worker.stop import Stop, Wake

_LOOK_EVERY_S = 30.0
_JITTER = 0.1

_log: structlog.stdlib.BoundLogger = structlog.get_logger("gateway.subscriptions")


class SellersNow(Protocol):
    """Who sellers are."""

    async def unsettled(self) -> Mapping[str, str]:
        """Return those whom calls are made for and nothing is in order of: ids, with their tags."""
        ...

    async def all(self) -> Sequence[Seller]:
        """Return all of them."""
        ...


class LastRun(Protocol):
    """Who knows the last run."""

    async def last(self) -> Run | None:
        """Return it, or the one that goes on."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Rhythm:
    """How often, and whether differences are mended or only told.

    Attributes:
        wake: Rings when there may be a seller who is new.
        jitter: Random numbers in [0, 1); the interval is lengthened by up to a tenth.
    """

    every_s: float
    apply: bool = True
    wake: Wake = field(default_factory=Wake)
    jitter: Callable[[], float] = random.random


class Reconciler:
    """See the module. A part of a running process; `tick` is one look at whether it is time."""

    def __init__(
        self,
        reconciliation: Reconciliation,
        declared: Declared,
        sellers: SellersNow,
        runs: LastRun,
        announce: Callable[[Sequence[OperationalEvent]], Awaitable[object]],
        rhythm: Rhythm,
        *,
        clock: Clock,
    ) -> None:
        self.health = Health("subscriptions", clock)
        self._reconciliation = reconciliation
        self._declared = declared
        self._sellers = sellers
        self._runs = runs
        self._announce = announce
        self._rhythm = rhythm
        self._clock = clock
        self._seen: Mapping[str, str] = {}
        self._longer = 1 + _JITTER * rhythm.jitter()

    async def run(self, stop: Stop) -> None:
        """Keep Amazon's side as declared until `stop` is requested; a run in hand is cut off."""
        wake = self._rhythm.wake
        stop.ring_on_stop(wake)
        while not stop.requested:
            try:
                await self.tick(stopped=lambda: stop.requested)
                self.health.worked()
            except (DependencyError, ConfigurationError) as exc:
                self.health.failed(str(exc))
            await wake.wait(min(_LOOK_EVERY_S, self._rhythm.every_s))

    async def tick(self, *, stopped: Callable[[], bool] = lambda: False) -> Report | None:
        """Go through the sellers if it is time; return what came of it, or None.

        Raises:
            StoreUnavailableError: It is tried again.
            ConfigurationError: The declaration names a seller that is gone.
        """
        unsettled = await self._sellers.unsettled()
        # Who was paused meanwhile is new again once it is not; so is who has other tags.
        self._seen = dict(self._seen.items() & unsettled.items())
        scope = await self._scope(frozenset(unsettled.keys() - self._seen.keys()))
        if scope is None:
            return None
        try:
            report = await self._reconciliation.run(
                self._declared,
                await self._sellers.all(),
                mode=Mode.APPLY if self._rhythm.apply else Mode.TELL,
                scope=scope,
                keep=_worth_keeping,
                stopped=stopped,
            )
        except ConflictError:
            return None  # another replica is at it
        if report.through:
            self._seen = unsettled
        if scope.whole:
            self._longer = 1 + _JITTER * self._rhythm.jitter()
        await self._tell(report)
        return report

    async def _scope(self, new: frozenset[str]) -> Scope | None:
        """Return what it is time for: everything, the sellers who are new, or nothing."""
        last = await self._runs.last()
        now_ms = self._clock.now_ms()
        if last is not None and last.lease_until_ms > now_ms:
            return None
        if last is None or last.ended_at_ms is None or last.asked:
            return Scope()
        if now_ms - last.ended_at_ms >= self._rhythm.every_s * 1000 * self._longer:
            return Scope()
        return Scope(seller_ids=new) if new else None

    async def _tell(self, report: Report) -> None:
        changed = [one for each in report.outcomes for one in each.done if one.action.changes]
        refused = sum(one.fault is not None for one in report.outcomes)
        _log.info(
            "subscriptions.reconciled",
            looked_at=report.looked_at,
            changed=len(changed),
            refused=refused,
            through=report.through,
        )
        event = drift_event(report.outcomes, mended=self._rhythm.apply)
        if event is not None:
            await self._announce([event])


def _worth_keeping(outcome: Outcome) -> bool:
    return outcome.fault is not None or any(one.action.changes for one in outcome.done)
