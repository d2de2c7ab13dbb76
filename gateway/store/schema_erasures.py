"""The table of `schema` that holds erasures: of whom, how far, and the report."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, Table, Text

from gateway.store.columns import bytes_column as _bytes
from gateway.store.columns import id_column as _id
from gateway.store.columns import metadata
from gateway.store.columns import ms_column as _ms
from gateway.store.columns import partial_index as _partial

erasures: Final = Table(
    "erasures",
    metadata,
    _id(),
    Column("subject_kind", Text, nullable=False),
    _bytes("sealed_subject", nullable=True),
    Column("archives", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("cursor", Text, nullable=False),
    Column("report", Text, nullable=False),
    Column("last_error", Text),
    _ms("created_at_ms", nullable=False),
    _ms("updated_at_ms", nullable=False),
    _ms("ended_at_ms"),
    Column("claim_token", BigInteger),
    _ms("lease_until_ms"),
    _partial("ix_erasures_running", "id", where="state = 'running'"),
)
"""What was asked to be erased. `sealed_subject` says whom it is about and goes when it has ended;
`archives` and `report` are JSON. `cursor` moves in the transaction that erases what lies before
it."""
