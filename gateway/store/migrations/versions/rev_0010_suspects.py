"""Indexes of rows whose owners died with them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

_SUSPECT = sa.text("state = 'pending' AND readiness = 3")


def upgrade() -> None:
    for table in ("handlings", "deliveries"):
        op.create_index(
            f"ix_{table}_suspect",
            table,
            ["id"],
            sqlite_where=_SUSPECT,
            postgresql_where=_SUSPECT,
        )


def downgrade() -> None:
    for table in ("handlings", "deliveries"):
        op.drop_index(f"ix_{table}_suspect", table)
