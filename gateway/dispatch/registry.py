"""Which handlers are loaded, and to which of them a notification is owed.

Loading reports every fault at once, before anything runs. Matching is what ingest asks for each
notification, so it reads no payload unless a handler's `key` needs it.
"""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib.metadata import entry_points

import structlog

from gateway.errors import EnvelopeError, Fault, HandlerRegistrationError, NotFoundError
from gateway.event_types import EventType
from gateway.gateway_events import GATEWAY_EVENTS
from gateway.model import Envelope, NotificationState, Origin, Owed, StoredNotification
from gateway.notifications.known import Unfamiliar, unfamiliar
from gateway.routing import APPLICATION_PREFIX, JOB_PREFIX, TRIAL_TYPE, Handler, KeyFunction, Router

ENTRY_POINT_GROUP = "gateway.handlers"

_NAME = re.compile(r"[a-z][a-z0-9_]*\Z")
_TYPE = re.compile(r"[A-Z][A-Z0-9_]*\Z")

_log = structlog.get_logger("gateway.dispatch")


class Registry:
    """The loaded handlers, by name and by notification type, and the event types they publish."""

    def __init__(self, handlers: Iterable[Handler], event_types: Iterable[EventType] = ()) -> None:
        self.handlers: Mapping[str, Handler] = {handler.name: handler for handler in handlers}
        self._fallbacks = tuple(one for one in self.handlers.values() if one.is_fallback)
        by_type: dict[str, list[Handler]] = {}
        for handler in self.handlers.values():
            for type_ in handler.types:
                by_type.setdefault(type_, []).append(handler)
        self._by_type = {type_: tuple(handlers) for type_, handlers in by_type.items()}
        self.event_types: Mapping[str, EventType] = {
            one.type: one for one in (*GATEWAY_EVENTS, *event_types)
        }

    def matching(self, notification_type: str) -> Sequence[Handler]:
        """Return the handlers for a type: those that name it, else the fallbacks."""
        named = self._by_type.get(notification_type)
        if named is not None:
            return named
        if notification_type.startswith((APPLICATION_PREFIX, JOB_PREFIX)):
            return ()
        return self._fallbacks

    def owed(self, envelope: Envelope) -> Sequence[Owed]:
        """Return the handlings that a notification gives rise to, with their keys."""
        return [_owed(handler, envelope) for handler in self._takers(envelope)]

    def owed_job(self, envelope: Envelope) -> Sequence[Owed]:
        """Return the handling that a request for a job gives rise to."""
        return [_owed(one, envelope) for one in self._by_type.get(envelope.type, ()) if one.is_job]

    def job(self, name: str) -> Handler:
        """Return the job of this name.

        Raises:
            NotFoundError: None of the loaded modules has one.
        """
        handler = self.handlers.get(name)
        if handler is None or not handler.is_job:
            known = ", ".join(sorted(one.name for one in self.handlers.values() if one.is_job))
            raise NotFoundError(f"there is no job {name!r}; known here: {known or 'none'}")
        return handler

    def _takers(self, envelope: Envelope) -> Sequence[Handler]:
        """Return who gets a notification.

        A payload of a version that nobody knows yet goes to the handlers whose models can read it
        all the same; where none can, it passes untyped like a type that nobody takes.
        """
        if envelope.type == TRIAL_TYPE or envelope.type.startswith(JOB_PREFIX):
            return ()
        handlers = self.matching(envelope.type)
        if unfamiliar(envelope.type, envelope.payload_version) is not Unfamiliar.VERSION:
            return handlers
        able = [one for one in handlers if _can_read(one, envelope)]
        if able or envelope.type.startswith(APPLICATION_PREFIX):
            return able
        return self._fallbacks


def _can_read(handler: Handler, envelope: Envelope) -> bool:
    try:
        handler.view(_unstored(envelope)).payload  # noqa: B018 read for what it raises
    except EnvelopeError:
        return False
    return True


def _owed(handler: Handler, envelope: Envelope) -> Owed:
    return Owed(
        handler=handler.name,
        key=_named(handler, handler.key, envelope) if handler.key else None,
        coalesce=handler.coalesce,
        once=_named(handler, handler.once, envelope) if handler.once else None,
    )


def _named(handler: Handler, function: KeyFunction, envelope: Envelope) -> str | None:
    """Return what an author's `key` or `once` makes of a notification."""
    try:
        return function(handler.view(_unstored(envelope)))
    except Exception:  # noqa: BLE001 an author's function; the run itself will name the fault
        _log.warning("handler.key_failed", handler=handler.name, type=envelope.type)
        return None


def _unstored(envelope: Envelope) -> StoredNotification:
    return StoredNotification(
        id="",
        identity=envelope.identity,
        type=envelope.type,
        payload_version=envelope.payload_version,
        seller_id=envelope.seller_id,
        marketplace_id=envelope.marketplace_id,
        application_id=envelope.application_id,
        subscription_id=envelope.subscription_id,
        event_time_ms=envelope.event_time_ms,
        received_at_ms=0,
        source="",
        origin=Origin.SQS,
        state=NotificationState.ACCEPTED,
        body=envelope.body,
    )


