"""The tables, as SQLAlchemy metadata: what migrations must arrive at and what cold queries select.

It decides names, types, keys and indexes, for SQLite and PostgreSQL at once. It holds no statement
and opens nothing. Rules kept throughout: times are integer milliseconds since the epoch (`_ms`),
ids are text that sorts by time, and everything that is sorted or sought by prefix is compared byte
by byte on both databases (`COLLATE "C"` on PostgreSQL), so that paging and lane scans agree.

Indexes on rows that change often are partial: only pending and leased rows are in them, so history
costs nothing, and none holds a column that changes with every attempt save the due time itself.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    Index,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
)

from gateway.store.columns import bytes_column as _bytes
from gateway.store.columns import id_column as _id
from gateway.store.columns import metadata
from gateway.store.columns import ms_column as _ms
from gateway.store.columns import partial_index as _partial
from gateway.store.columns import small_column as _small
from gateway.store.columns import text_column as _text
from gateway.store.schema_archiving import archive_late, archive_runs
from gateway.store.schema_erasures import erasures
from gateway.store.schema_jobs import documents, schedule_runs, sightings, sweeps
from gateway.store.schema_operations import operations
from gateway.store.schema_outbox import (
    attempts,
    deliveries,
    endpoint_health,
    endpoint_secrets,
    endpoints,
    endpoints_version,
    events,
)
from gateway.store.schema_receipts import receipts
from gateway.store.schema_references import notification_refs
from gateway.store.schema_retention import retention_left, retention_runs, retention_walks
from gateway.store.schema_sellers import applications, sellers, used_states
from gateway.store.schema_subscriptions import (
    arrivals,
    destinations,
    silence_watches,
    silent_sellers,
    subscription_runs,
    subscription_units,
    subscriptions,
)
from gateway.store.schema_usage import usage_counts

__all__ = [
    "api_keys",
    "applications",
    "archive_late",
    "archive_runs",
    "arrivals",
    "attempts",
    "audit_log",
    "buckets",
    "deliveries",
    "destinations",
    "documents",
    "endpoint_health",
    "endpoint_secrets",
    "endpoints",
    "endpoints_version",
    "erasures",
    "events",
    "feed_consumers",
    "feed_entries",
    "feeds",
    "handlings",
    "idempotency_keys",
    "memories",
    "metadata",
    "notification_refs",
    "notifications",
    "once_keys",
    "operations",
    "quarantine",
    "receipts",
    "retention_left",
    "retention_runs",
    "retention_walks",
    "schedule_runs",
    "schema_floor",
    "sellers",
    "sightings",
    "silence_watches",
    "silent_sellers",
    "subscription_runs",
    "subscription_units",
    "subscriptions",
    "sweeps",
    "usage_counts",
    "used_states",
]

notifications: Final = Table(
    "notifications",
    metadata,
    _id(),
    _text("identity", nullable=False),
    _text("type", nullable=False),
    Column("payload_version", Text, nullable=False),
    _text("seller_id"),
    Column("marketplace_id", Text),
    Column("application_id", Text),
    Column("subscription_id", Text),
    _ms("event_time_ms"),
    _ms("received_at_ms", nullable=False),
    Column("source", Text, nullable=False),
    Column("origin", Text, nullable=False),
    Column("state", Text, nullable=False),
    _bytes("body"),
    Column("body_sealed", Boolean, nullable=False),
    _text("message_id"),
    UniqueConstraint("identity"),
    Index("ix_notifications_seller_id", "seller_id", "id"),
    Index("ix_notifications_type", "type", "id"),
    _partial("ix_notifications_ignored", "id", where="state = 'ignored'"),
    _partial("ix_notifications_jobs", "id", where="origin IN ('schedule', 'request')"),
    _partial("ix_notifications_message_id", "message_id", where="message_id IS NOT NULL"),
)
"""The inbox: every notification once, by `identity`; `message_id` is the SQS message's that brought
it first."""

quarantine: Final = Table(
    "quarantine",
    metadata,
    _id(),
    _text("identity", nullable=False),
    Column("source", Text, nullable=False),
    Column("message_id", Text, nullable=False),
    Column("reason", Text, nullable=False),
    _bytes("body"),
    Column("size_bytes", BigInteger, nullable=False),
    _ms("received_at_ms", nullable=False),
    UniqueConstraint("identity"),
    Index("ix_quarantine_message_id", "message_id"),
)
"""Messages that can't be parsed. What they hold is unknown, so `body` is always sealed."""

