"""What operators ask of jobs: which were requested, and how each stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import and_, func, select, text

from gateway.model import HandlingState, Origin
from gateway.store import schema
from gateway.store.driver import Driver
from gateway.store.statements import Cold, Row, one_step

_N, _H = schema.notifications, schema.handlings
_ARE_JOBS: Final = "notifications.origin IN ('schedule', 'request')"

_JOBS: Final = (
    select(
        _N.c.id,
        _N.c.source,
        _N.c.seller_id,
        _N.c.origin,
        _N.c.event_time_ms,
        _N.c.received_at_ms,
        _H.c.id,
        _H.c.state,
        _H.c.tries,
        _H.c.due_at_ms,
        _H.c.saved_state,
        _H.c.error,
        _H.c.ended_at_ms,
    )
    # So written, jobs lead to their handlings, never all of history to its jobs.
    .join(_H, and_(_H.c.notification_id == func.coalesce(_N.c.id, ""), _H.c.run == 0))
    # Written out, so that both databases see the condition of the partial index.
    .where(text(_ARE_JOBS))
)


@dataclass(frozen=True, slots=True, kw_only=True)
class JobView:
    """A job that was requested, and its live handling.

    Attributes:
        id: Id of the request (`ntf_…`).
        slot_time_ms: The time that it was for.
        progress: JSON that its last `Later` kept, or None.
    """

    id: str
    job: str
    seller_id: str | None
    origin: Origin
    slot_time_ms: int
    requested_at_ms: int
    handling_id: str
    state: HandlingState
    tries: int
    due_at_ms: int
    progress: bytes | None
    error: str | None
    ended_at_ms: int | None


class Jobs:
    """See the module."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver

    async def list(
        self,
        *,
        after: str | None = None,
        limit: int = 50,
        job: str | None = None,
        seller_id: str | None = None,
        state: HandlingState | None = None,
    ) -> Sequence[JobView]:
        """Return jobs, the newest first; `after` is the id of the last one before."""
        query = _JOBS
        if job is not None:
            query = query.where(_N.c.source == job)
        if seller_id is not None:
            query = query.where(_N.c.seller_id == seller_id)
        if state is not None:
            query = query.where(_H.c.state == state.value)
        if after is not None:
            query = query.where(_N.c.id < after)
        query = query.order_by(_N.c.id.desc()).limit(limit)
        rows = await self._driver.read(lambda: one_step(Cold(query)()))
        return [_view(row) for row in rows]

    async def find(self, request_id: str) -> JobView | None:
        """Return one job, or None."""
        query = _JOBS.where(_N.c.id == request_id)
        rows = await self._driver.read(lambda: one_step(Cold(query)()))
        return _view(rows[0]) if rows else None


def _view(row: Row) -> JobView:
    return JobView(
        id=row[0],
        job=row[1],
        seller_id=row[2],
        origin=Origin(row[3]),
        slot_time_ms=row[4],
        requested_at_ms=row[5],
        handling_id=row[6],
        state=HandlingState(row[7]),
        tries=row[8],
        due_at_ms=row[9],
        progress=None if row[10] is None else bytes(row[10]),
        error=row[11],
        ended_at_ms=row[12],
    )
