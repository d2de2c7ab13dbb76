"""What is kept and for how long: walks, what they left, runs; and tables that stay free of bloat.

Of a hot table PostgreSQL's own settings wait for a fifth of its rows to die, which is months of
history; here some thousand are enough, so that a vacuum is small and the space is used again.
"""

from __future__ import annotations

from collections.abc import Mapping

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"

_ID = sa.Text().with_variant(sa.TEXT(collation="C"), "postgresql")
_HOT = ("notifications", "handlings", "events", "deliveries", "attempts")
_SMALL = ("buckets", "endpoint_health", "operations", "retention_left")
_SETTINGS = {
    "autovacuum_vacuum_scale_factor": "0.01",
    "autovacuum_vacuum_threshold": "2000",
    "autovacuum_analyze_scale_factor": "0.02",
    "autovacuum_vacuum_insert_scale_factor": "0.05",
}
_OF_SMALL = {"autovacuum_vacuum_scale_factor": "0.05", "autovacuum_vacuum_threshold": "200"}
_SETTINGS_OF = dict.fromkeys(_HOT, _SETTINGS) | dict.fromkeys(_SMALL, _OF_SMALL)


def upgrade() -> None:
    op.create_table(
        "retention_walks",
        sa.Column("walk", _ID, nullable=False),
        sa.Column("cursor", _ID, nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("oldest_ms", sa.BigInteger(), nullable=True),
        sa.Column("measured_at_ms", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("walk", name="pk_retention_walks"),
    )
    op.create_table(
        "retention_left",
        sa.Column("walk", _ID, nullable=False),
        sa.Column("id", _ID, nullable=False),
        sa.PrimaryKeyConstraint("walk", "id", name="pk_retention_left"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "retention_runs",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("token", sa.BigInteger(), nullable=False),
        sa.Column("lease_until_ms", sa.BigInteger(), nullable=False),
        sa.Column("started_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("ended_at_ms", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_retention_runs"),
    )
    _store({table: f"SET ({_listed(values)})" for table, values in _SETTINGS_OF.items()})


def downgrade() -> None:
    _store({table: f"RESET ({', '.join(values)})" for table, values in _SETTINGS_OF.items()})
    for name in ("retention_runs", "retention_left", "retention_walks"):
        op.drop_table(name)


def _listed(values: Mapping[str, str]) -> str:
    return ", ".join(f"{name} = {value}" for name, value in values.items())


def _store(actions: Mapping[str, str]) -> None:
    if op.get_context().dialect.name == "postgresql":
        for table, action in actions.items():
            op.execute(f"ALTER TABLE {table} {action}")
