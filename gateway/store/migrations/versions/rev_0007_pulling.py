"""Endpoints whose events are pulled, and the last position of each feed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

_KEY = sa.Text().with_variant(sa.TEXT(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "feeds",
        sa.Column("endpoint_id", _KEY, nullable=False),
        sa.Column("last_position", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("endpoint_id", name="pk_feeds"),
    )
    op.add_column(
        "endpoints",
        sa.Column("transport", sa.Text(), server_default=sa.text("'push'"), nullable=False),
    )


def downgrade() -> None:
    op.drop_column("endpoints", "transport")
    op.drop_table("feeds")