def load_registry(modules: Sequence[str]) -> Registry:
    """Load the routers that the settings name and check them against each other.

    Args:
        modules: Each a module with an attribute `router`, a `module:attribute`, or the name of an
            entry point of the group `gateway.handlers`.

    Raises:
        HandlerRegistrationError: With every fault found.
    """
    faults: list[Fault] = []
    handlers: list[tuple[str, Handler]] = []
    event_types: list[tuple[str, EventType]] = []
    for reference in modules:
        router = _load(reference, faults)
        if router is not None:
            handlers.extend((reference, handler) for handler in router.handlers)
            event_types.extend((reference, one) for one in router.event_types)
    _check(handlers, faults)
    _check_event_types(event_types, faults)
    if faults:
        raise HandlerRegistrationError(faults)
    return Registry((one for _, one in handlers), (one for _, one in event_types))


def _load(reference: str, faults: list[Fault]) -> Router | None:
    where = f"handlers.modules: {reference!r}"
    try:
        loaded = _resolve(reference)
    except ModuleNotFoundError as exc:
        faults.append(
            Fault(
                where=where,
                what=f"no module named {exc.name!r}",
                mend="install it, or put its folder on PYTHONPATH",
            )
        )
    except Exception as exc:  # noqa: BLE001 an author's module may raise anything on import
        faults.append(
            Fault(
                where=where,
                what=f"can't be loaded: {type(exc).__name__}: {exc}",
                mend="mend the module; `python -c 'import …'` shows the whole traceback",
            )
        )
    else:
        if isinstance(loaded, Router):
            return loaded
        faults.append(
            Fault(
                where=where,
                what=f"is a {type(loaded).__name__}, not a Router",
                mend="name a module with `router = Router()`, or `module:attribute`",
            )
        )
    return None


def _resolve(reference: str) -> object:
    for entry_point in entry_points(group=ENTRY_POINT_GROUP, name=reference):
        reference = entry_point.value
    module_name, _, attribute = reference.partition(":")
    module = importlib.import_module(module_name)
    return getattr(module, attribute or "router")


def _check(handlers: Sequence[tuple[str, Handler]], faults: list[Fault]) -> None:
    seen: dict[str, str] = {}
    for reference, handler in handlers:
        where = f"handlers.modules: {reference!r}: handler {handler.name!r}"
        if handler.name in seen:
            faults.append(
                Fault(
                    where=where,
                    what=f"has the name of a handler of {seen[handler.name]!r}",
                    mend="give one of them another name: @router.on(…, name='…')",
                )
            )
        seen.setdefault(handler.name, reference)
        for check in _CHECKS:
            fault = check(handler)
            if fault is not None:
                faults.append(Fault(where=where, what=fault[0], mend=fault[1]))


def _check_event_types(declared: Sequence[tuple[str, EventType]], faults: list[Fault]) -> None:
    seen: dict[str, tuple[str, EventType | None]] = {
        one.type: ("the gateway itself", None) for one in GATEWAY_EVENTS
    }
    for reference, event_type in declared:
        where = f"handlers.modules: {reference!r}: event type {event_type.type!r}"
        other, same = seen.setdefault(event_type.type, (reference, event_type))
        if same is not event_type:
            mend = "let one of them declare it, or rename it"
            faults.append(Fault(where=where, what=f"is declared by {other!r} too", mend=mend))
        if (what := event_type.fault()) is not None:
            faults.append(Fault(where=where, what=what, mend="see EventType's docstring"))


def _bad_name(handler: Handler) -> tuple[str, str] | None:
    if _NAME.match(handler.name):
        return None
    return "is no valid name", "use lower-case letters, digits and underscores"


def _bad_types(handler: Handler) -> tuple[str, str] | None:
    wrong = sorted(type_ for type_ in handler.types if not _TYPE.match(type_))
    if not wrong:
        return None
    return f"takes {', '.join(map(repr, wrong))}", "write types as Amazon does: 'ORDER_CHANGE'"


def _bad_function(handler: Handler) -> tuple[str, str] | None:
    if not inspect.iscoroutinefunction(handler.function):
        return "is no async function", "write `async def`"
    try:
        inspect.signature(handler.function).bind(None, None)
    except TypeError:
        return "takes other arguments than (notification, ctx)", "give it exactly these two"
    return None


def _bad_options(handler: Handler) -> tuple[str, str] | None:
    if handler.coalesce and handler.key is None:
        return "coalesces without a key", "add key=lambda n: …"
    if handler.coalesce and handler.once is not None:
        return "coalesces what is handled once", "use one of coalesce and once"
    if handler.concurrency is not None and handler.concurrency < 1:
        return f"has concurrency {handler.concurrency}", "use 1 or more"
    if handler.timeout_s is not None and handler.timeout_s <= 0:
        return f"has timeout_s {handler.timeout_s}", "use a positive number of seconds"
    return None


_CHECKS: Sequence[Callable[[Handler], tuple[str, str] | None]] = (
    _bad_name,
    _bad_types,
    _bad_function,
    _bad_options,
)
