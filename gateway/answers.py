"""What a run of a handler answers: events, what goes with them, or another outcome.

Plain values: what each means for its handling is decided in `dispatch.outcomes`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something to publish.

    Attributes:
        type: Dot-separated name such as `order.changed`.
        data: JSON-ready mapping; the gateway adds seller, region, marketplace and notification.
        occurred_at: When it happened; the notification's event time unless set.
        order_key: Endpoints that keep order get events of one key one after the other; seller and
            order id unless set, where `data` has an order.
    """

    type: str
    data: Mapping[str, Any]
    occurred_at: datetime | None = None
    order_key: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Remember:
    """Something to keep between handlings, answered beside events and committed with them.

    `Context.remembered` gives it to later runs of the same handler for the same seller. It is read
    and written safely only by a handler whose `key` is the thing that is remembered.

    Attributes:
        name: Of the thing, such as an order id.
        value: JSON-ready, small, and without personal data or credentials: it is not sealed.
    """

    name: str
    value: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientSecret:
    """A new client secret, answered beside events and put in use with them, in all replicas.

    Only a run for the notification in which Amazon sent it may answer with it.
    """

    client_id: str
    secret: str = field(repr=False)
    expires_at: datetime | None = None
    old_expires_at: datetime | None = None


class Outcome(Exception):  # noqa: N818 an outcome is no error; it is raised for convenience
    """Base of the outcomes that are not events; each may be returned or raised."""


class Later(Outcome):
    """Go on later, with `state` kept: the durable continuation of a slow job.

    What the job has come to so far may be published on the way: `events` are committed together
    with `state`, so each is published once, however often a run is repeated.
    """

    def __init__(
        self, after: timedelta | float, state: Any = None, *, events: Sequence[Event] = ()
    ) -> None:
        super().__init__()
        self.after_s = _seconds(after)
        self.state = state
        self.events = events


class Retry(Outcome):
    """Failed for now: try again after `after`, or on the schedule where it is None."""

    def __init__(self, reason: str, after: timedelta | float | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.after_s = None if after is None else _seconds(after)


class Skip(Outcome):
    """Nothing to do, on purpose; the handling ends as skipped."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Reject(Outcome):
    """Can never succeed; the handling ends as dead, with the reason shown to the operator."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def _seconds(after: timedelta | float) -> float:
    return after.total_seconds() if isinstance(after, timedelta) else float(after)


Answer = Event | Sequence[Event | Remember | ClientSecret] | Outcome | None
