"""Operations, and the handlings that they make."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"

_ID = sa.Text().with_variant(sa.TEXT(collation="C"), "postgresql")
_PARTIAL = (
    ("ix_operations_running", "operations", ["id"], "state = 'running'"),
    (
        "ix_handlings_operation",
        "handlings",
        ["operation_id", "id"],
        "operation_id IS NOT NULL",
    ),
    (
        "ix_handlings_under_way",
        "handlings",
        ["operation_id"],
        "operation_id IS NOT NULL AND state IN ('pending', 'leased')",
    ),
)


def _ms(name: str, *, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=nullable)


def upgrade() -> None:
    op.add_column("handlings", sa.Column("operation_id", _ID, nullable=True))
    op.create_table(
        "operations",
        sa.Column("id", _ID, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("selection", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("cursor", _ID, nullable=False),
        sa.Column("rate_per_s", sa.Double(), nullable=True),
        sa.Column("concurrency", sa.BigInteger(), nullable=False),
        *(
            sa.Column(name, sa.BigInteger(), nullable=False, server_default=sa.text("0"))
            for name in ("looked", "done", "skipped")
        ),
        sa.Column("last_error", sa.Text(), nullable=True),
        _ms("paced_at_ms"),
        _ms("created_at_ms"),
        _ms("updated_at_ms"),
        _ms("ended_at_ms", nullable=True),
        _ms("claim_token", nullable=True),
        _ms("lease_until_ms", nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_operations"),
    )
    for name, table, columns, condition in _PARTIAL:
        where = sa.text(condition)
        op.create_index(name, table, columns, sqlite_where=where, postgresql_where=where)


def downgrade() -> None:
    for name, table, _, _ in reversed(_PARTIAL):
        op.drop_index(name, table)
    op.drop_table("operations")
    op.drop_column("handlings", "operation_id")
