"""The tables of `schema` that say how far everything is archived as it comes."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, Table

from gateway.store.columns import id_column as _id
from gateway.store.columns import metadata
from gateway.store.columns import ms_column as _ms
from gateway.store.columns import text_column as _text

archive_runs: Final = Table(
    "archive_runs",
    metadata,
    _id("name"),
    _text("cursor", nullable=False),
    _text("until"),
    Column("claim_token", BigInteger),
    _ms("lease_until_ms"),
    _ms("updated_at_ms", nullable=False),
)
"""One row, from the day on which it is switched on. All up to `cursor` is archived; `until` is the
last of the window that is being written, so that it is written again exactly so after a kill."""

archive_late: Final = Table(
    "archive_late",
    metadata,
    _id("notification_id"),
    _text("batch"),
)
"""Notifications, and messages in quarantine, that were committed long after their ids were made,
perhaps behind the cursor; they are archived by themselves. `batch` names the window that is being
written."""
