"""Erasures, and documents found by the handling that stored them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"

_ID = sa.Text().with_variant(sa.TEXT(collation="C"), "postgresql")


def _ms(name: str, *, nullable: bool = True) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=nullable)


def upgrade() -> None:
    op.create_table(
        "erasures",
        sa.Column("id", _ID, nullable=False),
        sa.Column("subject_kind", sa.Text(), nullable=False),
        sa.Column("sealed_subject", sa.LargeBinary(), nullable=True),
        sa.Column("archives", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("cursor", sa.Text(), nullable=False),
        sa.Column("report", sa.Text(), nullable=False),
        sa.Column("last_error", sa.Text(), nullable=True),
        _ms("created_at_ms", nullable=False),
        _ms("updated_at_ms", nullable=False),
        _ms("ended_at_ms"),
        _ms("claim_token"),
        _ms("lease_until_ms"),
        sa.PrimaryKeyConstraint("id", name="pk_erasures"),
    )
    where = sa.text("state = 'running'")
    op.create_index(
        "ix_erasures_running", "erasures", ["id"], sqlite_where=where, postgresql_where=where
    )
    op.create_index("ix_documents_handling_id", "documents", ["handling_id"])


def downgrade() -> None:
    op.drop_index("ix_documents_handling_id", "documents")
    op.drop_table("erasures")
