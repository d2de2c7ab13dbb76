"""Check `subscriptions`: has Amazon, for each seller and type, what is declared?

It is the plan of `gateway subscriptions plan`, made for those sellers whose authorisation stands.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncGenerator, Iterator, Sequence
from typing import TYPE_CHECKING, Protocol

from gateway.doctor.declarations import of_fault
from gateway.doctor.kinds import found, well
from gateway.doctor.people import chosen, faulty, seller_named
from gateway.errors import ConfigurationError
from gateway.findings import Finding
from gateway.subscriptions.desired import Declared
from gateway.subscriptions.plan import ActionKind
from gateway.subscriptions.reconciling import Report, Scope

if TYPE_CHECKING:
    from gateway.doctor.check import Before
    from gateway.doctor.people import People
    from gateway.model import Seller
    from gateway.subscriptions.plan import Action
    from gateway.subscriptions.unit import Outcome


class Planner(Protocol):
    """Who compares; see `Reconciliation`."""

    async def plan(self, declared: Declared, sellers: Sequence[Seller], scope: Scope) -> Report:
        """Return what would have to be done; nothing is changed.

        Raises:
            ConfigurationError: Something declared can't be.
        """
        ...


class SubscriptionsCheck:
    """See the module."""

    name: str = "subscriptions"
    needs: Sequence[str] = ("settings", "store", "credentials", "sellers", "regions")

    def __init__(self, declared: Declared, people: People, planner: Planner, *, most: int) -> None:
        self._declared = declared
        self._people = people
        self._planner = planner
        self._most = most

    async def look(self, before: Before) -> AsyncGenerator[Finding]:
        """See `Check`."""
        if not self._declared.subscriptions:
            yield found("subscription.none", "settings", "declare no subscription")
            return
        every = await self._people.sellers()
        refused = faulty([*before["sellers"], *before["credentials"]])
        good = [
            one
            for one in every
            if seller_named(one) not in refused
            and f"application {one.application_id}" not in refused
        ]
        if len(good) < len(every):
            what = f"of {len(every)} were not compared, for what the other checks say of them"
            yield found("subscription.uncompared", f"{len(every) - len(good)} sellers", what)
        asked = chosen(good, self._most)
        if not asked:
            return
        try:
            scope = Scope(seller_ids=frozenset(one.id for one in asked))
            report = await self._planner.plan(self._declared, every, scope)
        except ConfigurationError as exc:
            for fault in exc.faults:
                yield of_fault(fault)
            return
        good_names = {seller_named(one) for one in asked}
        for finding in _of_report(report, good_names):
            yield finding


def _of_report(report: Report, asked: set[str]) -> Iterator[Finding]:
    as_declared: Counter[str] = Counter()
    for outcome in report.outcomes:
        unit = outcome.task.unit
        seller = f"seller {unit.seller_id} ({unit.region})"
        if seller not in asked:
            continue
        findings = list(_of_outcome(outcome, f"{unit.type} of {seller}"))
        if not findings:
            as_declared[unit.type] += 1
        yield from findings
    for kind, count in sorted(as_declared.items()):
        yield well("subscriptions", kind, f"is subscribed to as declared, for {count} sellers")


def _of_outcome(outcome: Outcome, subject: str) -> Iterator[Finding]:
    if outcome.fault is not None:
        yield found("subscription.refused", subject, outcome.fault)
    for done in outcome.done:
        yield from _of_action(done.action, subject)


def _of_action(action: Action, subject: str) -> Iterator[Finding]:
    match action.kind:
        case ActionKind.CREATE:
            yield found("subscription.missing", subject, "does not exist at Amazon")
        case ActionKind.REPLACE:
            yield found("subscription.differs", subject, f"differs: {action.reason}")
        case ActionKind.UNMANAGED if action.existing:
            yield well("subscriptions", subject, f"{action.reason}, and is left alone")
        case _:
            return
