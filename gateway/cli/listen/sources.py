"""Where `gateway listen` pulls from: the store of the settings, or another gateway over HTTP.

Either makes an endpoint that is only pulled and removes it at the end, or takes one that is there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import aiohttp

from gateway.cli.changing import entry
from gateway.clock import Clock
from gateway.delivery.feeding import FedPage, SignedFeed
from gateway.delivery.signing import encode_secret, new_secret
from gateway.endpoints import Endpoint, Transport
from gateway.errors import ConflictError, DependencyError, InvalidInputError, NotFoundError
from gateway.model import IdPrefix, new_id
from gateway.store import Store

CONSUMER: Final = "listen"
DESCRIPTION: Final = "gateway listen"

_PAGE: Final = 50
_LOOK_EVERY_S: Final = 0.5
_WAIT_S: Final = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which events are listened to.

    Attributes:
        endpoint_id: An endpoint that is there; None to make one for the time of listening.
        event_types: Patterns for one that is made; empty for all.
    """

    endpoint_id: str | None = None
    event_types: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulled:
    """An event as a webhook would bring it."""

    id: str
    type: str
    body: bytes = field(repr=False)
    headers: Mapping[str, str]
    cursor: str


class Source(Protocol):
    """Where events are pulled from."""

    endpoint_id: str
    secret: str | None

    async def pull(self) -> Sequence[Pulled]:
        """Return the next events that are not acknowledged; none after a while without any."""
        ...

    async def acknowledge(self, cursor: str) -> None:
        """Let an event, and those before it, not come again."""
        ...

    async def close(self) -> None:
        """Remove the endpoint where one was made."""
        ...


class StoreSource:
    """Pulls from the store itself, so that no key and no running admin port is needed."""

    def __init__(self, store: Store, clock: Clock, endpoint: Endpoint, *, made: bool) -> None:
        self._store = store
        self._clock = clock
        self._made = made
        self._feed = SignedFeed(endpoint, store.feeds, clock)
        self.endpoint_id = endpoint.id
        self.secret = encode_secret(endpoint.secrets[0]) if made else None

    @classmethod
    async def open(cls, store: Store, clock: Clock, wanted: Wanted) -> StoreSource:
        """Return a source for an endpoint that is there, or for a fresh one.

        Raises:
            NotFoundError: There is no such endpoint.
            ConflictError: Its events are posted only.
        """
        if wanted.endpoint_id is not None:
            endpoint = await store.endpoints.get(wanted.endpoint_id)
            if not endpoint.transport.pulls:
                raise ConflictError(f"events of {endpoint.id} are posted, not pulled")
            return cls(store, clock, endpoint, made=False)
        now_ms = clock.now_ms()
        endpoint = Endpoint(
            id=new_id(IdPrefix.ENDPOINT, now_ms),
            url="",
            transport=Transport.PULL,
            description=DESCRIPTION,
            event_types=tuple(wanted.event_types),
            created_at_ms=now_ms,
            updated_at_ms=now_ms,
            secrets=(new_secret(now_ms),),
        )
        made = entry(clock, "endpoint.create", endpoint.id)
        await store.changing(made).endpoints.add(endpoint)
        return cls(store, clock, endpoint, made=True)

    async def pull(self) -> Sequence[Pulled]:
        """See `Source`."""
        waited_s = 0.0
        while True:
            page = await self._feed.read(CONSUMER, after=None, limit=_PAGE)
            if page.items or waited_s >= _WAIT_S:
                return _pulled(page)
            await self._clock.sleep(_LOOK_EVERY_S)
            waited_s += _LOOK_EVERY_S

    async def acknowledge(self, cursor: str) -> None:
        """See `Source`."""
        await self._store.feeds.acknowledge(self.endpoint_id, CONSUMER, int(cursor))

    async def close(self) -> None:
        """See `Source`."""
        if self._made:
            made = entry(self._clock, "endpoint.delete", self.endpoint_id)
            await self._store.changing(made).endpoints.delete(self.endpoint_id)


def _pulled(page: FedPage) -> Sequence[Pulled]:
    return [
        Pulled(
            id=one.event.id,
            type=one.event.type,
            body=one.event.body,
            headers=one.headers,
            cursor=str(one.event.position),
        )
        for one in page.items
    ]


class GatewaySource:
    """Pulls from a gateway over its HTTP API."""

    def __init__(self, api: GatewayApi, endpoint_id: str, secret: str | None) -> None:
        self._api = api
        self._made = secret is not None
        self._path = f"/v1/endpoints/{endpoint_id}"
        self.endpoint_id = endpoint_id
        self.secret = secret

    @classmethod
    async def open(cls, api: GatewayApi, wanted: Wanted) -> GatewaySource:
        """Return a source for an endpoint that is there, or for a fresh one; see `StoreSource`."""
        if wanted.endpoint_id is not None:
            await api.call("GET", f"/v1/endpoints/{wanted.endpoint_id}/events?limit=1")
            return cls(api, wanted.endpoint_id, None)
        fields = {
            "transport": Transport.PULL.value,
            "description": DESCRIPTION,
            "event_types": list(wanted.event_types),
        }
        made = await api.call("POST", "/v1/endpoints", fields)
        return cls(api, made["id"], made["secret"])

    async def pull(self) -> Sequence[Pulled]:
        """See `Source`."""
        query = f"consumer={CONSUMER}&limit={_PAGE}&wait_s={_WAIT_S}"
        page = await self._api.call("GET", f"{self._path}/events?{query}")
        return [
            Pulled(
                id=one["id"],
                type=one["type"],
                body=one["body"].encode(),
                headers=one["headers"],
                cursor=one["cursor"],
            )
            for one in page["items"]
        ]

    async def acknowledge(self, cursor: str) -> None:
        """See `Source`."""
        body = {"consumer": CONSUMER, "cursor": cursor}
        await self._api.call("POST", f"{self._path}/events/ack", body)

    async def close(self) -> None:
        """See `Source`."""
        if self._made:
            await self._api.call("DELETE", self._path)


class GatewayApi:
    """The HTTP API of a gateway, with a key."""

    def __init__(self, session: aiohttp.ClientSession, base: str, key: str) -> None:
        self._session = session
        self._base = base.rstrip("/")
        self._headers = {"Authorization": f"Bearer {key}"}

    async def call(self, method: str, path: str, body: Any = None) -> Any:
        """Return the body of an answer.

        Raises:
            DependencyError: The gateway can't be reached, or can't do it now.
            NotFoundError, ConflictError, InvalidInputError: It refuses, with these words.
        """
        try:
            async with self._session.request(
                method, self._base + path, headers=self._headers, json=body, allow_redirects=False
            ) as answer:
                told = await answer.json(content_type=None)
        except (aiohttp.ClientError, TimeoutError, ValueError) as exc:
            raise DependencyError(f"{self._base}: {str(exc) or type(exc).__name__}") from exc
        if answer.ok and isinstance(told, dict):
            return told
        detail = told.get("detail") if isinstance(told, dict) else None
        raise _refusal(answer.status, f"{self._base}: {detail or answer.reason}")


def _refusal(status: int, words: str) -> Exception:
    match status:
        case 404:
            return NotFoundError(words)
        case 409:
            return ConflictError(words)
        case 400 | 401 | 403 | 422:
            return InvalidInputError(words)
        case _:
            return DependencyError(words)
