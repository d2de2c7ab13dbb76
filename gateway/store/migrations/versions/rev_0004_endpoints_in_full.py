"""Endpoints with filters, credentials, rate and order; attempts with what was sent and how long."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

_KEY = sa.Text().with_variant(sa.TEXT(collation="C"), "postgresql")
_PARKED = sa.text("state = 'pending' AND readiness = 0")
_HEAD = sa.text("order_key IS NOT NULL AND state IN ('pending', 'leased') AND readiness > 0")
_OF_A_TENANT = sa.text("tenant IS NOT NULL")


def _text(name: str, default: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), server_default=sa.text(default), nullable=False)


def _flag(name: str) -> sa.Column[bool]:
    return sa.Column(name, sa.Boolean(), server_default=sa.false(), nullable=False)


def _number(name: str, kind: sa.BigInteger | sa.SmallInteger, default: str) -> sa.Column[int]:
    return sa.Column(name, kind, server_default=sa.text(default), nullable=False)


def _columns() -> list[tuple[str, sa.Column[Any]]]:
    return [
        ("endpoints", _text("tags", "'[]'")),
        ("endpoints", _text("metadata", "'{}'")),
        ("endpoints", _text("marketplace_ids", "'[]'")),
        ("endpoints", sa.Column("body_filter", sa.Text())),
        ("endpoints", _text("payload", "'full'")),
        ("endpoints", sa.Column("sealed_credentials", sa.LargeBinary())),
        ("endpoints", sa.Column("max_age_s", sa.Double())),
        ("endpoints", sa.Column("rate_per_s", sa.Double())),
        ("endpoints", _number("burst", sa.BigInteger(), "1")),
        ("endpoints", _flag("ordered")),
        ("endpoints", sa.Column("order_max_wait_s", sa.Double())),
        ("endpoints", _flag("operator")),
        ("endpoints", sa.Column("tenant", _KEY)),
        ("endpoint_health", sa.Column("open_until_ms", sa.BigInteger())),
        ("endpoint_health", _number("openings", sa.BigInteger(), "0")),
        ("endpoint_health", _number("warnings", sa.SmallInteger(), "0")),
        ("endpoint_health", sa.Column("tokens", sa.Double())),
        ("endpoint_health", sa.Column("tokens_at_ms", sa.BigInteger())),
        ("events", sa.Column("order_key", _KEY)),
        ("events", sa.Column("thin_body", sa.LargeBinary())),
        ("events", _flag("operational")),
        ("deliveries", sa.Column("order_key", _KEY)),
        ("deliveries", _flag("thin")),
        ("deliveries", _number("attempts_before", sa.SmallInteger(), "0")),
        ("deliveries", sa.Column("resent_at_ms", sa.BigInteger())),
        ("deliveries", sa.Column("reason", sa.Text())),
        ("attempts", sa.Column("next_reason", sa.Text())),
        ("attempts", sa.Column("signature", sa.Text())),
        ("attempts", sa.Column("sent_headers", sa.Text())),
        ("attempts", sa.Column("dns_ms", sa.BigInteger())),
        ("attempts", sa.Column("connect_ms", sa.BigInteger())),
        ("attempts", sa.Column("tls_ms", sa.BigInteger())),
        ("attempts", sa.Column("first_byte_ms", sa.BigInteger())),
    ]


def upgrade() -> None:
    for table, column in _columns():
        op.add_column(table, column)
    op.create_index(
        "ix_endpoints_tenant",
        "endpoints",
        ["tenant", "id"],
        unique=False,
        sqlite_where=_OF_A_TENANT,
        postgresql_where=_OF_A_TENANT,
    )
    op.create_index(
        "ix_deliveries_parked",
        "deliveries",
        ["endpoint_id", "order_key", "id"],
        unique=False,
        sqlite_where=_PARKED,
        postgresql_where=_PARKED,
    )
    op.create_index(
        "uq_deliveries_head",
        "deliveries",
        ["endpoint_id", "order_key"],
        unique=True,
        sqlite_where=_HEAD,
        postgresql_where=_HEAD,
    )


def downgrade() -> None:
    op.drop_index("uq_deliveries_head", table_name="deliveries")
    op.drop_index("ix_deliveries_parked", table_name="deliveries")
    op.drop_index("ix_endpoints_tenant", table_name="endpoints")
    for table, column in reversed(_columns()):
        op.drop_column(table, column.name)
