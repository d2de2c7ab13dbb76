"""When to try again, and when to give up: shared by dispatch and delivery. Pure; no clock inside.

A schedule lists the delay before each try, so `schedule_s[0]` is the wait before the first one and
a schedule of ten entries allows ten tries. Jitter only ever adds: nothing is tried earlier than
scheduled, nor earlier than the other side asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

JITTER_SHARE = 0.1
RETRY_AFTER_CAP_S = 24 * 3600.0

HANDLING_SCHEDULE_S: tuple[float, ...] = (0, 1, 5, 30, 120, 600, 3600, 10800, 21600, 43200)
DELIVERY_SCHEDULE_S: tuple[float, ...] = (
    0,
    5,
    300,
    1800,
    7200,
    18000,
    36000,
    50400,
    72000,
    86400,
)


def next_due_ms(
    schedule_s: Sequence[float],
    *,
    tries: int,
    now_ms: int,
    jitter: float,
    not_before_s: float | None = None,
) -> int | None:
    """Return when to try again after `tries` failed tries, or None when none are left.

    Args:
        schedule_s: Delay before each try, in seconds.
        tries: Failed tries so far, the one just made included.
        now_ms: Present time.
        jitter: Random number in [0, 1); at most `JITTER_SHARE` of the delay is added.
        not_before_s: Delay that the other side asked for; honoured in full up to 24 hours.
    """
    if tries >= len(schedule_s):
        return None
    delay_s = schedule_s[tries]
    if not_before_s is not None:
        delay_s = max(delay_s, min(not_before_s, RETRY_AFTER_CAP_S))
    return now_ms + round(delay_s * (1 + JITTER_SHARE * jitter) * 1000)
