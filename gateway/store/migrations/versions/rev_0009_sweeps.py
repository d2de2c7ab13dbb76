"""Sweeps, and what came in of the types that are swept."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

_KEY = sa.Text().with_variant(sa.TEXT(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "sightings",
        sa.Column("type", _KEY, nullable=False),
        sa.Column("seller_id", _KEY, nullable=False),
        sa.Column("subject", _KEY, nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("type", "seller_id", "subject", name="pk_sightings"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_sightings_day", "sightings", ["day"])
    op.create_table(
        "sweeps",
        sa.Column("seller_id", _KEY, nullable=False),
        sa.Column("type", _KEY, nullable=False),
        sa.Column("swept_to_ms", sa.BigInteger(), nullable=False),
        sa.Column("ended_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("checked", sa.BigInteger(), nullable=False),
        sa.Column("found", sa.BigInteger(), nullable=False),
        sa.Column("found_total", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("seller_id", "type", name="pk_sweeps"),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    op.drop_table("sweeps")
    op.drop_table("sightings")
