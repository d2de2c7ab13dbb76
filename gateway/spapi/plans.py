"""Which usage plan holds for an operation, and how much of it is used.

It decides between the sources: a plan from the settings wins over the rate that Amazon's
`x-amzn-RateLimit-Limit` last named, that one over the catalogue's, and a careful guess stands where
nothing is known. It never decides when a call goes out.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Mapping

import structlog

from gateway.errors import ConfigurationError, Fault, InvalidInputError
from gateway.model import UsagePlan
from gateway.spapi.catalog import UNKNOWN_PLAN, Catalog, Operation

# Amazon counts when a request arrives, we when it leaves. Two requests may so come closer together
# than they were sent; what is left unused of rate and burst keeps that from being an excess.
RATE_SHARE = 0.98
BURST_SPARE = 1

_SAME_RATE = 0.01  # Amazon rounds the rates that it names; a closer one is no news
_LEARNED_KEPT = 10_000

_log: structlog.stdlib.BoundLogger = structlog.get_logger("gateway.spapi")


class UsagePlans:
    """The plans of every operation, as known to this process."""

    def __init__(self, catalog: Catalog, overrides: Mapping[str, UsagePlan] | None = None) -> None:
        """Resolve the overrides.

        Args:
            catalog: Every operation.
            overrides: Plans by full name, or by bare operation id for all its versions; a full
                name wins.

        Raises:
            ConfigurationError: Names that mean nothing, or plans that can't be; all at once.
        """
        self._overrides: dict[Operation, UsagePlan] = {}
        self._learned: OrderedDict[str, float] = OrderedDict()
        self._guessed: set[Operation] = set()
        faults: list[Fault] = []
        for name, plan in sorted((overrides or {}).items(), key=lambda item: "." in item[0]):
            where = f"spapi.usage_plans.{name}"
            if not (math.isfinite(plan.rate_per_s) and plan.rate_per_s > 0 and plan.burst >= 1):
                faults.append(
                    Fault(where=where, what=f"{plan} can't be", mend="rate > 0 and burst ≥ 1")
                )
            try:
                self._overrides.update(dict.fromkeys(catalog.all_named(name), plan))
            except InvalidInputError as exc:
                faults.append(Fault(where=where, what=str(exc), mend="name an operation"))
        if faults:
            raise ConfigurationError(faults)

    def overridden(self, operation: Operation) -> bool:
        """Tell whether the settings fix this operation's plan."""
        return operation in self._overrides

    def of(self, operation: Operation, key: str) -> UsagePlan:
        """Return the plan of the bucket `key` of `operation`, in full."""
        override = self._overrides.get(operation)
        if override is not None:
            return override
        plan = operation.plan
        if plan is None:
            plan = UNKNOWN_PLAN
            if key not in self._learned:
                self._say_guess(operation)
        rate = self._learned.get(key)
        return plan if rate is None else UsagePlan(rate_per_s=rate, burst=plan.burst)

    def learn(self, operation: Operation, key: str, limit: str | None) -> UsagePlan | None:
        """Take in what the rate-limit header says; return the new plan where it is news."""
        rate = _rate(limit)
        if rate is None or self.overridden(operation):
            return None
        known = self._learned.get(key)
        if known is None:
            known = (operation.plan or UNKNOWN_PLAN).rate_per_s
        if abs(rate - known) <= _SAME_RATE * known:
            return None
        self._learned[key] = rate
        self._learned.move_to_end(key)
        if len(self._learned) > _LEARNED_KEPT:
            self._learned.popitem(last=False)
        return self.of(operation, key)

    def _say_guess(self, operation: Operation) -> None:
        if operation in self._guessed:
            return
        self._guessed.add(operation)
        _log.warning(
            "spapi.usage_plan_unknown",
            operation=operation.name,
            rate_per_s=UNKNOWN_PLAN.rate_per_s,
            burst=UNKNOWN_PLAN.burst,
        )


def with_margin(plan: UsagePlan) -> UsagePlan:
    """Return what of `plan` is used, so that Amazon's count never sees an excess."""
    return UsagePlan(
        rate_per_s=plan.rate_per_s * RATE_SHARE, burst=max(1, plan.burst - BURST_SPARE)
    )


def _rate(limit: str | None) -> float | None:
    try:
        rate = float(limit or "")
    except ValueError:
        return None
    return rate if math.isfinite(rate) and rate > 0 else None
