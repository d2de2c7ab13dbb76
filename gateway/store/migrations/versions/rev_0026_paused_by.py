"""Who paused a seller; of those who are paused already, only the reason tells."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"


def upgrade() -> None:
    op.add_column("sellers", sa.Column("paused_by", sa.Text(), nullable=True))
    op.execute(
        "UPDATE sellers SET paused_by = CASE "
        "WHEN substr(paused_reason, 1, 13) IN ('invalid_grant', 'wrong region:') THEN 'gateway' "
        "ELSE 'operator' END WHERE state = 'paused'"
    )


def downgrade() -> None:
    op.drop_column("sellers", "paused_by")
