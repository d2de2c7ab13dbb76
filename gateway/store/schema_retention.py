"""The tables of `schema` about what is kept: how far each walk has come, and what it left."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, SmallInteger, Table

from gateway.store.columns import id_column as _id
from gateway.store.columns import metadata
from gateway.store.columns import ms_column as _ms
from gateway.store.columns import text_column as _text

retention_walks: Final = Table(
    "retention_walks",
    metadata,
    _id("walk"),
    _text("cursor", nullable=False),
    Column("rows", BigInteger, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    _ms("oldest_ms"),
    _ms("measured_at_ms"),
)
"""How far each walk has come, and how much of its kind there was when it was measured last."""

retention_left: Final = Table(
    "retention_left",
    metadata,
    _id("walk"),
    _id("id"),
    sqlite_with_rowid=False,
)
"""What walks passed over because it had not ended; each run looks at these again."""

retention_runs: Final = Table(
    "retention_runs",
    metadata,
    Column("id", SmallInteger, primary_key=True, autoincrement=False),
    Column("token", BigInteger, nullable=False),
    _ms("lease_until_ms", nullable=False),
    _ms("started_at_ms", nullable=False),
    _ms("ended_at_ms"),
)
"""The run that goes on, or was the last; one row."""
