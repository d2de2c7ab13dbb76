"""Rotation of keys: seals every sealed value again with the newest key, in small transactions.

It may be stopped and started again at any time: values that the newest key sealed already are
passed over. A value that changes meanwhile is left alone, as its writer used the newest key.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from gateway.store.client_secrets import client_secret_context
from gateway.store.documents import document_key_context
from gateway.store.driver import Driver, Sealer
from gateway.store.endpoint_credentials import credentials_context
from gateway.store.endpoints import secret_context
from gateway.store.erasures import subject_context
from gateway.store.inbox import quarantine_context
from gateway.store.notification_rows import body_context
from gateway.store.seller_rows import refresh_token_context
from gateway.store.statements import Many, One, Plan, Row, Rows

_BATCH: Final = 200


@dataclass(frozen=True, slots=True)
class _Sealed:
    """A column of sealed values.

    Attributes:
        page: Returns (id, second id, sealed) behind an id and a second id.
        replace: Sets sealed values named as (id, second id, old, new) where the old one stands.
        context: What a value is bound to, by its ids.
    """

    page: One
    replace: Many
    context: Callable[[str, str], str]


def _column(
    table: str,
    column: str,
    context: Callable[[str, str], str],
    *,
    second: str = "''",
    where: str = "",
) -> _Sealed:
    also = "" if second == "''" else f"AND {table}.{second} = v.second"
    behind = "id > $1" if second == "''" else f"(id, {second}) > ($1, $2)"
    unused = "AND $2 = ''" if second == "''" else ""
    return _Sealed(
        page=One(
            f"""
            SELECT id, {second}, {column} FROM {table} WHERE {behind} {unused} {where}
            ORDER BY id, 2 LIMIT $3
            """  # noqa: S608 names are ours
        ),
        replace=Many(
            f"""
            WITH v(id, second, old, new) AS ({{rows}})
            UPDATE {table} SET {column} = v.new FROM v
            WHERE {table}.id = v.id {also} AND {table}.{column} = v.old
            RETURNING {table}.id
            """,  # noqa: S608 names are ours
            ("text", "text", "bytea", "bytea"),
        ),
        context=context,
    )


_SEALED: Final = (
    _column("applications", "sealed_client_secret", lambda one, _: client_secret_context(one)),
    *(
        _column(
            "applications",
            column,
            lambda one, _: client_secret_context(one),
            where=f"AND {column} IS NOT NULL",
        )
        for column in ("sealed_old_secret", "sealed_given_secret")
    ),
    _column("sellers", "sealed_refresh_token", refresh_token_context, second="region"),
    _column(
        "sellers",
        "sealed_given_token",
        refresh_token_context,
        second="region",
        where="AND sealed_given_token IS NOT NULL",
    ),
    _column("endpoint_secrets", "sealed_key", lambda one, _: secret_context(one)),
    _column(
        "endpoints",
        "sealed_credentials",
        lambda one, _: credentials_context(one),
        where="AND sealed_credentials IS NOT NULL",
    ),
    _column(
        "documents",
        "sealed_key",
        lambda one, _: document_key_context(one),
        where="AND sealed_key IS NOT NULL",
    ),
    _column(
        "erasures",
        "sealed_subject",
        lambda one, _: subject_context(one),
        where="AND sealed_subject IS NOT NULL",
    ),
    _column("quarantine", "body", lambda one, _: quarantine_context(one)),
    _column("notifications", "body", lambda one, _: body_context(one), where="AND body_sealed"),
)


class Rotation:
    """See the module."""

    def __init__(self, driver: Driver, sealer: Sealer) -> None:
        self._driver = driver
        self._sealer = sealer

    async def reseal(self, progress: Callable[[int], None] | None = None) -> int:
        """Seal every value again that the newest key did not seal; return how many there were.

        Args:
            progress: Is told after each batch how many were sealed again so far.

        Raises:
            SealError: A value can't be opened; those before it are done.
            StoreUnavailableError: The rest is not done.
        """
        done = 0
        for sealed in _SEALED:
            after = ("", "")
            while rows := await self._driver.read(partial(_page, sealed, after)):
                after = (rows[-1][0], rows[-1][1])
                changes = [self._resealed(sealed, row) for row in rows if self._is_old(row)]
                if changes:
                    done += await self._driver.write(partial(_replace, sealed, changes))
                if progress is not None:
                    progress(done)
        return done

    def _is_old(self, row: Row) -> bool:
        return self._sealer.needs_reseal(bytes(row[2]))

    def _resealed(self, sealed: _Sealed, row: Row) -> tuple[str, str, bytes, bytes]:
        context = sealed.context(row[0], row[1])
        old = bytes(row[2])
        plain = self._sealer.open(old, context=context)
        return row[0], row[1], old, self._sealer.seal(plain, context=context)


def _page(sealed: _Sealed, after: tuple[str, str]) -> Plan[Rows]:
    return (yield sealed.page(*after, _BATCH))


def _replace(sealed: _Sealed, changes: Sequence[tuple[str, str, bytes, bytes]]) -> Plan[int]:
    return len((yield sealed.replace(changes)))
