"""Schedules and jobs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

_KEY = sa.Text().with_variant(sa.TEXT(collation="C"), "postgresql")
_JOBS = sa.text("origin IN ('schedule', 'request')")


def upgrade() -> None:
    op.create_table(
        "schedule_runs",
        sa.Column("schedule", _KEY, nullable=False),
        sa.Column("seller_id", _KEY, nullable=False),
        sa.Column("slot_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("schedule", "seller_id", name="pk_schedule_runs"),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_notifications_jobs",
        "notifications",
        ["id"],
        sqlite_where=_JOBS,
        postgresql_where=_JOBS,
    )


def downgrade() -> None:
    op.drop_index("ix_notifications_jobs", "notifications")
    op.drop_table("schedule_runs")
