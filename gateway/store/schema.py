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
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects import postgresql

metadata: Final = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)

_Key: Final = Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")


def _id(name: str = "id", *, primary_key: bool = True) -> Column[str]:
    return Column(name, _Key, primary_key=primary_key, nullable=False)


def _ms(name: str, *, nullable: bool = True) -> Column[int]:
    return Column(name, BigInteger, nullable=nullable)


def _text(name: str, *, nullable: bool = True) -> Column[str]:
    return Column(name, _Key, nullable=nullable)


def _bytes(name: str, *, nullable: bool = False) -> Column[bytes]:
    return Column(name, LargeBinary, nullable=nullable)


def _small(name: str) -> Column[int]:
    return Column(name, SmallInteger, nullable=False, server_default=text("0"))


def _partial(name: str, *columns: str, where: str, unique: bool = False) -> Index:
    condition = text(where)
    return Index(name, *columns, unique=unique, sqlite_where=condition, postgresql_where=condition)


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
    UniqueConstraint("identity"),
)
"""The inbox: every notification once, by `identity`."""

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
    UniqueConstraint("notification_id", "handler", "run"),
    _partial(
        "ix_handlings_ready", "handler", "lane", "id", where="state = 'pending' AND readiness = 2"
    ),
    _partial("ix_handlings_due", "due_at_ms", where="state = 'pending' AND readiness = 1"),
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
    sqlite_with_rowid=False,
)
"""Notifications owed to handlers.

`lane` is the seller's id, or empty; `event_time_ms` is the notification's, else when it came in.
`readiness` of a pending row: 0 parked behind its key, 1 waits for `due_at_ms`, 2 ready now. At most
one row of a (handler, lane, key) is pending or leased without being parked: the key's head.
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

events: Final = Table(
    "events",
    metadata,
    _id(),
    _text("type", nullable=False),
    _ms("occurred_at_ms", nullable=False),
    _text("seller_id"),
    Column("marketplace_id", Text),
    _text("notification_id"),
    _text("handling_id"),
    _text("replayed_from"),
    _bytes("body"),
    _ms("created_at_ms", nullable=False),
)
"""Published events; `body` stands here once and is what every attempt sends."""

endpoints: Final = Table(
    "endpoints",
    metadata,
    _id(),
    Column("url", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("event_types", Text, nullable=False),
    Column("seller_ids", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("disabled_reason", Text),
    Column("concurrency", BigInteger, nullable=False),
    Column("timeout_s", Double),
    Column("schedule_s", Text),
    Column("headers", Text, nullable=False),
    _ms("created_at_ms", nullable=False),
    _ms("updated_at_ms", nullable=False),
    _partial("ix_endpoints_disabled", "id", where="state = 'disabled'"),
)
"""Customers' URLs; lists and maps are JSON text."""

endpoint_secrets: Final = Table(
    "endpoint_secrets",
    metadata,
    _id(),
    _text("endpoint_id", nullable=False),
    Column("kind", Text, nullable=False),
    _bytes("sealed_key"),
    _ms("created_at_ms", nullable=False),
    _ms("expires_at_ms"),
    Index("ix_endpoint_secrets_endpoint_id", "endpoint_id"),
)
"""Signing keys, sealed."""

endpoint_health: Final = Table(
    "endpoint_health",
    metadata,
    _id("endpoint_id"),
    Column("consecutive_failures", BigInteger, nullable=False, server_default=text("0")),
    _ms("first_failure_at_ms"),
    _ms("last_success_at_ms"),
    _ms("paused_until_ms"),
)
"""How each endpoint has answered lately; a row lives as long as its endpoint."""

endpoints_version: Final = Table(
    "endpoints_version",
    metadata,
    Column("id", SmallInteger, primary_key=True, autoincrement=False),
    Column("version", BigInteger, nullable=False),
)
"""One row, whose version is another number after each change of endpoints or secrets."""

deliveries: Final = Table(
    "deliveries",
    metadata,
    _id(),
    _text("event_id", nullable=False),
    _text("endpoint_id", nullable=False),
    Column("state", Text, nullable=False),
    _small("readiness"),
    _ms("due_at_ms", nullable=False),
    _small("attempts"),
    _small("claims"),
    Column("claim_token", BigInteger),
    _ms("lease_until_ms"),
    _ms("created_at_ms", nullable=False),
    _ms("ended_at_ms"),
    Index("ix_deliveries_event_id", "event_id"),
    _partial(
        "ix_deliveries_ready", "endpoint_id", "id", where="state = 'pending' AND readiness = 2"
    ),
    _partial("ix_deliveries_due", "due_at_ms", where="state = 'pending' AND readiness = 1"),
    _partial("ix_deliveries_leased", "lease_until_ms", where="state = 'leased'"),
    _partial("ix_deliveries_held", "endpoint_id", "id", where="state = 'held'"),
    _partial("ix_deliveries_dead", "id", where="state = 'dead'"),
    sqlite_with_rowid=False,
)
"""Events owed to endpoints; narrow, because it is written most."""

attempts: Final = Table(
    "attempts",
    metadata,
    _id(),
    _text("delivery_id", nullable=False),
    _text("endpoint_id", nullable=False),
    Column("number", BigInteger, nullable=False),
    _ms("started_at_ms", nullable=False),
    _ms("duration_ms", nullable=False),
    Column("status", BigInteger),
    Column("error_class", Text),
    Column("error", Text),
    _bytes("answer"),
    Column("address", Text),
    Column("charged", Boolean, nullable=False),
    _ms("next_due_ms"),
    Index("ix_attempts_delivery_id", "delivery_id"),
)
"""Requests made for deliveries."""

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

applications: Final = Table(
    "applications",
    metadata,
    _id(),
    Column("client_id", Text, nullable=False),
    _bytes("sealed_client_secret"),
)
"""SP-API applications."""

sellers: Final = Table(
    "sellers",
    metadata,
    _id(),
    _id("region"),
    _text("application_id", nullable=False),
    _bytes("sealed_refresh_token"),
    Column("marketplace_ids", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("paused_reason", Text),
)
"""Authorisations: one seller in one region."""

subscriptions: Final = Table(
    "subscriptions",
    metadata,
    _id(),
    Column("application_id", Text),
    _text("seller_id", nullable=False),
    Column("type", Text),
)
"""Amazon's subscription ids, for notifications that name no seller."""

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
