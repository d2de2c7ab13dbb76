"""Destinations as they were seen last, and when a run through all sellers was asked for."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"

_KEY = sa.Text().with_variant(sa.TEXT(collation="C"), "postgresql")
_TEXTS = ("name", "kind", "place", "declared", "fault")


def upgrade() -> None:
    op.add_column("subscription_runs", sa.Column("asked_at_ms", sa.BigInteger(), nullable=True))
    op.create_table(
        "destinations",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("region", _KEY, nullable=False),
        sa.Column("application_id", _KEY, nullable=False),
        *(sa.Column(name, sa.Text(), nullable=True) for name in _TEXTS),
        sa.Column("seen_at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", "region", name="pk_destinations"),
    )


def downgrade() -> None:
    op.drop_table("destinations")
    op.drop_column("subscription_runs", "asked_at_ms")
