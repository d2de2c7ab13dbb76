"""Endpoints and their signing secrets."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Sequence
from typing import Any, Final

from gateway.clock import Clock
from gateway.endpoints import Endpoint, EndpointSecret, EndpointState
from gateway.errors import ConflictError, NotFoundError
from gateway.store import schema
from gateway.store.driver import Driver, Sealer
from gateway.store.endpoint_credentials import credentials_context, pack, unpack
from gateway.store.endpoint_rows import (
    ALL_ENDPOINTS,
    ENDPOINT_COLUMNS,
    SEALED_COLUMN,
    VERSION,
    changed,
    endpoint_of,
    row_of,
)
from gateway.store.feeds import forget_feed
from gateway.store.statements import One, Plan, Row, insert, one_step

_INSERT: Final = insert(schema.endpoints, ENDPOINT_COLUMNS)
_INSERT_HEALTH: Final = One("INSERT INTO endpoint_health (endpoint_id) VALUES ($1)")
_INSERT_SECRETS: Final = insert(
    schema.endpoint_secrets,
    ("id", "endpoint_id", "kind", "sealed_key", "created_at_ms", "expires_at_ms"),
)

_SELECT: Final = f"SELECT {', '.join(ENDPOINT_COLUMNS)} FROM endpoints"  # noqa: S608
_GET: Final = One(f"{_SELECT} WHERE id = $1")
_PAGE: Final = One(f"{_SELECT} WHERE id > $1 ORDER BY id LIMIT $2")
_PAGE_OF: Final = One(f"{_SELECT} WHERE tenant = $3 AND id > $1 ORDER BY id LIMIT $2")
_CHANGEABLE: Final = [name for name in ENDPOINT_COLUMNS if name not in ("id", "created_at_ms")]
_SINCE: Final = f"CAST(${len(_CHANGEABLE) + 2} AS BIGINT)"
_UPDATE: Final = One(
    f"""
    UPDATE endpoints SET {", ".join(f"{name} = ${n}" for n, name in enumerate(_CHANGEABLE, 2))}
    WHERE id = $1 AND updated_at_ms = coalesce({_SINCE}, updated_at_ms) RETURNING id
    """  # noqa: S608 columns are ours
)
_CLEAN_RECORD: Final = One(
    """
    UPDATE endpoint_health SET consecutive_failures = 0, first_failure_at_ms = NULL,
      paused_until_ms = NULL, open_until_ms = NULL, openings = 0, warnings = 0
    WHERE endpoint_id IN (SELECT id FROM endpoints WHERE id = $1 AND state = 'disabled')
    """
)
_DELETE: Final = One("DELETE FROM endpoints WHERE id = $1 RETURNING id")
_DELETE_SECRETS: Final = One("DELETE FROM endpoint_secrets WHERE endpoint_id = $1")
_DELETE_HEALTH: Final = One("DELETE FROM endpoint_health WHERE endpoint_id = $1")

_SECRETS: Final = "SELECT endpoint_id, id, kind, sealed_key, created_at_ms, expires_at_ms"
_ALL_SECRETS: Final = One(f"{_SECRETS} FROM endpoint_secrets ORDER BY id")
_SECRETS_OF: Final = One(f"{_SECRETS} FROM endpoint_secrets WHERE endpoint_id = $1 ORDER BY id")
_EXPIRE_OTHERS: Final = One(
    """
    UPDATE endpoint_secrets SET expires_at_ms = $4
    WHERE endpoint_id = $1 AND kind = $2 AND id <> $3
      AND (expires_at_ms IS NULL OR expires_at_ms > $4)
    """
)
_EXPIRE_SECRET: Final = One(
    """
    UPDATE endpoint_secrets SET expires_at_ms = $3 WHERE endpoint_id = $1 AND id = $2 RETURNING id
    """
)


def secret_context(secret_id: str) -> str:
    """Return the context that an endpoint's sealed key is bound to."""
    return f"endpoint_secret:{secret_id}"


