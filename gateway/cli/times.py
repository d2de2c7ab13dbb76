"""Times as options: an ISO 8601 time, or how long ago."""

from __future__ import annotations

import re
from typing import Final

from gateway.clock import parse_rfc3339_ms
from gateway.errors import InvalidInputError

TIME_HELP: Final = "An ISO 8601 time, or how long ago: 30m, 6h, 2d."

_AGO: Final = re.compile(r"(\d{1,6})([smhd])")
_MS: Final = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}


def time_ms(text: str, option: str, now_ms: int) -> int:
    """Return the milliseconds since the epoch that an option's text stands for.

    Raises:
        InvalidInputError: It is no time.
    """
    if (ago := _AGO.fullmatch(text.strip())) is not None:
        return now_ms - int(ago[1]) * _MS[ago[2]]
    try:
        return parse_rfc3339_ms(text)
    except ValueError as exc:
        raise InvalidInputError(
            f"{option} {text}: write an ISO 8601 time such as 2026-01-31T09:00Z, or 30m, 6h, 2d"
        ) from exc
