"""The tables of `schema` that hold what jobs work with: schedules, sweeps, documents."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, Index, Table, Text

from gateway.store.columns import bytes_column as _bytes
from gateway.store.columns import id_column as _id
from gateway.store.columns import metadata
from gateway.store.columns import ms_column as _ms
from gateway.store.columns import text_column as _text

schedule_runs: Final = Table(
    "schedule_runs",
    metadata,
    _id("schedule"),
    _id("seller_id"),
    _ms("slot_ms", nullable=False),
    sqlite_with_rowid=False,
)
"""The last slot of each schedule and seller that was requested."""

sightings: Final = Table(
    "sightings",
    metadata,
    _id("type"),
    _id("seller_id"),
    _id("subject"),
    _ms("at_ms", nullable=False),
    Column("day", BigInteger, nullable=False),
    Index("ix_sightings_day", "day"),
    sqlite_with_rowid=False,
)
"""What came in of the types that are swept, with the time of the newest change."""

sweeps: Final = Table(
    "sweeps",
    metadata,
    _id("seller_id"),
    _id("type"),
    _ms("swept_to_ms", nullable=False),
    _ms("ended_at_ms", nullable=False),
    Column("checked", BigInteger, nullable=False),
    Column("found", BigInteger, nullable=False),
    Column("found_total", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
"""How far each seller and type was swept, and what was missing."""

documents: Final = Table(
    "documents",
    metadata,
    _id(),
    Column("name", Text, nullable=False),
    Column("content_type", Text, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("sha256", Text, nullable=False),
    _text("seller_id"),
    _text("handling_id", nullable=False),
    Column("place", Text, nullable=False),
    _bytes("sealed_key", nullable=True),
    _ms("created_at_ms", nullable=False),
    Index("ix_documents_created_at_ms", "created_at_ms"),
    Index("ix_documents_handling_id", "handling_id"),
)
"""What handlers stored; the bytes lie at `place` in the backend, sealed with `sealed_key`."""
