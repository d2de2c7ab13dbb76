"""What follows from an attempt: pure rules over its reply, as the table in `sender.py` says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from gateway.delivery.faults import OWN_FAULTS, ErrorClass
from gateway.model import DeliveryState
from gateway.retry import JITTER_SHARE, RETRY_AFTER_CAP_S, next_due_ms

if TYPE_CHECKING:
    from collections.abc import Sequence

_REST_S: Final = 30.0
_REST_LEAST_S: Final = 1.0
_OWN_FAULT_FIRST_S: Final = 5.0
_OWN_FAULT_LAST_S: Final = 300.0
_RESTING: Final = frozenset({ErrorClass.THROTTLED, ErrorClass.UNAVAILABLE})

ON_SCHEDULE: Final = "on the schedule"
RETRY_AFTER: Final = "as Retry-After asked"
OWN_FAULT: Final = "a fault of the gateway's own"
GONE: Final = "the endpoint is gone"
NO_ATTEMPTS_LEFT: Final = "no attempts left"
TOO_OLD: Final = "older than the endpoint's maximum age"


class Timings(NamedTuple):
    """Where an attempt's time went, in milliseconds; None for what did not take place."""

    dns_ms: int | None = None
    connect_ms: int | None = None
    tls_ms: int | None = None
    first_byte_ms: int | None = None


NO_TIMINGS: Final = Timings()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What one attempt brought.

    Attributes:
        error_class: None where it was delivered.
        error: The fault in words, or a remark on a delivered one's answer.
        answer: First 16 KiB of the decoded answer.
        address: Address and port that were dialled.
        retry_after_s: What a failing answer asked for.
        signature: What `webhook-signature` was; None where nothing was signed.
        timings: Where the time went.
    """

    started_at_ms: int
    duration_ms: int
    status: int | None = None
    error_class: ErrorClass | None = None
    error: str | None = None
    answer: bytes = b""
    address: str | None = None
    retry_after_s: float | None = None
    signature: str | None = None
    timings: Timings = NO_TIMINGS

    @property
    def charged(self) -> bool:
        """Whether it counts against the endpoint."""
        return self.error_class not in OWN_FAULTS


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What follows from a reply.

    Attributes:
        reason: Why it is due then, held or dead; None for a delivered one.
        due_at_ms: When the next attempt is due, where one is.
        rest_until_ms: The endpoint is left alone until then.
        disable: Reason for disabling the endpoint at once.
    """

    state: DeliveryState
    reason: str | None = None
    due_at_ms: int | None = None
    rest_until_ms: int | None = None
    disable: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """How often and how long a delivery may be tried.

    Attributes:
        attempts: Charged attempts so far, since it was made or last sent again by hand.
        since_ms: When that was.
        schedule_s: Delay before each attempt.
        max_age_s: None for as long as the schedule.
    """

    attempts: int
    since_ms: int
    schedule_s: Sequence[float]
    max_age_s: float | None = None

    def is_over(self, at_ms: int) -> bool:
        """Whether it is too old to be tried at `at_ms`."""
        return self.max_age_s is not None and at_ms - self.since_ms > self.max_age_s * 1000


def judge(reply: Reply, budget: Budget, *, now_ms: int, jitter: float) -> Outcome:
    """Return what follows from `reply`, as the table in `sender.py` says.

    Args:
        reply: What the attempt brought.
        budget: What was left before this attempt; old ones wait longer after a fault of ours.
        now_ms: Present time.
        jitter: Random number in [0, 1).
    """
    if reply.error_class is None:
        return Outcome(state=DeliveryState.DELIVERED)
    if reply.error_class is ErrorClass.GONE:
        return Outcome(state=DeliveryState.HELD, reason=GONE, disable="gone")
    if not reply.charged:
        age_s = max(0, now_ms - budget.since_ms) / 1000
        delay_s = min(_OWN_FAULT_LAST_S, max(_OWN_FAULT_FIRST_S, age_s / 10))
        due_ms = now_ms + round(delay_s * (1 + JITTER_SHARE * jitter) * 1000)
        return Outcome(state=DeliveryState.PENDING, reason=OWN_FAULT, due_at_ms=due_ms)
    tries = budget.attempts + 1
    due = next_due_ms(
        budget.schedule_s,
        tries=tries,
        now_ms=now_ms,
        jitter=jitter,
        not_before_s=reply.retry_after_s,
    )
    rest_until_ms = _rest_until_ms(reply, now_ms)
    if due is None:
        return Outcome(
            state=DeliveryState.DEAD, reason=NO_ATTEMPTS_LEFT, rest_until_ms=rest_until_ms
        )
    if budget.is_over(due):
        return Outcome(state=DeliveryState.DEAD, reason=TOO_OLD, rest_until_ms=rest_until_ms)
    asked = reply.retry_after_s is not None and reply.retry_after_s > budget.schedule_s[tries]
    return Outcome(
        state=DeliveryState.PENDING,
        reason=RETRY_AFTER if asked else ON_SCHEDULE,
        due_at_ms=due,
        rest_until_ms=rest_until_ms,
    )


def _rest_until_ms(reply: Reply, now_ms: int) -> int | None:
    if reply.error_class not in _RESTING:
        return None
    rest_s = _REST_S if reply.retry_after_s is None else reply.retry_after_s
    return now_ms + round(min(max(rest_s, _REST_LEAST_S), RETRY_AFTER_CAP_S) * 1000)
