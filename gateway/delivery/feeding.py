"""Events on their way to who pulls them: signed as a webhook would be, when they are read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from gateway.delivery.signing import Signer
from gateway.errors import InvalidInputError

if TYPE_CHECKING:
    from gateway.clock import Clock
    from gateway.endpoints import Endpoint
    from gateway.store.feeds import FedEvent, FeedPage


class FeedStore(Protocol):
    """Where feeds are kept."""

    async def read(
        self, endpoint_id: str, consumer: str, *, after: int | None, limit: int
    ) -> FeedPage:
        """Return events behind a position, or behind what the consumer acknowledged."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Fed:
    """An event with the headers that a webhook of it would carry."""

    event: FedEvent
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class FedPage:
    """Signed events behind a position; `position` is that of the last one."""

    items: Sequence[Fed]
    position: int


class SignedFeed:
    """The feed of one endpoint.

    Raises:
        InvalidInputError: A signing key of the endpoint can't be used.
    """

    def __init__(self, endpoint: Endpoint, store: FeedStore, clock: Clock) -> None:
        self._endpoint_id = endpoint.id
        self._store = store
        self._clock = clock
        self._signer = Signer(endpoint.secrets)

    async def read(self, consumer: str, *, after: int | None, limit: int) -> FedPage:
        """Return signed events behind a position, or behind what the consumer acknowledged.

        Raises:
            InvalidInputError: No key is left that signs.
            StoreUnavailableError: Nothing can be read now.
        """
        page = await self._store.read(self._endpoint_id, consumer, after=after, limit=limit)
        return FedPage(items=[self._signed(one) for one in page.items], position=page.position)

    def _signed(self, event: FedEvent) -> Fed:
        now_ms = self._clock.now_ms()
        timestamp_s = now_ms // 1000
        signature = self._signer.sign(
            event.id, timestamp_s=timestamp_s, body=event.body, now_ms=now_ms
        )
        headers = {
            "webhook-id": event.id,
            "webhook-timestamp": str(timestamp_s),
            "webhook-signature": signature,
        }
        return Fed(event=event, headers=headers)


def check_pulled(endpoint: Endpoint) -> None:
    """Refuse an endpoint that is only pulled and yet says where to post to.

    Raises:
        InvalidInputError: It has a URL.
    """
    if endpoint.url:
        raise InvalidInputError(
            "url: nothing is posted where events are only pulled; leave it empty, or set"
            " transport to `both`"
        )
