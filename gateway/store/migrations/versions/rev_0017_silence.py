"""When what came in last, and what is listened for."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"

_KEY = sa.Text().with_variant(sa.TEXT(collation="C"), "postgresql")


def _key(name: str) -> sa.Column[str]:
    return sa.Column(name, _KEY, nullable=False)


def _ms(name: str, *, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=nullable)


def upgrade() -> None:
    op.create_table(
        "arrivals",
        _key("seller_id"),
        _key("type"),
        _ms("newest_at_ms"),
        sa.PrimaryKeyConstraint("seller_id", "type", name="pk_arrivals"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "silence_watches",
        _key("type"),
        _key("scope"),
        _ms("since_ms"),
        _ms("looked_at_ms"),
        _ms("silent_since_ms", nullable=True),
        _ms("told_at_ms", nullable=True),
        _ms("silent_sellers"),
        sa.PrimaryKeyConstraint("type", "scope", name="pk_silence_watches"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "silent_sellers",
        _key("type"),
        _key("scope"),
        _key("seller_id"),
        _ms("silent_since_ms"),
        sa.PrimaryKeyConstraint("type", "scope", "seller_id", name="pk_silent_sellers"),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    op.drop_table("silent_sellers")
    op.drop_table("silence_watches")
    op.drop_table("arrivals")
