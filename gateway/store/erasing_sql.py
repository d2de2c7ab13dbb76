"""The statements of erasing: pages of what may be about somebody, and what deletes it."""

# ruff: noqa: S608 tables and columns are ours, every value is a parameter

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Final

from gateway.store.statements import Many, One


class Keyed(StrEnum):
    """Tables whose rows are deleted as they are found, by their own keys."""

    QUARANTINE = "quarantine"
    OPERATIONS = "operations"
    AUDIT = "audit_log"
    MEMORIES = "memories"
    ONCE_KEYS = "once_keys"
    SIGHTINGS = "sightings"
    IDEMPOTENCY_KEYS = "idempotency_keys"
    DOCUMENTS = "documents"


class Place(StrEnum):
    """Where things about somebody may be, in the order in which it is looked there."""

    ORDER = "order"
    NOTIFICATIONS = "notifications"
    HANDLINGS = "handlings"
    EVENTS = "events"
    ATTEMPTS = "attempts"
    QUARANTINE = "quarantine"
    OPERATIONS = "operations"
    AUDIT = "audit_log"
    MEMORIES = "memories"
    ONCE_KEYS = "once_keys"
    SIGHTINGS = "sightings"
    IDEMPOTENCY_KEYS = "idempotency_keys"
    DOCUMENTS = "documents"
    ARCHIVES = "archives"
    FILES = "files"


ERASED: Final = "erased"
"""What stands for the handling of a document that went with it."""

_NOTIFICATION: Final = "n.id, n.seller_id, n.body, n.body_sealed"


def _page(table: str, columns: str) -> One:
    return One(f"SELECT {columns} FROM {table} WHERE id > $1 ORDER BY id LIMIT $2")


def _keyed_page(table: str, keys: Sequence[str], columns: str = "") -> One:
    names, params = ", ".join(keys), ", ".join(f"${n}" for n in range(1, len(keys) + 1))
    return One(
        f"SELECT {names}{columns} FROM {table} WHERE ({names}) > ({params}) "
        f"ORDER BY {names} LIMIT ${len(keys) + 1}"
    )


PAGES: Final[Mapping[Place, One]] = {
    Place.NOTIFICATIONS: One(
        f"SELECT {_NOTIFICATION} FROM notifications AS n WHERE n.id > $1 ORDER BY n.id LIMIT $2"
    ),
    Place.HANDLINGS: _page("handlings", "id, notification_id, lane, key, saved_state, error"),
    Place.EVENTS: _page("events", "id, seller_id, body, thin_body, order_key"),
    Place.ATTEMPTS: _page("attempts", "id, answer, error"),
    Place.QUARANTINE: _page("quarantine", "id, body, reason"),
    Place.OPERATIONS: _page("operations", "id, selection, last_error"),
    Place.AUDIT: _page("audit_log", "id, changes"),
    Place.MEMORIES: _keyed_page("memories", ("handler", "lane", "name"), ", value"),
    Place.ONCE_KEYS: _keyed_page("once_keys", ("handler", "lane", "once")),
    Place.SIGHTINGS: _keyed_page("sightings", ("type", "seller_id", "subject")),
    Place.IDEMPOTENCY_KEYS: One(
        "SELECT key FROM idempotency_keys WHERE key > $1 ORDER BY key LIMIT $2"
    ),
    Place.DOCUMENTS: _page(
        "documents", "id, name, seller_id, handling_id, place, sealed_key, size_bytes"
    ),
}
"""(key behind which, limit) → rows, the key of each first."""


PAGES_OF_SELLER: Final[Mapping[Place, One]] = {
    Place.NOTIFICATIONS: One(
        f"SELECT {_NOTIFICATION} FROM notifications AS n "
        "WHERE n.seller_id = $1 AND n.id > $2 ORDER BY n.id LIMIT $3"
    ),
    Place.EVENTS: One(
        "SELECT id, seller_id, body, thin_body, order_key FROM events "
        "WHERE seller_id = $1 AND id > $2 ORDER BY id LIMIT $3"
    ),
}
"""(seller, id behind which, limit) → rows as of `PAGES`, where an index knows the seller."""


def _each(sql: str, *types: str) -> Many:
    names = ", ".join(f"k{n}" for n in range(len(types)))
    return Many(f"WITH v({names}) AS ({{rows}}) {sql}", types)


