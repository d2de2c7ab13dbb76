"""What a handling took along is found by its id."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"

_WHERE = sa.text("coalesced_into IS NOT NULL")


def upgrade() -> None:
    op.create_index(
        "ix_handlings_coalesced_into",
        "handlings",
        ["coalesced_into"],
        sqlite_where=_WHERE,
        postgresql_where=_WHERE,
    )


def downgrade() -> None:
    op.drop_index("ix_handlings_coalesced_into", "handlings")