class Endpoints:
    """See the module. Each change is seen by all senders, in any process, at their next look."""

    def __init__(self, driver: Driver, sealer: Sealer, clock: Clock) -> None:
        self._driver = driver
        self._sealer = sealer
        self._clock = clock

    async def add(self, endpoint: Endpoint) -> None:
        """Add an endpoint with its secrets.

        Raises:
            ConflictError: There is one with this id.
        """
        row = row_of(endpoint, self._sealed_credentials(endpoint))
        secrets = [self._secret_row(endpoint.id, s) for s in endpoint.secrets]
        await self._driver.write(lambda: _add(endpoint.id, row, secrets))

    async def get(self, endpoint_id: str) -> Endpoint:
        """Return an endpoint with its secrets.

        Raises:
            NotFoundError: There is no such endpoint.
        """
        rows, secrets = await self._driver.read(lambda: _get(endpoint_id))
        if not rows:
            raise _missing(endpoint_id)
        return self._with_secrets(rows, secrets)[0]

    async def list(
        self, *, after: str = "", limit: int = 100, tenant: str | None = None
    ) -> Sequence[Endpoint]:
        """Return endpoints in the order of their ids, from behind `after` on.

        Their signing secrets are left out. With `tenant`, only that tenant's.

        Raises:
            SealError: Credentials of one can't be opened.
        """
        page = _PAGE(after, limit) if tenant is None else _PAGE_OF(after, limit, tenant)
        rows = await self._driver.read(lambda: one_step(page))
        return [self._endpoint(row) for row in rows]

    async def update(self, endpoint: Endpoint, *, unless_changed_since: int | None = None) -> None:
        """Replace what is stored of an endpoint, save its signing secrets and its creation time.

        One that was disabled and is enabled now starts with a clean record of health. Each change
        has a later `updated_at_ms` than the one before.

        Args:
            endpoint: What it shall be.
            unless_changed_since: `updated_at_ms` of what the change was made from; where somebody
                changed it meanwhile, nothing is written.

        Raises:
            NotFoundError: There is no such endpoint.
            ConflictError: Somebody was quicker.
        """
        now_ms = max(self._clock.now_ms(), endpoint.updated_at_ms + 1)
        endpoint = dataclasses.replace(endpoint, updated_at_ms=now_ms)
        values = zip(
            ENDPOINT_COLUMNS, row_of(endpoint, self._sealed_credentials(endpoint)), strict=True
        )
        named = dict(values)
        params = (endpoint.id, *(named[name] for name in _CHANGEABLE), unless_changed_since)
        if await self._driver.write(lambda: _update(endpoint, params)):
            return
        if await self._driver.read(lambda: one_step(_GET(endpoint.id))):
            raise ConflictError(f"somebody changed endpoint {endpoint.id} meanwhile; read it again")
        raise _missing(endpoint.id)

    async def delete(self, endpoint_id: str) -> None:
        """Remove an endpoint with its secrets; deliveries to it are cancelled by `hold_disabled`.

        Raises:
            NotFoundError: There is no such endpoint.
        """
        if not await self._driver.write(lambda: _delete(endpoint_id)):
            raise _missing(endpoint_id)

    async def add_secret(self, endpoint_id: str, secret: EndpointSecret) -> None:
        """Add a signing key, which signs beside the others.

        Raises:
            NotFoundError: There is no such endpoint.
        """
        row = self._secret_row(endpoint_id, secret)
        if not await self._driver.write(lambda: _add_secret(endpoint_id, row)):
            raise _missing(endpoint_id)

    async def rotate_secret(
        self, endpoint_id: str, secret: EndpointSecret, *, expire_others_at_ms: int
    ) -> None:
        """Add a signing key that replaces those of its kind, which sign beside it until then.

        Raises:
            NotFoundError: There is no such endpoint.
        """
        row = self._secret_row(endpoint_id, secret)
        others = (endpoint_id, secret.kind, secret.id, expire_others_at_ms)
        if not await self._driver.write(lambda: _rotate_secret(endpoint_id, row, others)):
            raise _missing(endpoint_id)

    async def expire_secret(self, endpoint_id: str, secret_id: str, at_ms: int) -> None:
        """Let a signing key sign until `at_ms`.

        Raises:
            NotFoundError: The endpoint has no such secret.
        """
        if not await self._driver.write(
            lambda: _change(_EXPIRE_SECRET, endpoint_id, secret_id, at_ms)
        ):
            raise NotFoundError(f"endpoint {endpoint_id} has no secret {secret_id}")

    async def version(self) -> int:
        """Return a number that is another one after each change of any endpoint or secret."""
        rows = await self._driver.read(lambda: one_step(VERSION()))
        version: int = rows[0][0]
        return version

    async def all_with_secrets(self) -> tuple[int, Sequence[Endpoint]]:
        """Return the version and all endpoints of that version, disabled ones too.

        Raises:
            SealError: A secret can't be opened.
        """
        version, rows, secrets = await self._driver.read(_all)
        return version, self._with_secrets(rows, secrets)

    def _secret_row(self, endpoint_id: str, secret: EndpointSecret) -> tuple[Any, ...]:
        sealed = self._sealer.seal(secret.key_bytes, context=secret_context(secret.id))
        expires_ms = secret.expires_at_ms
        return secret.id, endpoint_id, secret.kind, sealed, secret.created_at_ms, expires_ms

    def _with_secrets(self, rows: Sequence[Row], secrets: Sequence[Row]) -> Sequence[Endpoint]:
        of: defaultdict[str, list[EndpointSecret]] = defaultdict(list)
        for endpoint_id, secret_id, kind, sealed, created_ms, expires_ms in secrets:
            key = self._sealer.open(bytes(sealed), context=secret_context(secret_id))
            of[endpoint_id].append(
                EndpointSecret(
                    id=secret_id,
                    kind=kind,
                    key_bytes=key,
                    created_at_ms=created_ms,
                    expires_at_ms=expires_ms,
                )
            )
        return [
            dataclasses.replace(e, secrets=tuple(of.get(e.id, ())))
            for e in map(self._endpoint, rows)
        ]

    def _sealed_credentials(self, endpoint: Endpoint) -> bytes | None:
        packed = pack(endpoint)
        if packed is None:
            return None
        return self._sealer.seal(packed, context=credentials_context(endpoint.id))

    def _endpoint(self, row: Row) -> Endpoint:
        endpoint, sealed = endpoint_of(row), row[SEALED_COLUMN]
        if sealed is None:
            return endpoint
        packed = self._sealer.open(bytes(sealed), context=credentials_context(endpoint.id))
        return unpack(endpoint, packed)


