"""All sellers gone through, one lease at a time: planned, or made as declared.

Sellers are looked at side by side, the types of one seller one after the other, so that each keeps
to its usage plan. A run that is cut off is gone on with by the next one: what was settled since its
start is passed over.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import groupby
from typing import Protocol

from gateway.clock import Clock
from gateway.errors import ConfigurationError, ConflictError, SpApiError
from gateway.model import Seller
from gateway.notifications.known import TYPES
from gateway.spapi.apis.notifications import Destination
from gateway.store.destinations import Destinations
from gateway.store.subscription_runs import LEASE_MS, SubscriptionRuns
from gateway.store.subscriptions import KnownSide, Subscriptions
from gateway.subscriptions.amazon import AmazonSide, found_ids
from gateway.subscriptions.declaration import DeclaredDestination, Unit, Wanted, digest
from gateway.subscriptions.desired import Declared, desired
from gateway.subscriptions.places import DestinationOutcome, seen_destinations
from gateway.subscriptions.refusals import explained
from gateway.subscriptions.unit import Change, GapSweeps, Outcome, Task, UnitDesk


class Mode(StrEnum):
    """What is done about differences: nothing, told in the store, or mended."""

    PLAN = "plan"
    TELL = "tell"
    APPLY = "apply"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """How far a run goes.

    Attributes:
        prune: Whether what is not declared is deleted.
        every_type: Whether types are looked at that nothing is declared for.
        seller_ids: Only these; empty for all.
        types: Only these; empty for all.
    """

    prune: bool = False
    every_type: bool = False
    seller_ids: frozenset[str] = frozenset()
    types: frozenset[str] = frozenset()

    @property
    def whole(self) -> bool:
        """Whether it leaves nothing out."""
        return not self.seller_ids and not self.types

    def takes(self, unit: Unit) -> bool:
        """Whether a unit is within it."""
        return (not self.seller_ids or unit.seller_id in self.seller_ids) and (
            not self.types or unit.type in self.types
        )


@dataclass(slots=True)
class Report:
    """What a run came to, filled as it goes.

    Attributes:
        total: Units that are to be looked at.
        looked_at: Those that were.
        passed_over: Units that an earlier part of the same run had settled.
        through: Whether all of them were looked at.
        outcomes: Of those that were to be kept.
    """

    total: int = 0
    looked_at: int = 0
    passed_over: int = 0
    through: bool = False
    destinations: list[DestinationOutcome] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)


class Ledger(Protocol):
    """Who keeps account of what is changed at Amazon."""

    def changing(self, unit: Unit, changes: Sequence[Change]) -> Subscriptions:
        """Return the subscriptions to note a look in, which take the account with them."""
        ...

    async def made(self, destination: DestinationOutcome) -> None:
        """Note a destination that was created."""
        ...


class Reconciliation:
    """See the module."""

    def __init__(  # noqa: PLR0913 its parts, each by name
        self,
        *,
        amazon: AmazonSide,
        subscriptions: Subscriptions,
        runs: SubscriptionRuns,
        destinations: Destinations,
        gaps: GapSweeps,
        clock: Clock,
        owner: str,
        concurrency: int = 8,
        ledger: Ledger | None = None,
    ) -> None:
        self._amazon = amazon
        self._subscriptions = subscriptions
        self._runs = runs
        self._destinations_seen = destinations
        changing = None if ledger is None else ledger.changing
        self._ledger = ledger
        self._desk = UnitDesk(amazon, subscriptions, gaps, clock, changing)
        self._clock = clock
        self._owner = owner
        self._concurrency = concurrency
        self._renewed_ms = 0

    async def run(
        self,
        declared: Declared,
        sellers: Sequence[Seller],
        *,
        mode: Mode,
        scope: Scope | None = None,
        keep: Callable[[Outcome], bool] = lambda outcome: True,  # noqa: ARG005 all of them
        on_step: Callable[[Report], None] = lambda report: None,  # noqa: ARG005 nobody looks
        stopped: Callable[[], bool] = lambda: False,
    ) -> Report:
        """Go through all sellers; return what was found and done.

        Args:
            declared: What should be.
            sellers: All that are known.
            mode: What is done about differences.
            scope: How far it goes; everything that is declared, unless given.
            keep: Which outcomes the report holds; those of thousands of sellers are many.
            on_step: Called after each unit.
            stopped: Asked before each unit; the run ends early where it says so.

        Raises:
            ConfigurationError: Something declared can't be; nothing was called.
            ConflictError: Somebody else is at it.
            StoreUnavailableError: The run can be begun again, and goes on where it was.
        """
        scope = scope or Scope()
        # Tens of thousands of units take a second, which handlers must not wait for.
        wanted = await asyncio.to_thread(desired, declared, sellers)
        if wanted.faults:
            raise ConfigurationError(wanted.faults)
        this = _Round(declared, sellers, wanted.units, mode, scope, keep, on_step, stopped)
        if mode is Mode.PLAN:
            return await self._go(this, None)
        told = _digest(declared, mode, scope)
        begun = await self._runs.begin(self._owner, told, whole=scope.whole)
        if begun is None:
            raise ConflictError(await self._busy())
        self._renewed_ms = self._clock.now_ms()
        report = Report()
        try:
            report = await self._go(this, begun.started_at_ms)
        finally:
            await self._runs.release(self._owner, through=report.through and scope.whole)
        return report

    async def _busy(self) -> str:
        last = await self._runs.last()
        who = f"{last.owner} " if last else "somebody else "
        return f"{who}goes through the subscriptions now; wait until it is done, a minute at most"

    async def _go(self, this: _Round, started_at_ms: int | None) -> Report:
        known = await self._subscriptions.known()
        units = _units(this, known)
        report = Report(total=len(units))
        places = await self._destinations(this, units, report)
        waiting = iter(_by_seller(units))
        broken = False

        async def work() -> None:
            nonlocal broken
            try:
                await go_on()
            except BaseException:
                broken = True
                raise

        async def go_on() -> None:
            for of_seller in waiting:
                for unit in of_seller:
                    if broken or this.stopped():
                        return
                    task = _task(unit, this, known, places)
                    if _settled_since(task, started_at_ms):
                        report.passed_over += 1
                        continue
                    await self._keep_lease(this.mode)
                    self._count(await self._one(task, this), this, report)

        ended = await asyncio.gather(
            *(work() for _ in range(self._concurrency)), return_exceptions=True
        )
        for fault in ended:  # the others have ended by then, so nothing is called after a fault
            if isinstance(fault, BaseException):
                raise fault
        report.through = report.looked_at + report.passed_over == report.total
        report.outcomes.sort(key=lambda one: one.task.unit)
        return report

    def _count(self, outcome: Outcome, this: _Round, report: Report) -> None:
        report.looked_at += 1
        if this.keep(outcome):
            report.outcomes.append(outcome)
        this.on_step(report)

    async def _one(self, task: Task, this: _Round) -> Outcome:
        if this.mode is Mode.APPLY:
            return await self._desk.settle(task, prune=this.scope.prune)
        return await self._desk.look(task, prune=this.scope.prune, tell=this.mode is Mode.TELL)

    async def _keep_lease(self, mode: Mode) -> None:
        now_ms = self._clock.now_ms()
        if mode is Mode.PLAN or now_ms - self._renewed_ms < LEASE_MS // 4:
            return
        self._renewed_ms = now_ms
        if not await self._runs.renew(self._owner):
            raise ConflictError(await self._busy())

    async def _destinations(
        self, this: _Round, units: Sequence[Unit], report: Report
    ) -> Mapping[tuple[str, str], _Places]:
        places: dict[tuple[str, str], _Places] = {}
        needed: dict[tuple[str, str], set[str]] = {}
        for unit in units:
            names = needed.setdefault((unit.application_id, unit.region), set())
            names.update(one.destination for one in this.wanted.get(unit, ()))
        by_name = this.declared.by_name
        for (application_id, region), names in sorted(needed.items()):
            declared = [by_name[name] for name in sorted(names)]
            there = places[application_id, region] = _Places()
            existing: Sequence[Destination] | None = None
            try:
                existing = await self._amazon.destinations(application_id, region)
            except SpApiError as exc:
                there.faults.update({one.name: explained(exc) for one in declared})
            there.ids.update(found_ids(declared, existing or (), application_id, region))
            outcomes = [
                await self._destination(one, (application_id, region), there, this.mode)
                for one in declared
            ]
            report.destinations.extend(outcomes)
            if existing is not None and this.mode is not Mode.PLAN:
                seen = seen_destinations(declared, existing, outcomes)
                await self._destinations_seen.looked(application_id, region, seen)
        return places

    async def _destination(
        self,
        declared: DeclaredDestination,
        where: tuple[str, str],
        there: _Places,
        mode: Mode,
    ) -> DestinationOutcome:
        action = "leave" if declared.name in there.ids else "create"
        if action == "create" and mode is Mode.APPLY and declared.name not in there.faults:
            try:
                made, new = await self._amazon.create_destination(declared, *where)
                there.ids[declared.name] = made.destination_id
                action = "create" if new else "adopt"
            except SpApiError as exc:
                there.faults[declared.name] = explained(exc)
        found = DestinationOutcome(
            name=declared.name,
            application_id=where[0],
            region=where[1],
            action=action,
            destination_id=there.ids.get(declared.name),
            fault=there.faults.get(declared.name),
        )
        if mode is Mode.APPLY and self._ledger is not None:
            await self._ledger.made(found)
        return found


@dataclass(frozen=True, slots=True)
class _Round:
    """What one run works by."""

    declared: Declared
    sellers: Sequence[Seller]
    wanted: Mapping[Unit, Sequence[Wanted]]
    mode: Mode
    scope: Scope
    keep: Callable[[Outcome], bool]
    on_step: Callable[[Report], None]
    stopped: Callable[[], bool]


@dataclass(frozen=True, slots=True)
class _Places:
    """Declared destinations in one application and region: their ids, or why they have none."""

    ids: dict[str, str] = field(default_factory=dict)
    faults: dict[str, str] = field(default_factory=dict)


def _units(this: _Round, known: KnownSide) -> Sequence[Unit]:
    """Return what is looked at: what is declared, was declared, or all of it."""
    units = set(this.wanted)
    at_home = {(one.application_id, one.region, one.id) for one in this.sellers}
    for application_id, region, seller_id, kind in known.managed.values():
        if application_id and region and kind and (application_id, region, seller_id) in at_home:
            units.add(_unit(application_id, region, seller_id, kind))
    if this.scope.every_type:
        names = [kind.name for kind in TYPES.values() if kind.subscribable]
        units.update(_unit(*seller, name) for seller in at_home for name in names)
    return sorted(unit for unit in units if this.scope.takes(unit))


def _unit(application_id: str, region: str, seller_id: str, kind: str) -> Unit:
    return Unit(application_id=application_id, region=region, seller_id=seller_id, type=kind)


def _task(
    unit: Unit, this: _Round, known: KnownSide, places: Mapping[tuple[str, str], _Places]
) -> Task:
    wanted = this.wanted.get(unit, ())
    there = places[unit.application_id, unit.region]
    return Task(
        unit=unit,
        wanted=wanted,
        digest=digest(wanted, this.declared.by_name),
        managed=known.managed.keys(),
        state=known.units.get((unit.seller_id, unit.region, unit.type)),
        destination_ids=there.ids,
        destination_faults=there.faults,
    )


def _settled_since(task: Task, started_at_ms: int | None) -> bool:
    state = task.state
    return (
        started_at_ms is not None
        and state is not None
        and state.settled_at_ms is not None
        and state.settled_at_ms >= started_at_ms
        and state.digest == task.digest
        and state.fault is None
        and state.gap_since_ms is None
    )


def _by_seller(units: Sequence[Unit]) -> Iterator[Sequence[Unit]]:
    for _, of_seller in groupby(units, lambda one: (one.application_id, one.region, one.seller_id)):
        yield list(of_seller)


def _digest(declared: Declared, mode: Mode, scope: Scope) -> str:
    """Return what changes whenever a run would have to do something else."""
    said = (
        repr(declared),
        mode.value,
        scope.prune,
        scope.every_type,
        sorted(scope.seller_ids),
        sorted(scope.types),
    )
    return hashlib.sha256(repr(said).encode()).hexdigest()[:32]
