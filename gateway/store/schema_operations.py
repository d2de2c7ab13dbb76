"""The table of `schema` that holds operations: bulk actions with their progress."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, Double, Table, Text, text

from gateway.store.columns import id_column as _id
from gateway.store.columns import metadata
from gateway.store.columns import ms_column as _ms
from gateway.store.columns import partial_index as _partial
from gateway.store.columns import text_column as _text


def _count(name: str) -> Column[int]:
    return Column(name, BigInteger, nullable=False, server_default=text("0"))


operations: Final = Table(
    "operations",
    metadata,
    _id(),
    Column("kind", Text, nullable=False),
    Column("selection", Text, nullable=False),
    Column("state", Text, nullable=False),
    _text("cursor", nullable=False),
    Column("rate_per_s", Double),
    Column("concurrency", BigInteger, nullable=False),
    _count("looked"),
    _count("done"),
    _count("skipped"),
    Column("last_error", Text),
    _ms("paced_at_ms", nullable=False),
    _ms("created_at_ms", nullable=False),
    _ms("updated_at_ms", nullable=False),
    _ms("ended_at_ms"),
    Column("claim_token", BigInteger),
    _ms("lease_until_ms"),
    _partial("ix_operations_running", "id", where="state = 'running'"),
)
"""Bulk actions; `selection` is JSON. `cursor` moves in the very transaction that does what lies
before it, so nothing is done twice and nothing passed over, whenever the process dies."""
