"""What notifications are found by: orders, SKUs, reports, feeds, documents.

Handlings were found by their keys before, for the sake of orders alone.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"

_ID = sa.Text().with_variant(sa.TEXT(collation="C"), "postgresql")
_KEYED = sa.text("key IS NOT NULL")


def upgrade() -> None:
    op.create_table(
        "notification_refs",
        sa.Column("week", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("value", _ID, nullable=False),
        sa.Column("notification_id", _ID, nullable=False),
        sa.PrimaryKeyConstraint(
            "week", "kind", "value", "notification_id", name="pk_notification_refs"
        ),
        sqlite_with_rowid=False,
    )
    op.drop_index("ix_handlings_key", "handlings")


def downgrade() -> None:
    op.create_index(
        "ix_handlings_key",
        "handlings",
        ["key", "id"],
        sqlite_where=_KEYED,
        postgresql_where=_KEYED,
    )
    op.drop_table("notification_refs")
