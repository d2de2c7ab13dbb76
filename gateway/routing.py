"""Which handler takes which notifications: Handler, and the Router that authors register them with.

A handler is an async function of a notification and a context. It returns `Event`s (or None), or
returns or raises `Later`, `Retry`, `Skip` or `Reject`. It never writes to the store, and it must be
safe to run twice: a crash, or a follow-up call that has to wait for its usage plan, runs it again
from the top.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar, overload

from pydantic import BaseModel, ValidationError

from gateway.answers import Answer
from gateway.errors import EnvelopeError
from gateway.event_types import EventType
from gateway.handling import Context, Notification
from gateway.notifications.base import PayloadModel

if TYPE_CHECKING:
    from gateway.model import StoredNotification

ModelT = TypeVar("ModelT", bound=PayloadModel)
OptionsT = TypeVar("OptionsT", bound=BaseModel)

APPLICATION_PREFIX = "APPLICATION_OAUTH_"
NEW_SECRET = "APPLICATION_OAUTH_CLIENT_NEW_SECRET"  # noqa: S105 a type
JOB_PREFIX = "JOB_"
"""Begins the type of a request for a job; a message of such a type from a queue starts none."""
TRIAL_TYPE = "GATEWAY_TRIAL"
"""The type of what `gateway doctor --trial` sends through a queue; no handler gets it."""

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
