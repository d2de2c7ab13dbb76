"""How an order moves through its states: drawn, and the same for the same draw. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

_MINUTE_MS = 60_000
_HOUR_MS = 60 * _MINUTE_MS
_PAYMENT_FAILS = 0.07
_BUYER_CANCELS = 0.04
_SHIPS_IN_PARTS = 0.3


class OrderStatus(StrEnum):
    """Where an order stands, in the words of Orders 2026-01-01."""

    PENDING = "PENDING"
    UNSHIPPED = "UNSHIPPED"
    PARTIALLY_SHIPPED = "PARTIALLY_SHIPPED"
    SHIPPED = "SHIPPED"
    CANCELLED = "CANCELLED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A status and when an order came to it.

    Attributes:
        by_buyer: Whether the buyer asked for it.
    """

    status: OrderStatus
    at_ms: int
    by_buyer: bool = False


def life(draw: Random, *, created_at_ms: int, parts: int, speed: float = 1.0) -> Sequence[Step]:
    """Return the states that an order comes to, beginning with its creation.

    Args:
        draw: What it is drawn from.
        created_at_ms: When it is placed.
        parts: How many items it has; only several can be shipped apart.
        speed: How many times faster than life it goes.
    """

    def after(at_ms: int, low_ms: int, high_ms: int) -> int:
        return at_ms + round(draw.randint(low_ms, high_ms) / speed)

    steps = [Step(status=OrderStatus.PENDING, at_ms=created_at_ms)]
    paid_at_ms = after(created_at_ms, 2 * _MINUTE_MS, 40 * _MINUTE_MS)
    if draw.random() < _PAYMENT_FAILS:
        return [*steps, Step(status=OrderStatus.CANCELLED, at_ms=paid_at_ms)]
    steps.append(Step(status=OrderStatus.UNSHIPPED, at_ms=paid_at_ms))
    if draw.random() < _BUYER_CANCELS:
        at_ms = after(paid_at_ms, 5 * _MINUTE_MS, 2 * _HOUR_MS)
        return [*steps, Step(status=OrderStatus.CANCELLED, at_ms=at_ms, by_buyer=True)]
    shipped_at_ms = after(paid_at_ms, _HOUR_MS, 9 * _HOUR_MS)
    if parts > 1 and draw.random() < _SHIPS_IN_PARTS:
        steps.append(Step(status=OrderStatus.PARTIALLY_SHIPPED, at_ms=shipped_at_ms))
        shipped_at_ms = after(shipped_at_ms, _HOUR_MS, 6 * _HOUR_MS)
    return [*steps, Step(status=OrderStatus.SHIPPED, at_ms=shipped_at_ms)]


def reached(steps: Sequence[Step], now_ms: int) -> Step:
    """Return the last step that was come to by now; the first one where it is still to come."""
    return max((step for step in steps if step.at_ms <= now_ms), key=_at, default=steps[0])


def _at(step: Step) -> int:
    return step.at_ms
