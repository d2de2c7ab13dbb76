"""How far everything is archived as it comes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"

_ID = sa.Text().with_variant(sa.TEXT(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "archive_runs",
        sa.Column("name", _ID, nullable=False),
        sa.Column("cursor", _ID, nullable=False),
        sa.Column("until", _ID, nullable=True),
        sa.Column("claim_token", sa.BigInteger(), nullable=True),
        sa.Column("lease_until_ms", sa.BigInteger(), nullable=True),
        sa.Column("updated_at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_archive_runs"),
    )
    op.create_table(
        "archive_late",
        sa.Column("notification_id", _ID, nullable=False),
        sa.Column("batch", _ID, nullable=True),
        sa.PrimaryKeyConstraint("notification_id", name="pk_archive_late"),
    )


def downgrade() -> None:
    op.drop_table("archive_late")
    op.drop_table("archive_runs")
