"""API keys, the audit log, idempotency keys, and feeds that are pulled."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_KEY = sa.Text().with_variant(sa.TEXT(collation="C"), "postgresql")


def upgrade() -> None:
    _create_access()
    _create_feeds()


def downgrade() -> None:
    for table in ("feed_consumers", "feed_entries", "idempotency_keys", "audit_log", "api_keys"):
        op.drop_table(table)


def _create_access() -> None:
    op.create_table(
        "api_keys",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("tenant", sa.Text(), nullable=True),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("created_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("expires_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("revoked_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("last_used_at_ms", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_api_keys"),
    )
    op.create_table(
        "audit_log",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("actor", _KEY, nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("object_id", _KEY, nullable=True),
        sa.Column("tenant", sa.Text(), nullable=True),
        sa.Column("request_id", sa.Text(), nullable=True),
        sa.Column("changes", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit_log"),
    )
    op.create_index("ix_audit_log_object_id", "audit_log", ["object_id", "id"])
    op.create_table(
        "idempotency_keys",
        sa.Column("key", _KEY, nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("event_id", _KEY, nullable=False),
        sa.Column("deliveries", sa.BigInteger(), nullable=False),
        sa.Column("created_at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_idempotency_keys"),
    )
    op.create_index("ix_idempotency_keys_created_at_ms", "idempotency_keys", ["created_at_ms"])


def _create_feeds() -> None:
    op.create_table(
        "feed_entries",
        sa.Column("endpoint_id", _KEY, nullable=False),
        sa.Column("event_id", _KEY, nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=True),
        sa.Column("created_at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("endpoint_id", "event_id", name="pk_feed_entries"),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_feed_entries_new",
        "feed_entries",
        ["endpoint_id", "event_id"],
        sqlite_where=sa.text("position IS NULL"),
        postgresql_where=sa.text("position IS NULL"),
    )
    op.create_index(
        "uq_feed_entries_position", "feed_entries", ["endpoint_id", "position"], unique=True
    )
    op.create_index("ix_feed_entries_created_at_ms", "feed_entries", ["created_at_ms"])
    op.create_table(
        "feed_consumers",
        sa.Column("endpoint_id", _KEY, nullable=False),
        sa.Column("name", _KEY, nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("acknowledged_at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("endpoint_id", "name", name="pk_feed_consumers"),
    )
