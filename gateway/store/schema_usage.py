"""The table of `schema` that counts calls to Amazon."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, Table

from gateway.store.columns import id_column as _id
from gateway.store.columns import metadata

usage_counts: Final = Table(
    "usage_counts",
    metadata,
    _id("day"),
    _id("application_id"),
    _id("region"),
    _id("seller_id"),
    _id("operation"),
    _id("method"),
    _id("outcome"),
    Column("calls", BigInteger, nullable=False),
)
"""Requests by UTC day, caller, operation and outcome; an empty seller is the application itself."""
