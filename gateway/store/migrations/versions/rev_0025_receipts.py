"""Which messages brought a notification, the first and further ones, and which calls it led to."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"

_ID = sa.Text().with_variant(sa.TEXT(collation="C"), "postgresql")
_WHERE = sa.text("message_id IS NOT NULL")


def upgrade() -> None:
    op.add_column("notifications", sa.Column("message_id", _ID, nullable=True))
    op.add_column("handlings", sa.Column("calls", sa.Text(), nullable=True))
    op.create_table(
        "receipts",
        sa.Column("notification_id", _ID, nullable=False),
        sa.Column("id", _ID, nullable=False),
        sa.Column("message_id", _ID, nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("received_at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("notification_id", "id", name="pk_receipts"),
        sqlite_with_rowid=False,
    )
    for table in ("notifications", "receipts"):
        op.create_index(
            f"ix_{table}_message_id",
            table,
            ["message_id"],
            sqlite_where=_WHERE,
            postgresql_where=_WHERE,
        )


def downgrade() -> None:
    op.drop_table("receipts")
    op.drop_index("ix_notifications_message_id", "notifications")
    op.drop_column("handlings", "calls")
    op.drop_column("notifications", "message_id")
