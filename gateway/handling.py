"""What a handler is run with: the notification that it takes, and the context of the run.

The payload is read when it is asked for. Nothing here writes to the store.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import orjson

from gateway.documents.shelf import DocumentShelf
from gateway.envelope import payload_of
from gateway.errors import NotFoundError
from gateway.identifiers import Identifiers, identifiers_of

if TYPE_CHECKING:
    from structlog.typing import FilteringBoundLogger

    from gateway.documents.library import Library
    from gateway.model import StoredNotification
    from gateway.spapi.calls import ApplicationCalls, SellerCalls

PayloadT = TypeVar("PayloadT")


class Notification(Generic[PayloadT]):
    """A notification as a handler sees it; the payload is read when it is asked for."""

    def __init__(
        self, stored: StoredNotification, read: Callable[[Mapping[str, Any]], PayloadT]
    ) -> None:
        self._stored = stored
        self._read = read

    @property
    def id(self) -> str:
        """The gateway's id (`ntf_…`)."""
        return self._stored.id

    @property
    def notification_id(self) -> str:
        """Amazon's id; where the type carries none, a digest of the body."""
        return self._stored.identity

    @property
    def type(self) -> str:
        """Notification type such as `ORDER_CHANGE`."""
        return self._stored.type

    @property
    def payload_version(self) -> str:
        """Version of the payload's shape; empty where the message names none."""
        return self._stored.payload_version

    @property
    def seller_id(self) -> str | None:
        """Selling partner the notification is about, as far as it is known."""
        return self._stored.seller_id

    @property
    def marketplace_id(self) -> str | None:
        """Marketplace that the payload names, if it names one."""
        return self._stored.marketplace_id

    @property
    def event_time(self) -> datetime | None:
        """When it happened, according to Amazon, in UTC."""
        return _utc(self._stored.event_time_ms)

    @property
    def received_at(self) -> datetime:
        """When the gateway took it from the queue, in UTC."""
        received = _utc(self._stored.received_at_ms)
        assert received is not None
        return received

    @cached_property
    def raw(self) -> Mapping[str, Any]:
        """The whole notification as it came, without the wrappers round it."""
        raw: Mapping[str, Any] = orjson.loads(self._stored.body)
        return raw

    @property
    def size_bytes(self) -> int:
        """Size of the whole notification as JSON."""
        return len(self._stored.body)

    @cached_property
    def identifiers(self) -> Identifiers:
        """Seller, marketplace, order, ASIN and SKU of the payload, in whatever spelling.

        Cheap enough for a `key`: nothing is typed for it.
        """
        return identifiers_of(payload_of(self._stored.body))

    @cached_property
    def payload(self) -> PayloadT:
        """The payload, typed if the handler named a model, else a mapping.

        Raises:
            EnvelopeError: The payload doesn't fit the model; the handling ends as dead.
        """
        return self._read(payload_of(self._stored.body))


def _utc(at_ms: int | None) -> datetime | None:
    return None if at_ms is None else datetime.fromtimestamp(at_ms / 1000, UTC)


@dataclass(frozen=True, kw_only=True)
class Context:
    """What a handler has at hand during one run.

    Attributes:
        handling_id: Id of the handling (`hdl_…`).
        tries: Failed runs before this one.
        state: What the last `Later` kept, or None in the first run.
        seller_id: Seller of the notification, or None.
        region: `na`, `eu` or `fe`; None for a seller that is not configured.
        marketplace_ids: Marketplaces configured for the seller.
        is_replay: Whether an operator runs an older notification again.
        settings: The table `[handlers.<name>]` of the settings.
        log: Logger bound to this handling.
        now: When the run began, in UTC.
    """

    handling_id: str
    tries: int
    now: datetime
    log: FilteringBoundLogger
    state: Any = None
    seller_id: str | None = None
    region: str | None = None
    marketplace_ids: Sequence[str] = ()
    is_replay: bool = False
    settings: Mapping[str, Any] = field(default_factory=dict)
    calls: SellerCalls | None = field(default=None, repr=False)
    recall: Callable[[str], Awaitable[Any]] | None = field(default=None, repr=False)
    along: Callable[[], AsyncIterator[Notification[Any]]] | None = field(default=None, repr=False)
    library: Library | None = field(default=None, repr=False)
    applications: Callable[[str], Awaitable[ApplicationCalls]] | None = field(
        default=None, repr=False
    )

    async def application(self, client_id: str) -> ApplicationCalls:
        """Return the grantless calls of the application with this client id.

        Raises:
            NotFoundError: It is not configured.
        """
        if self.applications is None:
            raise NotFoundError("no application is at hand")
        return await self.applications(client_id)

    @cached_property
    def documents(self) -> DocumentShelf:
        """Where the handler stores documents that its events link to."""
        if self.library is None:
            raise NotFoundError("no place for documents is set; see [documents] in the settings")
        return DocumentShelf(self.library, handling_id=self.handling_id, seller_id=self.seller_id)

    async def remembered(self, name: str) -> Any:
        """Return what this handler last answered as `Remember` of a thing of this seller, or None.

        Raises:
            StoreUnavailableError: It can't be read now; let it pass, and the run is repeated.
        """
        return None if self.recall is None else await self.recall(name)

    async def taken_along(self) -> AsyncIterator[Notification[Any]]:
        """Yield the other notifications that this handling stands for, the newest first.

        They are those of a handler with `coalesce` that waited behind its key. Batches are made of
        them: one call for twenty items, say. In a run that goes on after `Later` they are the same.

        Raises:
            StoreUnavailableError: They can't be read now; let it pass, and the run is repeated.
        """
        if self.along is not None:
            async for notification in self.along():
                yield notification

    @property
    def spapi(self) -> SellerCalls:
        """SP-API calls in the name of the notification's seller, inside its usage plan.

        Raises:
            NotFoundError: The notification names no seller that the gateway knows.
        """
        if self.calls is None:
            raise NotFoundError(
                f"no follow-up call can be made: seller {self.seller_id!r} is not configured; "
                "add it under [[sellers]] with its refresh token"
            )
        return self.calls
