"""Operations: kept bulk actions, run by one process at a time, each step in one transaction.

A step moves the cursor in the transaction that does what lies before it, and only while its process
holds the lease, the operation still runs and nobody moved the cursor meanwhile. So a process that
is killed at any instruction leaves the operation exactly where it was. It decides nothing about
what is selected.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import select

from gateway.clock import Clock
from gateway.errors import ConflictError, NotFoundError
from gateway.operations import Operation, OperationKind, OperationState, Progress, Selection
from gateway.store import schema
from gateway.store.driver import Driver
from gateway.store.statements import Cold, Many, One, Plan, Row, Rows, insert, one_step

_O: Final = schema.operations
_NAMES: Final = tuple(column.name for column in _O.c)[:15]
_COLUMNS: Final = ", ".join(_NAMES)
_INSERT: Final = insert(_O, _NAMES)
_RUNNING: Final = One("SELECT id FROM operations WHERE state = 'running' LIMIT 1")
_CLAIM: Final = One(
    f"""
    UPDATE operations SET claim_token = $1, lease_until_ms = $2
    WHERE state = 'running'
      AND (claim_token = $1 OR claim_token IS NULL OR lease_until_ms <= $3)
    RETURNING {_COLUMNS}
    """  # noqa: S608 columns are ours
)
_RELEASE_ALL: Final = One(
    """
    UPDATE operations SET claim_token = NULL, lease_until_ms = NULL WHERE state = 'running'
    """
)
_ADVANCE: Final = One(
    """
    UPDATE operations SET cursor = $4, looked = looked + $5, done = done + $6,
      skipped = skipped + $7, last_error = coalesce($8, last_error), paced_at_ms = $9,
      updated_at_ms = $10
    WHERE id = $1 AND claim_token = $2 AND cursor = $3 AND state = 'running'
    RETURNING id
    """
)
_END: Final = One(
    """
    UPDATE operations SET state = $3, last_error = coalesce($4, last_error), ended_at_ms = $5,
      updated_at_ms = $5, claim_token = NULL, lease_until_ms = NULL
    WHERE id = $1 AND claim_token = $2 AND state = 'running'
    RETURNING id
    """
)
_CHANGE: Final = Many(
    """
    WITH v(id, was, state, now_ms, ended_at_ms) AS ({rows})
    UPDATE operations SET state = v.state, updated_at_ms = v.now_ms, paced_at_ms = v.now_ms,
      ended_at_ms = v.ended_at_ms, claim_token = NULL, lease_until_ms = NULL
    FROM v WHERE operations.id = v.id AND operations.state = v.was
    RETURNING operations.id
    """,
    ("text", "text", "text", "bigint", "bigint"),
)
_UNDER_WAY: Final = One(
    """
    SELECT count(*) FROM (
      SELECT 1 FROM handlings
      WHERE operation_id = $1 AND operation_id IS NOT NULL AND state IN ('pending', 'leased')
      LIMIT $2
    ) AS bounded
    """
)
_LIVE: Final = One(
    """
    SELECT count(*) FROM (
      SELECT 1 FROM handlings
      WHERE state = 'pending' AND readiness = 2 AND operation_id IS NULL LIMIT $1
    ) AS bounded
    """
)
_DELIVERIES: Final = One(
    """
    SELECT count(*) FROM (
      SELECT 1 FROM deliveries WHERE state = 'pending' AND readiness = 2 LIMIT $1
    ) AS bounded
    """
)
_OUTCOME: Final = One(
    """
    SELECT state, count(*) FROM handlings
    WHERE operation_id = $1 AND operation_id IS NOT NULL GROUP BY state
    """
)
_TARGETS: Final = Many(
    """
    WITH v(id) AS ({rows})
    SELECT o.id, o.selection FROM v CROSS JOIN operations AS o WHERE o.id = v.id
    """,
    ("text",),
)
_CHANGES: Final[Mapping[OperationState, Sequence[OperationState]]] = {
    OperationState.PAUSED: (OperationState.RUNNING,),
    OperationState.RUNNING: (OperationState.PAUSED, OperationState.FAILED),
    OperationState.CANCELLED: (
        OperationState.RUNNING,
        OperationState.PAUSED,
        OperationState.FAILED,
    ),
}


class Operations:
    """See the module."""

    def __init__(self, driver: Driver, clock: Clock) -> None:
        self._driver = driver
        self._clock = clock

    async def start(self, operation: Operation) -> None:
        """Keep a new operation; a running gateway does it.

        Raises:
            StoreUnavailableError: It was not kept.
        """
        await self._driver.write(lambda: one_step(_INSERT([_row(operation)])))

    async def list(
        self, *, after: str | None = None, limit: int = 50, state: OperationState | None = None
    ) -> Sequence[Operation]:
        """Return operations, the newest first; `after` is the id of the last one before."""
        query = select(*(_O.c[name] for name in _NAMES))
        if state is not None:
            query = query.where(_O.c.state == state.value)
        if after is not None:
            query = query.where(_O.c.id < after)
        query = query.order_by(_O.c.id.desc()).limit(limit)
        return [_operation(row) for row in await self._driver.read(lambda: one_step(Cold(query)()))]

    async def get(self, operation_id: str) -> Operation:
        """Return one operation.

        Raises:
            NotFoundError: There is no such operation.
        """
        query = select(*(_O.c[name] for name in _NAMES)).where(_O.c.id == operation_id)
        rows = await self._driver.read(lambda: one_step(Cold(query)()))
        if not rows:
            raise NotFoundError(f"there is no {operation_id}")
        return _operation(rows[0])

    async def outcome(self, operation_id: str) -> Mapping[str, int]:
        """Return how many handlings that an operation made are in which state."""
        rows = await self._driver.read(lambda: one_step(_OUTCOME(operation_id)))
        return {row[0]: row[1] for row in rows}

    async def change(self, operation_id: str, state: OperationState) -> bool:
        """Pause, resume (a failed one too) or cancel an operation; tell whether it was another.

        What it has done already goes on.

        Raises:
            NotFoundError: There is no such operation.
            ConflictError: It has ended.
        """
        now_ms = self._clock.now_ms()
        ended_at_ms = now_ms if state is OperationState.CANCELLED else None
        rows = [
            (operation_id, was.value, state.value, now_ms, ended_at_ms) for was in _CHANGES[state]
        ]
        if await self._driver.write(lambda: _some(_CHANGE(rows))):
            return True
        found = await self.get(operation_id)
        if found.state is not state:
            raise ConflictError(f"{operation_id} is {found.state}; it can't become {state}")
        return False

    async def claim(self, token: int, *, lease_ms: int) -> Sequence[Operation]:
        """Return the running operations that are the caller's from now on, or still.

        Raises:
            StoreUnavailableError: None was claimed.
        """
        if not await self._driver.read(lambda: _some(_RUNNING())):
            return ()
        now_ms = self._clock.now_ms()
        rows = await self._driver.write(lambda: one_step(_CLAIM(token, now_ms + lease_ms, now_ms)))
        return sorted((_operation(row) for row in rows), key=lambda one: one.id)

    async def release_all(self) -> None:
        """Free every lease, for a process that knows itself to be the only one.

        Raises:
            StoreUnavailableError: None was freed.
        """
        await self._driver.write(lambda: one_step(_RELEASE_ALL()))

    async def end(
        self, operation: Operation, token: int, state: OperationState, error: str | None = None
    ) -> bool:
        """End an operation of the caller's; tell whether it still was."""
        now_ms = self._clock.now_ms()
        step = _END(operation.id, token, state.value, error, now_ms)
        return await self._driver.write(lambda: _some(step))

    async def under_way(self, operation_id: str, *, most: int) -> int:
        """Return how many of its handlings have not ended, counted up to `most`."""
        return await self._count(lambda: one_step(_UNDER_WAY(operation_id, most)))

    async def live_handlings(self, *, most: int) -> int:
        """Return how many handlings of no operation are ready, counted up to `most`."""
        return await self._count(lambda: one_step(_LIVE(most)))

    async def ready_deliveries(self, *, most: int) -> int:
        """Return how many deliveries are ready, counted up to `most`."""
        return await self._count(lambda: one_step(_DELIVERIES(most)))

    async def _count(self, plan: Callable[[], Plan[Rows]]) -> int:
        count: int = (await self._driver.read(plan))[0][0]
        return count