def _missing(endpoint_id: str) -> NotFoundError:
    return NotFoundError(f"there is no endpoint {endpoint_id}")


def _change(statement: One, *params: Any) -> Plan[bool]:
    if not (yield statement(*params)):
        return False
    yield from changed()
    return True


def _update(endpoint: Endpoint, params: tuple[Any, ...]) -> Plan[bool]:
    if endpoint.state is EndpointState.ENABLED:
        yield _CLEAN_RECORD(endpoint.id)
    return (yield from _change(_UPDATE, *params))


def _add(endpoint_id: str, row: tuple[Any, ...], secrets: Sequence[tuple[Any, ...]]) -> Plan[None]:
    yield _INSERT([row])
    yield _INSERT_HEALTH(endpoint_id)
    if secrets:
        yield _INSERT_SECRETS(secrets)
    yield from changed()


def _get(endpoint_id: str) -> Plan[tuple[Sequence[Row], Sequence[Row]]]:
    rows = yield _GET(endpoint_id)
    secrets = yield _SECRETS_OF(endpoint_id)
    return rows, secrets


def _all() -> Plan[tuple[int, Sequence[Row], Sequence[Row]]]:
    version = (yield VERSION())[0][0]
    rows = yield ALL_ENDPOINTS()
    secrets = yield _ALL_SECRETS()
    return version, rows, secrets


def _delete(endpoint_id: str) -> Plan[bool]:
    if not (yield _DELETE(endpoint_id)):
        return False
    yield _DELETE_SECRETS(endpoint_id)
    yield _DELETE_HEALTH(endpoint_id)
    yield from forget_feed(endpoint_id)
    yield from changed()
    return True


def _add_secret(endpoint_id: str, row: tuple[Any, ...]) -> Plan[bool]:
    if not (yield _GET(endpoint_id)):
        return False
    yield _INSERT_SECRETS([row])
    yield from changed()
    return True


def _rotate_secret(endpoint_id: str, row: tuple[Any, ...], others: tuple[Any, ...]) -> Plan[bool]:
    if not (yield from _add_secret(endpoint_id, row)):
        return False
    yield _EXPIRE_OTHERS(*others)
    return True
