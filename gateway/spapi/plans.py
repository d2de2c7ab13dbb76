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
_LEARNED_KEPT = 50_000

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

    def stated(self, operation: Operation) -> UsagePlan:
        """Return the plan of `operation` as settings or catalogue state it, in full."""
        override = self._overrides.get(operation)
        if override is not None:
            return override
        plan = operation.plan
        if plan is None:
            self._say_guess(operation)
            return UNKNOWN_PLAN
        return plan

    def known(self, operation: Operation, key: str) -> UsagePlan:
        """Return the plan of the bucket `key` with the rate that Amazon last named, in full."""
        stated = self.stated(operation)
        rate = self._learned.get(key, stated.rate_per_s)
        return UsagePlan(rate_per_s=rate, burst=stated.burst)

    def learn(self, operation: Operation, key: str, limit: str | None) -> UsagePlan | None:
        """Take in what the rate-limit header says; return the plan where it is news.

        The first rate named for a bucket always is: the bucket may hold what an earlier process
        learned.
        """
        rate = _rate(limit)
        if rate is None or operation in self._overrides:
            return None
        learned = self._learned.get(key)
        if learned is not None and abs(rate - learned) <= _SAME_RATE * learned:
            return None
        stated = self.stated(operation)
        if abs(rate - stated.rate_per_s) <= _SAME_RATE * stated.rate_per_s:
            rate = stated.rate_per_s
        self._learned[key] = rate
        self._learned.move_to_end(key)
        if len(self._learned) > _LEARNED_KEPT:
            self._learned.popitem(last=False)
        return UsagePlan(rate_per_s=rate, burst=stated.burst)

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
