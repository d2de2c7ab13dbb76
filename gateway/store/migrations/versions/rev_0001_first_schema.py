"""The first schema."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_KEY = sa.Text().with_variant(sa.TEXT(collation="C"), "postgresql")


def upgrade() -> None:
    _create_inbox()
    _create_handlings()
    _create_events()
    _create_endpoints()
    _create_sellers()
    op.execute("INSERT INTO endpoints_version (id, version) VALUES (1, 0)")


def downgrade() -> None:
    for table in (
        "notifications",
        "quarantine",
        "subscriptions",
        "handlings",
        "events",
        "deliveries",
        "attempts",
        "endpoints",
        "endpoint_secrets",
        "endpoint_health",
        "endpoints_version",
        "applications",
        "sellers",
        "buckets",
    ):
        op.drop_table(table)


def _create_inbox() -> None:
    op.create_table(
        "notifications",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("identity", _KEY, nullable=False),
        sa.Column("type", _KEY, nullable=False),
        sa.Column("payload_version", sa.Text(), nullable=False),
        sa.Column("seller_id", _KEY, nullable=True),
        sa.Column("marketplace_id", sa.Text(), nullable=True),
        sa.Column("application_id", sa.Text(), nullable=True),
        sa.Column("subscription_id", sa.Text(), nullable=True),
        sa.Column("event_time_ms", sa.BigInteger(), nullable=True),
        sa.Column("received_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("body_sealed", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_notifications"),
        sa.UniqueConstraint("identity", name="uq_notifications_identity"),
    )
    op.create_table(
        "quarantine",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("identity", _KEY, nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("message_id", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("received_at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_quarantine"),
        sa.UniqueConstraint("identity", name="uq_quarantine_identity"),
    )
    op.create_table(
        "subscriptions",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("application_id", sa.Text(), nullable=True),
        sa.Column("seller_id", _KEY, nullable=False),
        sa.Column("type", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_subscriptions"),
    )


def _create_handlings() -> None:
    op.create_table(
        "handlings",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("notification_id", _KEY, nullable=False),
        sa.Column("handler", _KEY, nullable=False),
        sa.Column("run", sa.BigInteger(), nullable=False),
        sa.Column("lane", _KEY, nullable=False),
        sa.Column("key", _KEY, nullable=True),
        sa.Column("coalesces", sa.Boolean(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("readiness", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("due_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("slot", sa.Text(), nullable=True),
        sa.Column("tries", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("claims", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("claim_token", sa.BigInteger(), nullable=True),
        sa.Column("lease_until_ms", sa.BigInteger(), nullable=True),
        sa.Column("saved_state", sa.LargeBinary(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("replayed_from", _KEY, nullable=True),
        sa.Column("event_time_ms", sa.BigInteger(), nullable=False),
        sa.Column("created_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("ended_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("coalesced_into", _KEY, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_handlings"),
        sa.UniqueConstraint(
            "notification_id", "handler", "run", name="uq_handlings_notification_id_handler_run"
        ),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_handlings_dead",
        "handlings",
        ["id"],
        unique=False,
        sqlite_where=sa.text("state = 'dead'"),
        postgresql_where=sa.text("state = 'dead'"),
    )
    op.create_index(
        "ix_handlings_due",
        "handlings",
        ["due_at_ms"],
        unique=False,
        sqlite_where=sa.text("state = 'pending' AND readiness = 1"),
        postgresql_where=sa.text("state = 'pending' AND readiness = 1"),
    )
    op.create_index(
        "ix_handlings_leased",
        "handlings",
        ["lease_until_ms"],
        unique=False,
        sqlite_where=sa.text("state = 'leased'"),
        postgresql_where=sa.text("state = 'leased'"),
    )
    op.create_index(
        "ix_handlings_parked",
        "handlings",
        ["handler", "lane", "key", "event_time_ms", "id"],
        unique=False,
        sqlite_where=sa.text("state = 'pending' AND readiness = 0"),
        postgresql_where=sa.text("state = 'pending' AND readiness = 0"),
    )
    op.create_index(
        "ix_handlings_ready",
        "handlings",
        ["handler", "lane", "id"],
        unique=False,
        sqlite_where=sa.text("state = 'pending' AND readiness = 2"),
        postgresql_where=sa.text("state = 'pending' AND readiness = 2"),
    )
    op.create_index(
        "uq_handlings_head",
        "handlings",
        ["handler", "lane", "key"],
        unique=True,
        sqlite_where=sa.text(
            "key IS NOT NULL AND state IN ('pending', 'leased') AND readiness > 0"
        ),
        postgresql_where=sa.text(
            "key IS NOT NULL AND state IN ('pending', 'leased') AND readiness > 0"
        ),
    )


def _create_events() -> None:
    op.create_table(
        "events",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("type", _KEY, nullable=False),
        sa.Column("occurred_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("seller_id", _KEY, nullable=True),
        sa.Column("marketplace_id", sa.Text(), nullable=True),
        sa.Column("notification_id", _KEY, nullable=True),
        sa.Column("handling_id", _KEY, nullable=True),
        sa.Column("replayed_from", _KEY, nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("created_at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_events"),
    )
    op.create_table(
        "deliveries",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("event_id", _KEY, nullable=False),
        sa.Column("endpoint_id", _KEY, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("readiness", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("due_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("attempts", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("claims", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("claim_token", sa.BigInteger(), nullable=True),
        sa.Column("lease_until_ms", sa.BigInteger(), nullable=True),
        sa.Column("created_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("ended_at_ms", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_deliveries"),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_deliveries_dead",
        "deliveries",
        ["id"],
        unique=False,
        sqlite_where=sa.text("state = 'dead'"),
        postgresql_where=sa.text("state = 'dead'"),
    )
    op.create_index(
        "ix_deliveries_due",
        "deliveries",
        ["due_at_ms"],
        unique=False,
        sqlite_where=sa.text("state = 'pending' AND readiness = 1"),
        postgresql_where=sa.text("state = 'pending' AND readiness = 1"),
    )
    op.create_index("ix_deliveries_event_id", "deliveries", ["event_id"], unique=False)
    op.create_index(
        "ix_deliveries_held",
        "deliveries",
        ["endpoint_id", "id"],
        unique=False,
        sqlite_where=sa.text("state = 'held'"),
        postgresql_where=sa.text("state = 'held'"),
    )
    op.create_index(
        "ix_deliveries_leased",
        "deliveries",
        ["lease_until_ms"],
        unique=False,
        sqlite_where=sa.text("state = 'leased'"),
        postgresql_where=sa.text("state = 'leased'"),
    )
    op.create_index(
        "ix_deliveries_ready",
        "deliveries",
        ["endpoint_id", "id"],
        unique=False,
        sqlite_where=sa.text("state = 'pending' AND readiness = 2"),
        postgresql_where=sa.text("state = 'pending' AND readiness = 2"),
    )
    op.create_table(
        "attempts",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("delivery_id", _KEY, nullable=False),
        sa.Column("endpoint_id", _KEY, nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("started_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("duration_ms", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.BigInteger(), nullable=True),
        sa.Column("error_class", sa.Text(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("answer", sa.LargeBinary(), nullable=False),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("charged", sa.Boolean(), nullable=False),
        sa.Column("next_due_ms", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_attempts"),
    )
    op.create_index("ix_attempts_delivery_id", "attempts", ["delivery_id"], unique=False)


def _create_endpoints() -> None:
    op.create_table(
        "endpoints",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("event_types", sa.Text(), nullable=False),
        sa.Column("seller_ids", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("disabled_reason", sa.Text(), nullable=True),
        sa.Column("concurrency", sa.BigInteger(), nullable=False),
        sa.Column("timeout_s", sa.Double(), nullable=True),
        sa.Column("schedule_s", sa.Text(), nullable=True),
        sa.Column("headers", sa.Text(), nullable=False),
        sa.Column("created_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("updated_at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_endpoints"),
    )
    op.create_index(
        "ix_endpoints_disabled",
        "endpoints",
        ["id"],
        unique=False,
        sqlite_where=sa.text("state = 'disabled'"),
        postgresql_where=sa.text("state = 'disabled'"),
    )
    op.create_table(
        "endpoint_secrets",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("endpoint_id", _KEY, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("sealed_key", sa.LargeBinary(), nullable=False),
        sa.Column("created_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("expires_at_ms", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_endpoint_secrets"),
    )
    op.create_index(
        "ix_endpoint_secrets_endpoint_id", "endpoint_secrets", ["endpoint_id"], unique=False
    )
    op.create_table(
        "endpoint_health",
        sa.Column("endpoint_id", _KEY, nullable=False),
        sa.Column(
            "consecutive_failures", sa.BigInteger(), server_default=sa.text("0"), nullable=False
        ),
        sa.Column("first_failure_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("last_success_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("paused_until_ms", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("endpoint_id", name="pk_endpoint_health"),
    )
    op.create_table(
        "endpoints_version",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_endpoints_version"),
    )


def _create_sellers() -> None:
    op.create_table(
        "applications",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("sealed_client_secret", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_applications"),
    )
    op.create_table(
        "sellers",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("region", _KEY, nullable=False),
        sa.Column("application_id", _KEY, nullable=False),
        sa.Column("sealed_refresh_token", sa.LargeBinary(), nullable=False),
        sa.Column("marketplace_ids", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("paused_reason", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", "region", name="pk_sellers"),
    )
    op.create_table(
        "buckets",
        sa.Column("key", _KEY, nullable=False),
        sa.Column("tokens", sa.Double(), nullable=False),
        sa.Column("updated_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("next_slot_ms", sa.BigInteger(), nullable=False),
        sa.Column("blocked_until_ms", sa.BigInteger(), nullable=False),
        sa.Column("rate_per_s", sa.Double(), nullable=False),
        sa.Column("burst", sa.BigInteger(), nullable=False),
        sa.Column("plan_rate_per_s", sa.Double(), nullable=False),
        sa.Column("plan_burst", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_buckets"),
    )
