"""What handler authors write with: Router, Notification, Context and the outcomes of a run.

A handler is an async function of a notification and a context. It returns `Event`s (or None), or
returns or raises `Later`, `Retry`, `Skip` or `Reject`. It never writes to the store, and it must be
safe to run twice: a crash, or a follow-up call that has to wait for its usage plan, runs it again
from the top.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

import orjson
from pydantic import BaseModel, ValidationError

from gateway.answers import (
    Answer,
    ClientSecret,
    Event,
    Later,
    Outcome,
    Reject,
    Remember,
    Retry,
    Skip,
)
from gateway.documents.shelf import DocumentShelf
from gateway.envelope import payload_of
from gateway.errors import EnvelopeError, NotFoundError
from gateway.event_types import EventType
from gateway.identifiers import Identifiers, identifiers_of
from gateway.notifications.base import PayloadModel

if TYPE_CHECKING:
    from structlog.typing import FilteringBoundLogger

    from gateway.documents.library import Library
    from gateway.model import StoredNotification
    from gateway.spapi.calls import ApplicationCalls, SellerCalls

__all__ = [
    "APPLICATION_PREFIX",
    "JOB_PREFIX",
    "NEW_SECRET",
    "TRIAL_TYPE",
    "Answer",
    "ClientSecret",
    "Context",
    "Event",
    "Handler",
    "HandlerFunction",
    "KeyFunction",
    "Later",
    "Notification",
    "Outcome",
    "Reject",
    "Remember",
    "Retry",
    "Router",
    "Skip",
]

PayloadT = TypeVar("PayloadT")
ModelT = TypeVar("ModelT", bound=PayloadModel)

OptionsT = TypeVar("OptionsT", bound=BaseModel)

APPLICATION_PREFIX = "APPLICATION_OAUTH_"
NEW_SECRET = "APPLICATION_OAUTH_CLIENT_NEW_SECRET"  # noqa: S105 a type
JOB_PREFIX = "JOB_"
"""Begins the type of a request for a job; a message of such a type from a queue starts none."""
TRIAL_TYPE = "GATEWAY_TRIAL"
"""The type of what `gateway doctor --trial` sends through a queue; no handler gets it."""


# ── notification and context ─────────────────────────────────────────────────────────────────────


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


# ── registration ─────────────────────────────────────────────────────────────────────────────────

HandlerFunction = Callable[[Notification[Any], Context], Awaitable[Answer]]
KeyFunction = Callable[[Notification[Any]], str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Handler:
    """One registered handler.

    Attributes:
        types: Notification types it takes; empty for a fallback.
        models: Payload models by the type that each is for; a type without one is a plain mapping.
        options: For a job: what can be asked of it.
        key: Handlings of one (handler, seller, key) run one at a time.
        coalesce: Those that wait behind one key collapse into the newest.
        once: At most one handling of a (handler, seller, once) ends handled.
        concurrency: Runs at once in one process; None for the setting.
        timeout_s: Time limit of one run; None for the setting.
        schedule_s: Delays before each try; None for the setting.
    """

    name: str
    function: HandlerFunction
    types: frozenset[str] = frozenset()
    models: Mapping[str, type[PayloadModel]] = field(default_factory=dict)
    options: type[BaseModel] | None = None
    key: KeyFunction | None = None
    coalesce: bool = False
    once: KeyFunction | None = None
    concurrency: int | None = None
    timeout_s: float | None = None
    schedule_s: Sequence[float] | None = None

    @property
    def is_fallback(self) -> bool:
        """Whether it takes the types that no other loaded handler takes."""
        return not self.types

    @property
    def is_job(self) -> bool:
        """Whether it is started by a schedule or a request, not by a notification."""
        return self.options is not None

    def view(self, stored: StoredNotification) -> Notification[Any]:
        """Return the notification as this handler sees it."""
        if self.options is not None:
            return Notification(stored, self._read_options)
        model = self.models.get(stored.type)
        return Notification(stored, model.from_payload if model else _as_mapping)

    def _read_options(self, payload: Mapping[str, Any]) -> BaseModel:
        assert self.options is not None
        try:
            return self.options.model_validate(payload.get("options", {}))
        except ValidationError as exc:
            where = ", ".join(".".join(map(str, one["loc"])) for one in exc.errors())
            raise EnvelopeError(f"options of the job {self.name}: {where}") from exc


def _as_mapping(payload: Mapping[str, Any]) -> Mapping[str, Any]:
    return payload


class Router:
    """A set of handlers, to be named under `[handlers] modules`."""

    def __init__(self) -> None:
        self._handlers: list[Handler] = []
        self._event_types: list[EventType] = []

    @property
    def handlers(self) -> Sequence[Handler]:
        """The handlers registered so far, in order."""
        return tuple(self._handlers)

    @property
    def event_types(self) -> Sequence[EventType]:
        """The event types declared so far, in order."""
        return tuple(self._event_types)

    def publishes(self, *event_types: EventType) -> None:
        """Declare what the handlers publish; `gateway events schema` shows it to receivers."""
        self._event_types.extend(event_types)

    @overload
    def on(
        self,
        first: type[ModelT],
        /,
        *more: type[ModelT],
        name: str | None = None,
        key: Callable[[Notification[ModelT]], str | None] | None = None,
        coalesce: bool = False,
        once: Callable[[Notification[ModelT]], str | None] | None = None,
        concurrency: int | None = None,
        timeout_s: float | None = None,
        schedule_s: Sequence[float] | None = None,
    ) -> Callable[
        [Callable[[Notification[ModelT], Context], Awaitable[Answer]]],
        Callable[[Notification[ModelT], Context], Awaitable[Answer]],
    ]: ...

    @overload
    def on(
        self,
        first: str,
        /,
        *more: str,
        name: str | None = None,
        key: Callable[[Notification[Mapping[str, Any]]], str | None] | None = None,
        coalesce: bool = False,
        once: Callable[[Notification[Mapping[str, Any]]], str | None] | None = None,
        concurrency: int | None = None,
        timeout_s: float | None = None,
        schedule_s: Sequence[float] | None = None,
    ) -> Callable[
        [Callable[[Notification[Mapping[str, Any]], Context], Awaitable[Answer]]],
        Callable[[Notification[Mapping[str, Any]], Context], Awaitable[Answer]],
    ]: ...

    def on(  # noqa: PLR0913 the options of a handler, named
        self,
        first: type[PayloadModel] | str,
        /,
        *more: type[PayloadModel] | str,
        name: str | None = None,
        key: KeyFunction | None = None,
        coalesce: bool = False,
        once: KeyFunction | None = None,
        concurrency: int | None = None,
        timeout_s: float | None = None,
        schedule_s: Sequence[float] | None = None,
    ) -> Callable[[HandlerFunction], HandlerFunction]:
        """Register the decorated function for payload models, or for types by name.

        The handler's name is the function's unless `name` is given; it is what the store, the
        metrics and `[handlers.<name>]` call it, so don't change it while handlings wait.
        """
        named = (first, *more)
        models = {one.notification_type: one for one in named if not isinstance(one, str)}
        types = frozenset(models) | {one for one in named if isinstance(one, str)}

        def register(function: HandlerFunction) -> HandlerFunction:
            self._handlers.append(
                Handler(
                    name=name or function.__name__,
                    function=function,
                    types=types,
                    models=models,
                    key=key,
                    coalesce=coalesce,
                    once=once,
                    concurrency=concurrency,
                    timeout_s=timeout_s,
                    schedule_s=schedule_s,
                )
            )
            return function

        return register

    def job(
        self,
        options: type[OptionsT],
        /,
        *,
        name: str | None = None,
        key: Callable[[Notification[OptionsT]], str | None] | None = None,
        timeout_s: float | None = None,
        schedule_s: Sequence[float] | None = None,
    ) -> Callable[
        [Callable[[Notification[OptionsT], Context], Awaitable[Answer]]],
        Callable[[Notification[OptionsT], Context], Awaitable[Answer]],
    ]:
        """Register the decorated function as a job, which a schedule or a request starts.

        Its notification is the request; `payload` has the options that were given.

        Args:
            options: What can be asked of it, as a pydantic model. What doesn't fit it is refused
                where it is asked for: in `[[schedules]]`, on the command line, over HTTP.
            name: The function's unless given; see `on`.
            key: See `on`.
            timeout_s: See `on`.
            schedule_s: See `on`.
        """

        def register(function: HandlerFunction) -> HandlerFunction:
            job = name or function.__name__
            self._handlers.append(
                Handler(
                    name=job,
                    function=function,
                    types=frozenset({JOB_PREFIX + job.upper()}),
                    options=options,
                    key=key,
                    timeout_s=timeout_s,
                    schedule_s=schedule_s,
                )
            )
            return function

        return register

    def fallback(
        self, *, name: str | None = None, concurrency: int | None = None
    ) -> Callable[[HandlerFunction], HandlerFunction]:
        """Register the decorated function for types that no other loaded handler takes.

        Notifications about the application's own credentials (`APPLICATION_OAUTH_…`) never reach
        a fallback.
        """

        def register(function: HandlerFunction) -> HandlerFunction:
            self._handlers.append(
                Handler(name=name or function.__name__, function=function, concurrency=concurrency)
            )
            return function

        return register

    def include(self, *routers: Router) -> None:
        """Take over the handlers and event types of other routers."""
        for router in routers:
            self._handlers.extend(router.handlers)
            self._event_types.extend(router.event_types)
