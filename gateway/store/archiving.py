"""What archives take out of the store, and put back into it: notifications with their bodies.

They are taken in the order of their ids, and put back as they were, their ids included; nothing is
handled for it. Requests for jobs are none of it: they are the gateway's own; nor is what retention
has emptied. It never decides what is selected.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from gateway.envelope import read_envelope
from gateway.errors import EnvelopeError
from gateway.identifiers import Reference
from gateway.model import StoredNotification
from gateway.store import schema
from gateway.store.driver import Driver, Sealer
from gateway.store.handling_claims import stored_notification
from gateway.store.inbox import NOTIFICATION, body_context
from gateway.store.references import refer_to
from gateway.store.retention import rewound
from gateway.store.statements import Many, One, Plan, Rows, insert

_LOOK: Final = One(
    """
    SELECT id, type, seller_id, marketplace_id, length(body) FROM notifications
    WHERE id > $1 AND id < $2 AND origin NOT IN ('schedule', 'request') AND length(body) > 0
    ORDER BY id LIMIT $3
    """
)
_WHOLE: Final = Many(
    f"""
    WITH v(id) AS ({{rows}})
    SELECT {", ".join(f"n.{column.name}" for column in schema.notifications.c)}
    FROM v CROSS JOIN notifications AS n WHERE n.id = v.id
    """,  # noqa: S608 columns are ours
    ("text",),
)
_RESTORE: Final = insert(
    schema.notifications,
    NOTIFICATION,
    "ON CONFLICT DO NOTHING RETURNING id",
)
_REFILL: Final = Many(
    """
    WITH v(id, identity, body, body_sealed) AS ({rows})
    UPDATE notifications SET body = v.body, body_sealed = v.body_sealed FROM v
    WHERE notifications.id = v.id AND notifications.identity = v.identity
      AND length(notifications.body) = 0
    RETURNING notifications.id
    """,
    ("text", "text", "bytea", "boolean"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A notification as far as it decides whether it is selected."""

    id: str
    type: str
    seller_id: str | None
    marketplace_id: str | None
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Archived:
    """A notification on its way into an archive, or out of one.

    Attributes:
        secret: Whether its body holds a live credential, and never stands in the clear.
    """

    notification: StoredNotification
    secret: bool


class Archiving:
    """See the module."""

    def __init__(self, driver: Driver, sealer: Sealer) -> None:
        self._driver = driver
        self._sealer = sealer

    async def look(self, *, after: str, before: str, limit: int) -> Sequence[Candidate]:
        """Return the next notifications between two ids, the oldest first."""
        rows = await self._driver.read(lambda: _run(_LOOK(after, before, limit)))
        return [
            Candidate(
                id=row[0], type=row[1], seller_id=row[2], marketplace_id=row[3], size_bytes=row[4]
            )
            for row in rows
        ]

    async def whole(self, ids: Sequence[str]) -> Sequence[Archived]:
        """Return notifications with their bodies, the oldest first.

        Raises:
            SealError: A body is sealed and can't be opened.
        """
        rows = await self._driver.read(lambda: _run(_WHOLE([(one,) for one in ids])))
        found = [
            Archived(notification=stored_notification(row, self._sealer), secret=bool(row[14]))
            for row in rows
        ]
        return sorted(found, key=lambda one: one.notification.id)

    async def restore(self, batch: Sequence[Archived]) -> int:
        """Keep notifications as they were, in one transaction; return how many were not there.

        One whose identity is there already is left as it is; but where retention has emptied its
        body, it has it again, and counts as one that was not there.

        Raises:
            StoreUnavailableError: Nothing was kept.
        """
        rows = [self._row(one) for one in {b.notification.identity: b for b in batch}.values()]
        rows.sort(key=lambda row: row[1])
        about = {one.notification.id: _references(one) for one in batch}
        return await self._driver.write(lambda: _restored(rows, about))

    def _row(self, one: Archived) -> tuple[Any, ...]:
        found, body = one.notification, one.notification.body
        if one.secret:
            body = self._sealer.seal(body, context=body_context(found.id))
        return (
            found.id,
            found.identity,
            found.type,
            found.payload_version,
            found.seller_id,
            found.marketplace_id,
            found.application_id,
            found.subscription_id,
            found.event_time_ms,
            found.received_at_ms,
            found.source,
            found.origin.value,
            found.state.value,
            body,
            one.secret,
        )


def _restored(
    rows: Sequence[tuple[Any, ...]], about: Mapping[str, Iterable[Reference]]
) -> Plan[int]:
    if not rows:
        return 0
    new = {row[0] for row in (yield _RESTORE(rows))}
    if new:
        yield from rewound(min(new))
    there = [(row[0], row[1], row[13], row[14]) for row in rows if row[0] not in new]
    filled = [row[0] for row in (yield _REFILL(there))] if there else []
    yield from refer_to((one, about[one]) for one in (*new, *filled))
    return len(new) + len(filled)


def _references(one: Archived) -> Iterable[Reference]:
    try:
        return read_envelope(one.notification.body).references
    except EnvelopeError:  # an earlier release may have read what this one does not
        return ()


def _run(step: Any) -> Plan[Rows]:
    return (yield step)
