"""An endpoint's health: when it is left alone, probed, and given up. Pure; the store keeps it.

Ten failures in a row (unless the rules say otherwise) open the breaker: nothing is sent, and one
probe is let through when its back-off has passed, 30 s at first and twice as long after each probe
that fails, up to an hour. A success closes it. An endpoint that has not succeeded for five days is
disabled; before that it is warned of twice. A fault of ours changes nothing, save that a probe
which met one is made again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum


class Notice(StrEnum):
    """What an operator is told of an endpoint; the last part of an operational event's type."""

    FAILING = "failing"
    RECOVERED = "recovered"
    DISABLED = "disabled"


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthRules:
    """When an endpoint is left alone, and when it is given up.

    Attributes:
        failures_to_open: Failures in a row that open the breaker.
        first_open_s: How long it stays open before the first probe.
        longest_open_s: The most that this grows to.
        disable_after_s: How long it may fail before it is disabled; None for ever.
        warn_at: Parts of that time after which it is warned of once more.
    """

    failures_to_open: int = 10
    first_open_s: float = 30.0
    longest_open_s: float = 3600.0
    disable_after_s: float | None = 5 * 24 * 3600.0
    warn_at: Sequence[float] = (0.5, 0.8)


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """How an endpoint has answered, as it is kept.

    Attributes:
        failures: Failures in a row.
        first_failure_at_ms: When the first of them was.
        paused_until_ms: It asked to be left alone until then.
        open_until_ms: The breaker is open; from then on a probe may be made. None when closed.
        openings: How many times in a row it opened.
        warnings: Warnings given since the first failure.
    """

    failures: int = 0
    first_failure_at_ms: int | None = None
    last_success_at_ms: int | None = None
    paused_until_ms: int | None = None
    open_until_ms: int | None = None
    openings: int = 0
    warnings: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """One attempt, as far as health depends on it.

    Attributes:
        probe: Whether it was let through an open breaker; others were on their way when it opened.
    """

    ended_at_ms: int
    delivered: bool
    charged: bool
    probe: bool = False
    pause_until_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """What attempts made of an endpoint's health.

    Attributes:
        notices: What an operator is told, in order.
        disable: Reason for disabling it, or None.
    """

    health: Health
    notices: Sequence[Notice] = ()
    disable: str | None = None


def changed(health: Health, answers: Sequence[Answered], rules: HealthRules) -> Changed:
    """Return what `answers`, in the order they ended, make of `health`."""
    notices: list[Notice] = []
    for answer in answers:
        before = health
        health = _after(health, answer, rules)
        if before.open_until_ms is None and health.open_until_ms is not None:
            notices.append(Notice.FAILING)
        elif before.open_until_ms is not None and health.open_until_ms is None:
            notices.append(Notice.RECOVERED)
        elif health.warnings > before.warnings:
            notices.append(Notice.FAILING)
    if answers and _is_given_up(health, answers[-1].ended_at_ms, rules):
        days = (rules.disable_after_s or 0) / 86_400
        return Changed(health=health, notices=notices, disable=f"no success for {days:g} days")
    return Changed(health=health, notices=notices)


def _after(health: Health, answer: Answered, rules: HealthRules) -> Health:
    if answer.delivered:
        return Health(
            last_success_at_ms=answer.ended_at_ms,
            paused_until_ms=health.paused_until_ms if health.open_until_ms is None else None,
        )
    is_open = health.open_until_ms is not None
    if not answer.charged:
        if not (is_open and answer.probe):
            return health
        # The probe said nothing about the endpoint.
        again_ms = answer.ended_at_ms + round(rules.first_open_s * 1000)
        return replace(health, open_until_ms=again_ms)
    failures = health.failures + 1
    first_ms = health.first_failure_at_ms or answer.ended_at_ms
    pauses = [t for t in (health.paused_until_ms, answer.pause_until_ms) if t is not None]
    failed = replace(
        health,
        failures=failures,
        first_failure_at_ms=first_ms,
        paused_until_ms=max(pauses, default=None),
        warnings=_warnings(health, answer.ended_at_ms - first_ms, rules),
    )
    if not answer.probe and (is_open or failures < rules.failures_to_open):
        return failed
    open_s = min(rules.longest_open_s, rules.first_open_s * 2 ** min(health.openings, 32))
    open_until_ms = answer.ended_at_ms + round(open_s * 1000)
    return replace(failed, open_until_ms=open_until_ms, openings=health.openings + 1)


def _warnings(health: Health, failing_ms: int, rules: HealthRules) -> int:
    if rules.disable_after_s is None:
        return health.warnings
    due = sum(failing_ms >= part * rules.disable_after_s * 1000 for part in rules.warn_at)
    return max(health.warnings, due)


def _is_given_up(health: Health, now_ms: int, rules: HealthRules) -> bool:
    if rules.disable_after_s is None or health.first_failure_at_ms is None:
        return False
    return now_ms - health.first_failure_at_ms >= rules.disable_after_s * 1000
