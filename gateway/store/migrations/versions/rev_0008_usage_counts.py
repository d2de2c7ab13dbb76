"""Counts of calls to Amazon."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

_KEY = sa.Text().with_variant(sa.TEXT(collation="C"), "postgresql")
_NAMES = ("day", "application_id", "region", "seller_id", "operation", "method", "outcome")


def upgrade() -> None:
    op.create_table(
        "usage_counts",
        *(sa.Column(name, _KEY, nullable=False) for name in _NAMES),
        sa.Column("calls", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(*_NAMES, name="pk_usage_counts"),
    )


def downgrade() -> None:
    op.drop_table("usage_counts")
