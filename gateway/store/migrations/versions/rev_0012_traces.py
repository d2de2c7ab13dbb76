"""Indexes by which the story of one thing is found."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"

_PARTIAL = (
    ("ix_handlings_key", "handlings", ["key", "id"], "key IS NOT NULL"),
    ("ix_events_notification_id", "events", ["notification_id"], "notification_id IS NOT NULL"),
)


def upgrade() -> None:
    for name, table, columns, condition in _PARTIAL:
        where = sa.text(condition)
        op.create_index(name, table, columns, sqlite_where=where, postgresql_where=where)
    op.create_index("ix_quarantine_message_id", "quarantine", ["message_id"])


def downgrade() -> None:
    op.drop_index("ix_quarantine_message_id", "quarantine")
    for name, table, _, _ in _PARTIAL:
        op.drop_index(name, table)