def _by_id(sql: str) -> Many:
    return Many(f"WITH v(id) AS ({{rows}}) {sql}", ("text",))


_AMONG: Final = "IN (SELECT id FROM v)"

WHOLE: Final = _by_id(
    f"SELECT {_NOTIFICATION} FROM v CROSS JOIN notifications AS n WHERE n.id = v.id"
)
EMPTY_NOTIFICATIONS: Final = _by_id(
    f"""
    UPDATE notifications SET body = substr(body, 1, 0), body_sealed = false, state = 'ignored',
      seller_id = NULL, subscription_id = NULL, message_id = NULL
    WHERE id {_AMONG} RETURNING id
    """
)
FORGET_RECEIPTS: Final = _by_id(f"DELETE FROM receipts WHERE notification_id {_AMONG}")
FORGET_REFERENCES: Final = Many(
    """
    WITH v(week, kind, value, notification_id) AS ({rows})
    DELETE FROM notification_refs WHERE (week, kind, value, notification_id) IN (
      SELECT week, kind, value, notification_id FROM v
    )
    """,
    ("bigint", "text", "text", "text"),
)
HANDLINGS_OF: Final = _by_id(
    """
    SELECT h.id, h.handler, h.lane, h.key,
      h.state IN ('pending', 'leased') AND h.readiness > 0
    FROM v CROSS JOIN handlings AS h WHERE h.notification_id = v.id
    """
)
FORGET_HANDLINGS: Final = _by_id(f"DELETE FROM handlings WHERE id {_AMONG} RETURNING id")
DOCUMENTS_OF: Final = _by_id(
    f"UPDATE documents SET handling_id = '{ERASED}' WHERE handling_id {_AMONG}"
)
"""Marks the documents of handlings; they go when it is their turn, with their bytes."""

EVENTS_OF: Final = _by_id(
    """
    SELECT e.id FROM v CROSS JOIN events AS e
    WHERE e.notification_id = v.id AND e.notification_id IS NOT NULL
    """
)
DELIVERIES_OF: Final = _by_id(
    """
    SELECT d.id, d.endpoint_id, d.order_key FROM v CROSS JOIN deliveries AS d
    WHERE d.event_id = v.id
    """
)
FORGET_ATTEMPTS: Final = _by_id(f"DELETE FROM attempts WHERE delivery_id {_AMONG}")
FORGET_DELIVERIES: Final = _by_id(f"DELETE FROM deliveries WHERE id {_AMONG} RETURNING id")
FORGET_ENTRIES: Final = _by_id(
    """
    DELETE FROM feed_entries WHERE (endpoint_id, event_id) IN (
      SELECT f.endpoint_id, v.id FROM v CROSS JOIN feeds AS f
    )
    """
)
FORGET_EVENTS: Final = _by_id(f"DELETE FROM events WHERE id {_AMONG} RETURNING id")
ATTEMPTS: Final = _by_id(
    f"""
    UPDATE attempts SET answer = substr(answer, 1, 0), error = NULL WHERE id {_AMONG} RETURNING id
    """
)
"""Empties answers."""

DELETE_KEYED: Final[Mapping[Keyed, Many]] = {
    **{
        table: _by_id(f"DELETE FROM {table.value} WHERE id {_AMONG} RETURNING id")
        for table in (Keyed.QUARANTINE, Keyed.OPERATIONS, Keyed.DOCUMENTS)
    },
    Keyed.AUDIT: _by_id(
        f"""
        UPDATE audit_log SET changes = '{{}}' WHERE id {_AMONG} RETURNING id
        """
    ),
    Keyed.IDEMPOTENCY_KEYS: _each(
        "DELETE FROM idempotency_keys WHERE key IN (SELECT k0 FROM v) RETURNING key", "text"
    ),
    **{
        table: _each(
            f"DELETE FROM {table.value} WHERE ({names}) IN (SELECT k0, k1, k2 FROM v) "
            f"RETURNING {names.partition(',')[0]}",
            "text",
            "text",
            "text",
        )
        for table, names in (
            (Keyed.MEMORIES, "handler, lane, name"),
            (Keyed.ONCE_KEYS, "handler, lane, once"),
            (Keyed.SIGHTINGS, "type, seller_id, subject"),
        )
    },
}
"""Deletes rows by their keys; of the audit log it empties the changes, and what was done stays."""
