"""API keys, as digests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from gateway.access import ApiKey, Scope
from gateway.errors import NotFoundError
from gateway.store import schema
from gateway.store.driver import Driver
from gateway.store.statements import One, Plan, Row, insert, one_step

_COLUMNS: Final = tuple(column.name for column in schema.api_keys.c)
_INSERT: Final = insert(schema.api_keys, _COLUMNS)
_SELECT: Final = f"SELECT {', '.join(_COLUMNS)} FROM api_keys"  # noqa: S608 names are ours
_GET: Final = One(f"{_SELECT} WHERE id = $1")
_PAGE: Final = One(f"{_SELECT} WHERE id > $1 ORDER BY id LIMIT $2")
_ANY: Final = One("SELECT id FROM api_keys LIMIT 1")
_REVOKE: Final = One(
    "UPDATE api_keys SET revoked_at_ms = coalesce(revoked_at_ms, $2) WHERE id = $1 RETURNING id"
)
_USED: Final = One("UPDATE api_keys SET last_used_at_ms = $2 WHERE id = $1")


class ApiKeys:
    """See the module."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver

    async def add(self, key: ApiKey) -> None:
        """Add a key.

        Raises:
            ConflictError: There is one with this id.
        """
        await self._driver.write(lambda: one_step(_INSERT([_row(key)])))

    async def get(self, key_id: str) -> ApiKey:
        """Return a key, usable or not.

        Raises:
            NotFoundError: There is no such key.
        """
        rows = await self._driver.read(lambda: one_step(_GET(key_id)))
        if not rows:
            raise _missing(key_id)
        return _key(rows[0])

    async def list(self, *, after: str = "", limit: int = 100) -> Sequence[ApiKey]:
        """Return keys in the order they were made, from behind `after` on."""
        rows = await self._driver.read(lambda: one_step(_PAGE(after, limit)))
        return [_key(row) for row in rows]

    async def exist(self) -> bool:
        """Whether any key was ever made."""
        return bool(await self._driver.read(lambda: one_step(_ANY())))

    async def revoke(self, key_id: str, at_ms: int) -> None:
        """Make a key useless from `at_ms` on; one that was revoked stays so since then.

        Raises:
            NotFoundError: There is no such key.
        """
        if not await self._driver.write(lambda: _changed(_REVOKE, key_id, at_ms)):
            raise _missing(key_id)

    async def used(self, key_id: str, at_ms: int) -> None:
        """Note that a key was used."""
        await self._driver.write(lambda: one_step(_USED(key_id, at_ms)))


def _missing(key_id: str) -> NotFoundError:
    return NotFoundError(f"there is no API key {key_id}")


def _changed(statement: One, *params: object) -> Plan[bool]:
    return bool((yield statement(*params)))


def _row(key: ApiKey) -> tuple[object, ...]:
    return (
        key.id,
        key.name,
        " ".join(sorted(key.scopes)),
        key.tenant,
        key.digest,
        key.created_at_ms,
        key.expires_at_ms,
        key.revoked_at_ms,
        key.last_used_at_ms,
    )


def _key(row: Row) -> ApiKey:
    return ApiKey(
        id=row[0],
        name=row[1],
        scopes=frozenset(Scope(word) for word in row[2].split()),
        tenant=row[3],
        digest=bytes(row[4]),
        created_at_ms=row[5],
        expires_at_ms=row[6],
        revoked_at_ms=row[7],
        last_used_at_ms=row[8],
    )
