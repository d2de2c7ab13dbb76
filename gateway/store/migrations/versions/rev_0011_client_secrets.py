"""Client secrets over their rotation."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"

_COLUMNS = ("sealed_given_secret", "sealed_old_secret", "old_expires_at_ms", "expires_at_ms")


def upgrade() -> None:
    for name in _COLUMNS:
        kind = sa.LargeBinary() if name.startswith("sealed") else sa.BigInteger()
        op.add_column("applications", sa.Column(name, kind, nullable=True))


def downgrade() -> None:
    for name in _COLUMNS:
        op.drop_column("applications", name)
