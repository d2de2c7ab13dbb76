"""Sellers' tags and authorisations, what Amazon says of them, and states that came back."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"

_ID = sa.Text().with_variant(sa.TEXT(collation="C"), "postgresql")


def _columns() -> tuple[sa.Column[object], ...]:
    return (
        sa.Column("tags", sa.Text(), nullable=False, server_default=sa.text("'[]'")),
        sa.Column("sealed_given_token", sa.LargeBinary(), nullable=True),
        sa.Column("authorised_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("warned_days", sa.BigInteger(), nullable=True),
        sa.Column("check_due_at_ms", sa.BigInteger(), nullable=False, server_default=sa.text("0")),
        sa.Column("checked_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("check_fault", sa.Text(), nullable=True),
    )


def upgrade() -> None:
    for column in _columns():
        op.add_column("sellers", column)
    active = sa.text("state = 'active'")
    op.create_index(
        "ix_sellers_check_due",
        "sellers",
        ["check_due_at_ms"],
        sqlite_where=active,
        postgresql_where=active,
    )
    op.create_table(
        "used_states",
        sa.Column("id", _ID, nullable=False),
        sa.Column("expires_at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_used_states"),
    )
    op.create_index("ix_used_states_expires_at_ms", "used_states", ["expires_at_ms"])


def downgrade() -> None:
    op.drop_index("ix_used_states_expires_at_ms", "used_states")
    op.drop_table("used_states")
    op.drop_index("ix_sellers_check_due", "sellers")
    for column in reversed(_columns()):
        op.drop_column("sellers", column.name)
