"""The tables of `schema` about Amazon's side: subscriptions, and how each seller's stand."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, Index, Table, Text

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
)
"""The run through all sellers that goes on, or was the last; one row."""
