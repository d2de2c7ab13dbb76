"""The follow-up calls that a run made, noted for whoever asks later what took so long.

A note says what was called, when, and with what outcome; parameters, bodies and tokens are in none.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Final

MOST_CALLS: Final = 50
"""Most calls that are noted of one run, the newest."""

_BEGINNING: Final = '{"at_ms":'


@dataclass(frozen=True, slots=True, kw_only=True)
class CallMade:
    """One call, with all its requests.

    Attributes:
        at_ms: When it began.
        operation: Amazon's name, with API and version.
        outcome: ok, throttled, refused, rejected, failed, timeout, unreachable, stopped (the run
            ended first) or deferred (its usage plan made it wait for a later run).
        status: Of the last answer; None where none came.
        requests: How many were sent.
        duration_ms: From `at_ms` on, waits included.
        waited_ms: How much of that it waited for its usage plan.
        until_ms: Of a deferred one when its token is there.
        request_id: Amazon's, of the last answer.
    """

    at_ms: int
    operation: str
    method: str
    outcome: str
    status: int | None = None
    requests: int = 0
    duration_ms: int = 0
    waited_ms: int = 0
    until_ms: int | None = None
    request_id: str | None = None


class CallLog:
    """The newest calls of one run."""

    __slots__ = ("_calls",)

    def __init__(self) -> None:
        self._calls: deque[CallMade] | None = None

    @property
    def calls(self) -> Sequence[CallMade]:
        """In the order in which they ended."""
        return () if self._calls is None else tuple(self._calls)

    def note(self, call: CallMade) -> None:
        """Keep one more; the oldest goes where there are too many."""
        if self._calls is None:
            self._calls = deque(maxlen=MOST_CALLS)  # most runs make none
        self._calls.append(call)


def text_of(calls: Sequence[CallMade]) -> str:
    """Return calls as lines of JSON, each ended, so that texts can be put behind each other."""
    return "".join(f"{_line(one)}\n" for one in calls)


def calls_of(text: str) -> Sequence[CallMade]:
    """Return the calls of what `text_of` gave; a first line whose head was cut off is left out."""
    lines = text.splitlines()
    if lines and not lines[0].startswith(_BEGINNING):
        del lines[0]
    return [CallMade(**json.loads(line)) for line in lines]


def _line(call: CallMade) -> str:
    values = {name: value for name, value in asdict(call).items() if value is not None}
    return json.dumps(values, separators=(",", ":"))
