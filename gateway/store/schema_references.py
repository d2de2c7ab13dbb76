"""The table of `schema` that notifications are found by: orders, SKUs, reports, documents."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, Table, Text

from gateway.store.columns import id_column as _id
from gateway.store.columns import metadata

notification_refs: Final = Table(
    "notification_refs",
    metadata,
    Column("week", BigInteger, primary_key=True, autoincrement=False, nullable=False),
    Column("kind", Text, primary_key=True, nullable=False),
    _id("value"),
    _id("notification_id"),
    sqlite_with_rowid=False,
)
"""What notifications are about, as `gateway.identifiers` reads it.

`week` (since the epoch) is that of the notification's id. It comes first, so that rows are written
close to each other, however many lie behind, and old ones are deleted week by week.
"""
