"""How far this machine's clock is from Amazon's, by the `Date` of its answers.

Nothing that the client does depends on it; what depends on it are signatures of SQS calls, lives of
credentials, and the times that operators compare. So a difference is said, once for each change.
"""

from __future__ import annotations

from collections.abc import Callable
from email.utils import parsedate_to_datetime

import structlog

from gateway.clock import Clock

_WORTH_SAYING_S = 60.0

_log: structlog.stdlib.BoundLogger = structlog.get_logger("gateway.spapi")


class ClockSkew:
    """Compares the clocks at each answer that it is shown."""

    def __init__(self, clock: Clock, report: Callable[[float], None]) -> None:
        """Bind the clock; `report` is told how many seconds it is ahead of Amazon's."""
        self._clock = clock
        self._report = report
        self._said = False

    def note(self, date: str | None) -> None:
        """Take in an answer's `Date`, or None where it is missing."""
        try:
            theirs_s = parsedate_to_datetime(date or "").timestamp()
        except (ValueError, TypeError, OverflowError):
            return
        # `Date` has whole seconds only, and the answer has been on its way.
        ahead_s = self._clock.now_ms() / 1000 - theirs_s
        self._report(ahead_s)
        skewed = abs(ahead_s) >= _WORTH_SAYING_S
        if skewed and not self._said:
            _log.warning("spapi.clock_skewed", ahead_s=round(ahead_s))
        elif self._said and not skewed:
            _log.info("spapi.clock_right", ahead_s=round(ahead_s))
        self._said = skewed
