"""What is handled once, and what handlers remember."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_KEY = sa.Text().with_variant(sa.TEXT(collation="C"), "postgresql")


def upgrade() -> None:
    op.add_column("handlings", sa.Column("once", _KEY, nullable=True))
    op.create_table(
        "once_keys",
        sa.Column("handler", _KEY, nullable=False),
        sa.Column("lane", _KEY, nullable=False),
        sa.Column("once", _KEY, nullable=False),
        sa.Column("notification_id", _KEY, nullable=False),
        sa.Column("taken_at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("handler", "lane", "once", name="pk_once_keys"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_once_keys_taken_at_ms", "once_keys", ["taken_at_ms"])
    op.create_table(
        "memories",
        sa.Column("handler", _KEY, nullable=False),
        sa.Column("lane", _KEY, nullable=False),
        sa.Column("name", _KEY, nullable=False),
        sa.Column("value", sa.LargeBinary(), nullable=False),
        sa.Column("day", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("handler", "lane", "name", name="pk_memories"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_memories_day", "memories", ["day"])


def downgrade() -> None:
    op.drop_table("memories")
    op.drop_table("once_keys")
    op.drop_column("handlings", "once")
