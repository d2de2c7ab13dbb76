"""The tables of `schema` about applications, and the sellers who authorised them."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, Index, Table, Text, text

from gateway.store.columns import bytes_column as _bytes
from gateway.store.columns import id_column as _id
from gateway.store.columns import metadata
from gateway.store.columns import ms_column as _ms
from gateway.store.columns import partial_index as _partial
from gateway.store.columns import text_column as _text

applications: Final = Table(
    "applications",
    metadata,
    _id(),
    Column("client_id", Text, nullable=False),
    _bytes("sealed_client_secret"),
    _bytes("sealed_given_secret", nullable=True),
    _bytes("sealed_old_secret", nullable=True),
    _ms("old_expires_at_ms"),
    _ms("expires_at_ms"),
)
"""SP-API applications."""

sellers: Final = Table(
    "sellers",
    metadata,
    _id(),
    _id("region"),
    _text("application_id", nullable=False),
    _bytes("sealed_refresh_token"),
    Column("marketplace_ids", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("paused_reason", Text),
    Column("tags", Text, nullable=False, server_default=text("'[]'")),
    _bytes("sealed_given_token", nullable=True),
    _ms("authorised_at_ms"),
    Column("warned_days", BigInteger),
    Column("check_due_at_ms", BigInteger, nullable=False, server_default=text("0")),
    _ms("checked_at_ms"),
    Column("check_fault", Text),
    Column("paused_by", Text),
    _partial("ix_sellers_check_due", "check_due_at_ms", where="state = 'active'"),
)
"""Authorisations: one seller in one region. `sealed_given_token` is what the settings said last, so
that a restart brings back nothing that was replaced since; `warned_days` is the last warning before
the authorisation ends; `check_due_at_ms` is when Amazon is asked next where the seller sells, or
until when somebody is at it. `paused_by` is who paused it; null is the gateway, for a release that
does not know the column writes none."""

used_states: Final = Table(
    "used_states",
    metadata,
    _id(),
    _ms("expires_at_ms", nullable=False),
    Index("ix_used_states_expires_at_ms", "expires_at_ms"),
)
"""States of authorisations that came back, kept until they would have expired."""
