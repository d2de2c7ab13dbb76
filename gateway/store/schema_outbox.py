"""The tables of `schema` that hold what goes out: events, endpoints, deliveries and attempts."""

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
    text,
)

from gateway.store.columns import bytes_column as _bytes
from gateway.store.columns import flag_column as _flag
from gateway.store.columns import id_column as _id
from gateway.store.columns import metadata
from gateway.store.columns import ms_column as _ms
from gateway.store.columns import partial_index as _partial
from gateway.store.columns import small_column as _small
from gateway.store.columns import text_column as _text

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
    _text("order_key"),
    _bytes("thin_body", nullable=True),
    _flag("operational"),
    Index("ix_events_seller_id", "seller_id", "id"),
    Index("ix_events_type", "type", "id"),
    _partial("ix_events_notification_id", "notification_id", where="notification_id IS NOT NULL"),
)
"""Published events. `body` stands here once and is what every attempt sends, byte for byte;
`thin_body` likewise, made only where an endpoint takes the thin form."""

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
    Column("tags", Text, nullable=False, server_default=text("'[]'")),
    Column("metadata", Text, nullable=False, server_default=text("'{}'")),
    Column("marketplace_ids", Text, nullable=False, server_default=text("'[]'")),
    Column("body_filter", Text),
    Column("payload", Text, nullable=False, server_default=text("'full'")),
    _bytes("sealed_credentials", nullable=True),
    Column("max_age_s", Double),
    Column("rate_per_s", Double),
    Column("burst", BigInteger, nullable=False, server_default=text("1")),
    _flag("ordered"),
    Column("order_max_wait_s", Double),
    _flag("operator"),
    _text("tenant"),
    Column("transport", Text, nullable=False, server_default=text("'push'")),
    _partial("ix_endpoints_disabled", "id", where="state = 'disabled'"),
    _partial("ix_endpoints_tenant", "tenant", "id", where="tenant IS NOT NULL"),
)
"""Customers' URLs; lists and maps are JSON text, credentials sealed JSON."""

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
    _ms("open_until_ms"),
    Column("openings", BigInteger, nullable=False, server_default=text("0")),
    _small("warnings"),
    Column("tokens", Double),
    _ms("tokens_at_ms"),
)
"""How each endpoint has answered lately; a row lives as long as its endpoint.

`open_until_ms` is set while the breaker is open: until then nothing is sent, then one probe;
`openings` is how many times in a row it opened. `warnings` counts the early ones since the first
failure. `tokens` is what the rate's bucket held at `tokens_at_ms`; NULL for a full one.
"""

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
    _text("order_key"),
    _flag("thin"),
    _small("attempts_before"),
    _ms("resent_at_ms"),
    Column("reason", Text),
    Index("ix_deliveries_event_id", "event_id"),
    Index("ix_deliveries_endpoint_id", "endpoint_id", "id"),
    _partial(
        "ix_deliveries_ready", "endpoint_id", "id", where="state = 'pending' AND readiness = 2"
    ),
    _partial("ix_deliveries_due", "due_at_ms", where="state = 'pending' AND readiness = 1"),
    _partial("ix_deliveries_suspect", "id", where="state = 'pending' AND readiness = 3"),
    _partial(
        "ix_deliveries_parked",
        "endpoint_id",
        "order_key",
        "id",
        where="state = 'pending' AND readiness = 0",
    ),
    _partial(
        "uq_deliveries_head",
        "endpoint_id",
        "order_key",
        where="order_key IS NOT NULL AND state IN ('pending', 'leased') AND readiness > 0",
        unique=True,
    ),
    _partial("ix_deliveries_leased", "lease_until_ms", where="state = 'leased'"),
    _partial("ix_deliveries_held", "endpoint_id", "id", where="state = 'held'"),
    _partial("ix_deliveries_dead", "id", where="state = 'dead'"),
    sqlite_with_rowid=False,
)
"""Events owed to endpoints; narrow, because it is written most.

`order_key` is set while the delivery stands in a row of its key's; `readiness` means what it means
for handlings, so of an (endpoint, key) at most one is not parked. `attempts_before` are those made
before it was last sent again by hand, at `resent_at_ms`: the schedule counts from there. `reason`
says why it is dead or held where no attempt does.
"""

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
    Column("next_reason", Text),
    Column("signature", Text),
    Column("sent_headers", Text),
    _ms("dns_ms"),
    _ms("connect_ms"),
    _ms("tls_ms"),
    _ms("first_byte_ms"),
    Index("ix_attempts_delivery_id", "delivery_id"),
)
"""Requests made for deliveries. What every request has alike is not stored: `sent_headers` holds
the endpoint's own, credentials masked, as JSON text, or NULL for none."""
