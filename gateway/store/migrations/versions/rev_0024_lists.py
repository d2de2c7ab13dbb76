"""Indexes by which large lists are filtered, and replays find what they select."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"

_INDEXES = (
    ("ix_notifications_seller_id", "notifications", ["seller_id", "id"]),
    ("ix_notifications_type", "notifications", ["type", "id"]),
    ("ix_events_seller_id", "events", ["seller_id", "id"]),
    ("ix_events_type", "events", ["type", "id"]),
    ("ix_deliveries_endpoint_id", "deliveries", ["endpoint_id", "id"]),
)
_PARTIAL = (
    ("ix_notifications_ignored", "notifications", ["id"], "state = 'ignored'"),
    ("ix_handlings_dead_notification", "handlings", ["notification_id"], "state = 'dead'"),
)


def upgrade() -> None:
    for name, table, columns in _INDEXES:
        op.create_index(name, table, columns)
    for name, table, columns, condition in _PARTIAL:
        where = sa.text(condition)
        op.create_index(name, table, columns, sqlite_where=where, postgresql_where=where)


def downgrade() -> None:
    for name, table, _, _ in reversed(_PARTIAL):
        op.drop_index(name, table)
    for name, table, _ in reversed(_INDEXES):
        op.drop_index(name, table)
