"""The tables of `schema` about Amazon's side: subscriptions, how they stand, and what came last."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, Index, Table, Text

from gateway.store.columns import id_column as _id
from gateway.store.columns import metadata
from gateway.store.columns import ms_column as _ms
from gateway.store.columns import text_column as _text

subscriptions: Final = Table(
    "subscriptions",
    metadata,
    _id(),
    Column("application_id", Text),
    _text("seller_id", nullable=False),
    Column("type", Text),
    Column("region", Text),
    Column("payload_version", Text),
    Column("destination_id", Text),
    Column("directive", Text),
    _ms("managed_since_ms"),
    _ms("seen_at_ms"),
    _ms("gone_at_ms"),
    Index("ix_subscriptions_seller_id", "seller_id"),
)
"""Amazon's subscription ids, for notifications that name no seller. One that is gone stays: its
notifications may still be on their way. `managed_since_ms` is null where nobody declared it;
`directive` is JSON."""

subscription_units: Final = Table(
    "subscription_units",
    metadata,
    _id("seller_id"),
    _id("region"),
    _id("type"),
    Column("digest", Text, nullable=False),
    _ms("settled_at_ms"),
    _ms("looked_at_ms"),
    _ms("gap_since_ms"),
    Column("fault", Text),
)
"""How each seller's subscriptions to a type stand: `digest` is of the declaration that was settled
last, `gap_since_ms` is set from before an old one is deleted until the new one is there."""

subscription_runs: Final = Table(
    "subscription_runs",
    metadata,
    _id(),
    Column("owner", Text, nullable=False),
    _ms("lease_until_ms", nullable=False),
    Column("digest", Text, nullable=False),
    _ms("started_at_ms", nullable=False),
    _ms("ended_at_ms"),
    _ms("asked_at_ms"),
)
"""The run through all sellers that goes on, or was the last; one row. `asked_at_ms` is when another
one was asked for."""

destinations: Final = Table(
    "destinations",
    metadata,
    _id(),
    _id("region"),
    _text("application_id", nullable=False),
    Column("name", Text),
    Column("kind", Text),
    Column("place", Text),
    Column("declared", Text),
    Column("fault", Text),
    _ms("seen_at_ms", nullable=False),
)
"""Amazon's destinations as they were seen last. One that is declared and does not exist has an id
of ours, and its `fault`."""

arrivals: Final = Table(
    "arrivals",
    metadata,
    _id("seller_id"),
    _id("type"),
    _ms("newest_at_ms", nullable=False),
    sqlite_with_rowid=False,
)
"""When the newest notification of a type came in; `seller_id` is empty for that of all sellers. A
time may be a little older than the truth: ingest notes it once in a while only."""

silence_watches: Final = Table(
    "silence_watches",
    metadata,
    _id("type"),
    _id("scope"),
    _ms("since_ms", nullable=False),
    _ms("looked_at_ms", nullable=False),
    _ms("silent_since_ms"),
    _ms("told_at_ms"),
    Column("silent_sellers", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
"""What is listened for: a type, of the sellers of `scope`. No silence is longer than since
`since_ms`; `silent_since_ms` is set while nothing comes of any of them, `told_at_ms` is when single
sellers were told of last."""

silent_sellers: Final = Table(
    "silent_sellers",
    metadata,
    _id("type"),
    _id("scope"),
    _id("seller_id"),
    _ms("silent_since_ms", nullable=False),
    sqlite_with_rowid=False,
)
"""Single sellers of whom nothing of a type comes, while something comes of others."""
