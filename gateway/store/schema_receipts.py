"""The table of `schema` that holds what came in more than once."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, Table, Text

from gateway.store.columns import id_column as _id
from gateway.store.columns import metadata
from gateway.store.columns import ms_column as _ms
from gateway.store.columns import partial_index as _partial
from gateway.store.columns import text_column as _text

receipts: Final = Table(
    "receipts",
    metadata,
    _id("notification_id"),
    _id(),
    _text("message_id"),
    Column("source", Text, nullable=False),
    Column("origin", Text, nullable=False),
    _ms("received_at_ms", nullable=False),
    _partial("ix_receipts_message_id", "message_id", where="message_id IS NOT NULL"),
    sqlite_with_rowid=False,
)
"""Further receipts of a notification that were recognised as duplicates, the first ones of each.

The first receipt is the notification itself. `id` is the one that the arrival would have had.
"""
