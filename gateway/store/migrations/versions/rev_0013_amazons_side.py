"""What is known of Amazon's side: subscriptions in full, and how each seller's stand."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"

_KEY = sa.Text().with_variant(sa.TEXT(collation="C"), "postgresql")
_TEXTS = ("region", "payload_version", "destination_id", "directive")
_TIMES = ("managed_since_ms", "seen_at_ms", "gone_at_ms")


def upgrade() -> None:
    for name in _TEXTS:
        op.add_column("subscriptions", sa.Column(name, sa.Text(), nullable=True))
    for name in _TIMES:
        op.add_column("subscriptions", sa.Column(name, sa.BigInteger(), nullable=True))
    op.create_index("ix_subscriptions_seller_id", "subscriptions", ["seller_id"])
    op.create_table(
        "subscription_units",
        sa.Column("seller_id", _KEY, nullable=False),
        sa.Column("region", _KEY, nullable=False),
        sa.Column("type", _KEY, nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("settled_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("looked_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("gap_since_ms", sa.BigInteger(), nullable=True),
        sa.Column("fault", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("seller_id", "region", "type", name="pk_subscription_units"),
    )
    op.create_table(
        "subscription_runs",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("lease_until_ms", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("started_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("ended_at_ms", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_subscription_runs"),
    )


def downgrade() -> None:
    op.drop_table("subscription_runs")
    op.drop_table("subscription_units")
    op.drop_index("ix_subscriptions_seller_id", "subscriptions")
    for name in (*_TIMES, *_TEXTS):
        op.drop_column("subscriptions", name)
