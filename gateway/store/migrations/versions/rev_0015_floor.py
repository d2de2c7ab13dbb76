"""The oldest release that can work on the schema; see `gateway.store.migrate.FLOOR`."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    op.create_table(
        "schema_floor",
        sa.Column("id", sa.SmallInteger(), nullable=False, autoincrement=False),
        sa.Column("revision", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_schema_floor"),
    )
    op.execute("INSERT INTO schema_floor (id, revision) VALUES (1, '0015')")


def downgrade() -> None:
    op.drop_table("schema_floor")