def advance(operation: Operation, token: int, progress: Progress, now_ms: int) -> Plan[bool]:
    """Move an operation on; False if it is not the caller's any more, and nothing may be done."""
    moved = yield _ADVANCE(
        operation.id,
        token,
        operation.cursor,
        progress.cursor,
        progress.looked,
        progress.done,
        progress.skipped,
        progress.last_error,
        progress.paced_at_ms,
        now_ms,
    )
    return bool(moved)


def targets_of(operation_ids: set[str]) -> Plan[Mapping[str, frozenset[str]]]:
    """Return the endpoints that operations' events go to, of those that name any, or none."""
    rows = yield _TARGETS([(one,) for one in sorted(operation_ids)])
    selections = {row[0]: Selection.of_json(json.loads(row[1])) for row in rows}
    return {
        operation_id: frozenset(one.to_endpoints)
        for operation_id, one in selections.items()
        if one.to_endpoints is not None
    }


def _some(step: Any) -> Plan[bool]:
    return bool((yield step))


def _row(operation: Operation) -> tuple[Any, ...]:
    values = [getattr(operation, name) for name in _NAMES]
    values[1] = operation.kind.value
    values[2] = json.dumps(dict(operation.selection.as_json()))
    values[3] = operation.state.value
    return tuple(values)


def _operation(row: Row) -> Operation:
    named = dict(zip(_NAMES, row, strict=True))
    named["kind"] = OperationKind(named["kind"])
    named["selection"] = Selection.of_json(json.loads(named["selection"]))
    named["state"] = OperationState(named["state"])
    return Operation(**named)
