"""What archives take out of the store, and put back into it: notifications with their bodies.

They are taken in the order of their ids, and put back as they were, their ids included; nothing is
handled for it. Messages in quarantine stand among them; put back, those that can be read by now are
notifications, and the others in quarantine again. Requests for jobs are none of it: they are the
gateway's own; nor is what retention has emptied. It never decides what is selected.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from gateway.envelope import read_envelope
from gateway.errors import EnvelopeError
from gateway.identifiers import Reference
from gateway.model import IdPrefix
from gateway.store import schema
from gateway.store.archived import (
    MESSAGE_MAX,
    QUARANTINE,
    Archived,
    ArchivedMessage,
    Candidate,
    Line,
    position,
    read_again,
)
from gateway.store.driver import Driver, Sealer
from gateway.store.inbox import INSERT_QUARANTINE, quarantine_context
from gateway.store.notification_rows import COLUMNS, WHOLE, body_context, stored_notification
from gateway.store.references import refer_to
from gateway.store.retention import rewound
from gateway.store.statements import Many, One, Plan, Row, Rows, insert

_QUARANTINED: Final = f"{IdPrefix.QUARANTINE}_"
_FITS: Final = f"size_bytes BETWEEN 1 AND {MESSAGE_MAX}"
_LOOK: Final = One(
    """
    SELECT id, type, seller_id, marketplace_id, length(body) FROM notifications
    WHERE id > $1 AND id < $2 AND origin NOT IN ('schedule', 'request') AND length(body) > 0
    ORDER BY id LIMIT $3
    """
)
_LOOK_QUARANTINE: Final = One(
    f"""
    SELECT id, size_bytes FROM quarantine
    WHERE id > $1 AND id < $2 AND {_FITS} ORDER BY id LIMIT $3
    """  # noqa: S608 a condition of ours
)
_WHOLE_QUARANTINE: Final = Many(
    f"""
    WITH v(id) AS ({{rows}})
    SELECT q.id, q.identity, q.source, q.message_id, q.received_at_ms, q.body
    FROM v CROSS JOIN quarantine AS q WHERE q.id = v.id AND q.{_FITS}
    """,  # noqa: S608 a condition of ours
    ("text",),
)
_HELD: Final = Many(
    """
    WITH v(identity) AS ({rows})
    SELECT q.identity FROM v CROSS JOIN quarantine AS q WHERE q.identity = v.identity
    """,
    ("text",),
)
_RESTORE: Final = insert(
    schema.notifications,
    COLUMNS,
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


@dataclass(slots=True, kw_only=True)
class _Batch:
    """Lines as they are put back.

    Attributes:
        rows: Of notifications.
        about: What notifications are about, by their ids.
        lost: Rows of messages that still can't be read, by identity.
        read: Rows of those that can by now, by the identity of the message.
    """

    rows: list[tuple[Any, ...]] = field(default_factory=list)
    about: dict[str, Iterable[Reference]] = field(default_factory=dict)
    lost: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    read: dict[str, tuple[Any, ...]] = field(default_factory=dict)


class Archiving:
    """See the module."""

    def __init__(self, driver: Driver, sealer: Sealer) -> None:
        self._driver = driver
        self._sealer = sealer

    async def look(self, *, after: str, before: str, limit: int) -> Sequence[Candidate]:
        """Return the next notifications and messages between two positions, the oldest first.

        Args:
            after: Exclusive; see `position`.
            before: Exclusive.
            limit: Most of them.
        """

        def plan() -> Plan[list[Candidate]]:
            rows = yield _LOOK(after, before, limit)
            lost = yield _LOOK_QUARANTINE(_in_quarantine(after), _in_quarantine(before), limit)
            return [
                Candidate(id=one, type=type_, seller_id=seller, marketplace_id=place, size_bytes=n)
                for one, type_, seller, place, n in (
                    *rows,
                    *((row[0], QUARANTINE, None, None, row[1]) for row in lost),
                )
            ]

        found = await self._driver.read(plan)
        return sorted(found, key=lambda one: position(one.id))[:limit]

    async def whole(self, ids: Sequence[str]) -> Sequence[Line]:
        """Return notifications and messages with their bodies, the oldest first.

        Raises:
            SealError: A body is sealed and can't be opened.
        """
        lost = [(one,) for one in ids if one.startswith(_QUARANTINED)]
        kept = [(one,) for one in ids if not one.startswith(_QUARANTINED)]

        def plan() -> Plan[tuple[Rows, Rows]]:
            rows = (yield WHOLE(kept)) if kept else ()
            return rows, (yield _WHOLE_QUARANTINE(lost)) if lost else ()

        rows, messages = await self._driver.read(plan)
        found: list[Line] = [
            Archived(notification=stored_notification(row, self._sealer), secret=bool(row[14]))
            for row in rows
        ]
        found += [self._message(row) for row in messages]
        return sorted(found, key=lambda one: position(one.id))

    async def restore(self, batch: Sequence[Line]) -> int:
        """Keep notifications as they were, in one transaction; return how many were not there.

        One whose identity is there already is left as it is; but where retention has emptied its
        body, it has it again, and counts as one that was not there. So is a message that is in
        quarantine still; another one is a notification if it can be read by now.

        Raises:
            StoreUnavailableError: Nothing was kept.
        """
        sorted_out = self._sorted_out(batch)
        return await self._driver.write(lambda: _restored(sorted_out))

    def _sorted_out(self, batch: Sequence[Line]) -> _Batch:
        out = _Batch()
        for one in {line.identity: line for line in batch}.values():
            if isinstance(one, Archived):
                out.rows.append(self._row(one))
                out.about[one.id] = _references(one)
                continue
            try:
                read = read_again(one)
            except EnvelopeError as exc:
                out.lost[one.identity] = self._quarantine_row(one, str(exc))
            else:
                out.read[one.identity] = self._row(read)
                out.about[read.id] = _references(read)
        return out

    def _message(self, row: Row) -> ArchivedMessage:
        return ArchivedMessage(
            id=row[0],
            identity=row[1],
            source=row[2],
            message_id=row[3],
            received_at_ms=row[4],
            body=self._sealer.open(bytes(row[5]), context=quarantine_context(row[0])),
        )

    def _quarantine_row(self, one: ArchivedMessage, reason: str) -> tuple[Any, ...]:
        return (
            one.id,
            one.identity,
            one.source,
            one.message_id,
            reason,
            self._sealer.seal(one.body, context=quarantine_context(one.id)),
            len(one.body),
            one.received_at_ms,
        )

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


def _restored(batch: _Batch) -> Plan[int]:
    messages = {**batch.lost, **batch.read}
    held: set[str] = set()
    kept = 0
    if messages:
        held = {row[0] for row in (yield _HELD([(one,) for one in sorted(messages)]))}
    if lost := [row for identity, row in sorted(batch.lost.items()) if identity not in held]:
        kept = len((yield INSERT_QUARANTINE(lost)))
    rows = {row[1]: row for identity, row in batch.read.items() if identity not in held}
    # One that was read out of quarantine later stands there by itself too, with the id it got.
    rows.update({row[1]: row for row in batch.rows})
    if not rows:
        return kept
    restored = yield from _restored_rows([rows[one] for one in sorted(rows)], batch)
    return kept + restored


def _restored_rows(rows: Sequence[tuple[Any, ...]], batch: _Batch) -> Plan[int]:
    new = {row[0] for row in (yield _RESTORE(rows))}
    if new:
        yield from rewound(min(new))
    there = [(row[0], row[1], row[13], row[14]) for row in rows if row[0] not in new]
    filled = [row[0] for row in (yield _REFILL(there))] if there else []
    yield from refer_to((one, batch.about[one]) for one in (*new, *filled))
    return len(new) + len(filled)


def _references(one: Archived) -> Iterable[Reference]:
    try:
        return read_envelope(one.notification.body).references
    except EnvelopeError:  # an earlier release may have read what this one does not
        return ()


def _in_quarantine(at: str) -> str:
    """Return the place in quarantine that a position stands for."""
    return _QUARANTINED + at.partition("_")[2]
