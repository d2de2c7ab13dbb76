"""What follows from an attempt: pure rules over its reply, as the table in `sender.py` says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What one attempt brought.

    Attributes:
        error_class: None where it was delivered.
        error: The fault in words, or a remark on a delivered one's answer.
        answer: First 16 KiB of the decoded answer.
        address: Address and port that were dialled.
        retry_after_s: What a failing answer asked for.
    """

    started_at_ms: int
    duration_ms: int
    status: int | None = None
    error_class: ErrorClass | None = None
    error: str | None = None
    answer: bytes = b""
    address: str | None = None
    retry_after_s: float | None = None

    @property
    def charged(self) -> bool:
        """Whether it counts against the endpoint."""
        return self.error_class not in OWN_FAULTS


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What follows from a reply.

    Attributes:
        due_at_ms: When the next attempt is due, where one is.
        rest_until_ms: The endpoint is left alone until then.
        disable: Reason for disabling the endpoint at once.
    """

    state: DeliveryState
    due_at_ms: int | None = None
    rest_until_ms: int | None = None
    disable: str | None = None


def judge(
    reply: Reply,
    *,
    attempts: int,
    schedule_s: Sequence[float],
    created_at_ms: int,
    now_ms: int,
    jitter: float,
) -> Outcome:
    """Return what follows from `reply`, as the table in `sender.py` says.

    Args:
        reply: What the attempt brought.
        attempts: Charged attempts before this one.
        schedule_s: Delay before each attempt.
        created_at_ms: When the delivery was made; old ones wait longer after a fault of ours.
        now_ms: Present time.
        jitter: Random number in [0, 1).
    """
    if reply.error_class is None:
        return Outcome(state=DeliveryState.DELIVERED)
    if reply.error_class is ErrorClass.GONE:
        return Outcome(state=DeliveryState.HELD, disable="gone")
    if not reply.charged:
        age_s = max(0, now_ms - created_at_ms) / 1000
        delay_s = min(_OWN_FAULT_LAST_S, max(_OWN_FAULT_FIRST_S, age_s / 10))
        due_at_ms = now_ms + round(delay_s * (1 + JITTER_SHARE * jitter) * 1000)
        return Outcome(state=DeliveryState.PENDING, due_at_ms=due_at_ms)
    due = next_due_ms(
        schedule_s,
        tries=attempts + 1,
        now_ms=now_ms,
        jitter=jitter,
        not_before_s=reply.retry_after_s,
    )
    return Outcome(
        state=DeliveryState.DEAD if due is None else DeliveryState.PENDING,
        due_at_ms=due,
        rest_until_ms=_rest_until_ms(reply, now_ms),
    )


def _rest_until_ms(reply: Reply, now_ms: int) -> int | None:
    if reply.error_class not in _RESTING:
        return None
    rest_s = _REST_S if reply.retry_after_s is None else reply.retry_after_s
    return now_ms + round(min(max(rest_s, _REST_LEAST_S), RETRY_AFTER_CAP_S) * 1000)
