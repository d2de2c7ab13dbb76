"""The audit log: who changed what, written in the very transaction that changes it.

`AuditedDriver` adds an entry to each write that goes through it, so no store method has to know of
the log and none can forget it. A write whose plan answers False, or something whose `changed` is
False, changed nothing and is not logged.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from sqlalchemy import select

from gateway.store import schema
from gateway.store.driver import Driver
from gateway.store.statements import Cold, Plan, insert, one_step

T = TypeVar("T")

_LOG = schema.audit_log
_INSERT: Final = insert(_LOG, tuple(column.name for column in _LOG.c))


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One change.

    Attributes:
        actor: Id of the API key that was used, or `cli:` and the user of the machine.
        action: Noun and verb, such as `endpoint.update`.
        object_id: What was changed.
        tenant: Whose it is.
        changes: JSON values without secrets: by field, what it was and what it became.
    """

    id: str
    at_ms: int
    actor: str
    action: str
    object_id: str | None = None
    tenant: str | None = None
    request_id: str | None = None
    changes: Mapping[str, Any] = field(default_factory=dict)


class AuditedDriver:
    """A driver whose writes carry an entry of the audit log with them."""

    def __init__(self, driver: Driver, entry: AuditEntry) -> None:
        self._driver = driver
        self._entry = entry

    async def write(
        self, plan: Callable[[], Plan[T]], *, brief: bool = False, durable: bool = True
    ) -> T:
        """See `Driver`."""
        return await self._driver.write(
            lambda: _with_entry(plan(), self._entry), brief=brief, durable=durable
        )

    async def read(self, plan: Callable[[], Plan[T]]) -> T:
        """See `Driver`."""
        return await self._driver.read(plan)

    async def close(self) -> None:
        """See `Driver`."""
        await self._driver.close()


class AuditLog:
    """See the module."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver

    async def add(self, entry: AuditEntry) -> None:
        """Add the entry of a change that is made elsewhere: at Amazon, in a queue.

        Raises:
            StoreUnavailableError: Nothing was added.
        """
        await self._driver.write(lambda: _added(entry))

    async def list(
        self,
        *,
        after: str | None = None,
        limit: int = 50,
        object_id: str | None = None,
        actor: str | None = None,
    ) -> Sequence[AuditEntry]:
        """Return entries, the newest first."""
        query = select(*_LOG.c)
        if object_id is not None:
            query = query.where(_LOG.c.object_id == object_id)
        if actor is not None:
            query = query.where(_LOG.c.actor == actor)
        if after is not None:
            query = query.where(_LOG.c.id < after)
        query = query.order_by(_LOG.c.id.desc()).limit(limit)
        rows = await self._driver.read(lambda: one_step(Cold(query)()))
        return [
            AuditEntry(
                id=row[0],
                at_ms=row[1],
                actor=row[2],
                action=row[3],
                object_id=row[4],
                tenant=row[5],
                request_id=row[6],
                changes=json.loads(row[7]),
            )
            for row in rows
        ]


def _added(entry: AuditEntry) -> Plan[None]:
    yield _INSERT([_row(entry)])


def _with_entry(plan: Plan[T], entry: AuditEntry) -> Plan[T]:
    result = yield from plan
    if result is not False and getattr(result, "changed", True):
        yield _INSERT([_row(entry)])
    return result


def _row(entry: AuditEntry) -> tuple[Any, ...]:
    return (
        entry.id,
        entry.at_ms,
        entry.actor,
        entry.action,
        entry.object_id,
        entry.tenant,
        entry.request_id,
        json.dumps(dict(entry.changes)),
    )