handlings: Final = Table(
    "handlings",
    metadata,
    _id(),
    _text("notification_id", nullable=False),
    _text("handler", nullable=False),
    Column("run", BigInteger, nullable=False),
    _text("lane", nullable=False),
    _text("key"),
    Column("coalesces", Boolean, nullable=False),
    Column("state", Text, nullable=False),
    _small("readiness"),
    _ms("due_at_ms", nullable=False),
    Column("slot", Text),
    _small("tries"),
    _small("claims"),
    Column("claim_token", BigInteger),
    _ms("lease_until_ms"),
    _bytes("saved_state", nullable=True),
    Column("error", Text),
    _text("replayed_from"),
    _ms("event_time_ms", nullable=False),
    _ms("created_at_ms", nullable=False),
    _ms("ended_at_ms"),
    _text("coalesced_into"),
    _text("once"),
    _text("operation_id"),
    Column("calls", Text),
    UniqueConstraint("notification_id", "handler", "run"),
    _partial(
        "ix_handlings_ready", "handler", "lane", "id", where="state = 'pending' AND readiness = 2"
    ),
    _partial("ix_handlings_due", "due_at_ms", where="state = 'pending' AND readiness = 1"),
    _partial("ix_handlings_suspect", "id", where="state = 'pending' AND readiness = 3"),
    _partial(
        "ix_handlings_parked",
        "handler",
        "lane",
        "key",
        "event_time_ms",
        "id",
        where="state = 'pending' AND readiness = 0",
    ),
    _partial(
        "uq_handlings_head",
        "handler",
        "lane",
        "key",
        where="key IS NOT NULL AND state IN ('pending', 'leased') AND readiness > 0",
        unique=True,
    ),
    _partial("ix_handlings_leased", "lease_until_ms", where="state = 'leased'"),
    _partial("ix_handlings_dead", "id", where="state = 'dead'"),
    _partial("ix_handlings_dead_notification", "notification_id", where="state = 'dead'"),
    _partial("ix_handlings_coalesced_into", "coalesced_into", where="coalesced_into IS NOT NULL"),
    _partial("ix_handlings_operation", "operation_id", "id", where="operation_id IS NOT NULL"),
    _partial(
        "ix_handlings_under_way",
        "operation_id",
        where="operation_id IS NOT NULL AND state IN ('pending', 'leased')",
    ),
    sqlite_with_rowid=False,
)
"""Notifications owed to handlers.

`lane` is the seller's id, or empty; `event_time_ms` is the notification's, else when it came in.
`readiness` of a pending row: 0 parked behind its key, 1 waits for `due_at_ms`, 2 ready now, 3 a
suspect whose owners died. At most one row of a (handler, lane, key) is pending or leased without
being parked: the key's head. `calls` is what `gateway.calls_made` writes, the newest of all runs.
"""

once_keys: Final = Table(
    "once_keys",
    metadata,
    _id("handler"),
    _id("lane"),
    _id("once"),
    _text("notification_id", nullable=False),
    _ms("taken_at_ms", nullable=False),
    Index("ix_once_keys_taken_at_ms", "taken_at_ms"),
    sqlite_with_rowid=False,
)
"""What was handled once and must not be again, by (handler, lane, `once`)."""

memories: Final = Table(
    "memories",
    metadata,
    _id("handler"),
    _id("lane"),
    _id("name"),
    _bytes("value"),
    Column("day", BigInteger, nullable=False),
    Index("ix_memories_day", "day"),
    sqlite_with_rowid=False,
)
"""What handlers keep of things between handlings; `day` (since the epoch) is that of the last
change, so that most changes leave the index alone."""

api_keys: Final = Table(
    "api_keys",
    metadata,
    _id(),
    Column("name", Text, nullable=False),
    Column("scopes", Text, nullable=False),
    Column("tenant", Text),
    _bytes("digest"),
    _ms("created_at_ms", nullable=False),
    _ms("expires_at_ms"),
    _ms("revoked_at_ms"),
    _ms("last_used_at_ms"),
)
"""Keys of the HTTP API; `digest` is of their secret part, which nobody has but their owner."""

audit_log: Final = Table(
    "audit_log",
    metadata,
    _id(),
    _ms("at_ms", nullable=False),
    _text("actor", nullable=False),
    Column("action", Text, nullable=False),
    _text("object_id"),
    Column("tenant", Text),
    Column("request_id", Text),
    Column("changes", Text, nullable=False),
    Index("ix_audit_log_object_id", "object_id", "id"),
)
"""Who changed what; `changes` is JSON without secrets."""

idempotency_keys: Final = Table(
    "idempotency_keys",
    metadata,
    _id("key"),
    _bytes("fingerprint"),
    _text("event_id", nullable=False),
    Column("deliveries", BigInteger, nullable=False),
    _ms("created_at_ms", nullable=False),
    Index("ix_idempotency_keys_created_at_ms", "created_at_ms"),
)
"""What was published under which `Idempotency-Key`."""

feeds: Final = Table(
    "feeds",
    metadata,
    _id("endpoint_id"),
    Column("last_position", BigInteger, nullable=False),
)
"""The last position that was given in each feed."""

feed_entries: Final = Table(
    "feed_entries",
    metadata,
    _id("endpoint_id"),
    _id("event_id"),
    Column("position", BigInteger),
    _ms("created_at_ms", nullable=False),
    _partial("ix_feed_entries_new", "endpoint_id", "event_id", where="position IS NULL"),
    Index("uq_feed_entries_position", "endpoint_id", "position", unique=True),
    Index("ix_feed_entries_created_at_ms", "created_at_ms"),
    sqlite_with_rowid=False,
)
"""Events that can be pulled. `position` is given when somebody first looks: what was committed late
comes later, instead of being passed over."""

feed_consumers: Final = Table(
    "feed_consumers",
    metadata,
    _id("endpoint_id"),
    _id("name"),
    Column("position", BigInteger, nullable=False),
    _ms("acknowledged_at_ms", nullable=False),
)
"""How far each consumer of a feed has acknowledged."""

buckets: Final = Table(
    "buckets",
    metadata,
    _id("key"),
    Column("tokens", Double, nullable=False),
    _ms("updated_at_ms", nullable=False),
    _ms("next_slot_ms", nullable=False),
    _ms("blocked_until_ms", nullable=False),
    Column("rate_per_s", Double, nullable=False),
    Column("burst", BigInteger, nullable=False),
    Column("plan_rate_per_s", Double, nullable=False),
    Column("plan_burst", BigInteger, nullable=False),
)
"""Usage plans' token buckets. `plan_…` is what the caller stated, `rate_per_s` and `burst` what
Amazon's answers have corrected it to since."""

schema_floor: Final = Table(
    "schema_floor",
    metadata,
    Column("id", SmallInteger, primary_key=True, autoincrement=False),
    Column("revision", Text, nullable=False),
)
"""One row: the oldest revision whose release can work on this schema."""
