"""What tables are made of: their registry, and kinds of columns that both databases have alike."""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    LargeBinary,
    MetaData,
    SmallInteger,
    Text,
    false,
    text,
)
from sqlalchemy.dialects import postgresql

metadata: Final = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)

_Key: Final = Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")


def id_column(name: str = "id", *, primary_key: bool = True) -> Column[str]:
    return Column(name, _Key, primary_key=primary_key, nullable=False)


def ms_column(name: str, *, nullable: bool = True) -> Column[int]:
    return Column(name, BigInteger, nullable=nullable)


def text_column(name: str, *, nullable: bool = True) -> Column[str]:
    return Column(name, _Key, nullable=nullable)


def bytes_column(name: str, *, nullable: bool = False) -> Column[bytes]:
    return Column(name, LargeBinary, nullable=nullable)


def small_column(name: str) -> Column[int]:
    return Column(name, SmallInteger, nullable=False, server_default=text("0"))


def flag_column(name: str) -> Column[bool]:
    return Column(name, Boolean, nullable=False, server_default=false())


def partial_index(name: str, *columns: str, where: str, unique: bool = False) -> Index:
    condition = text(where)
    return Index(name, *columns, unique=unique, sqlite_where=condition, postgresql_where=condition)
