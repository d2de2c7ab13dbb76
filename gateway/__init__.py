"""The SP-API event gateway: what handler authors import.

`Router` registers handlers; a handler gets a `Notification` and a `Context` and answers with
`Event`s or one of the outcomes `Later`, `Retry`, `Skip`, `Reject`; an `EventType` declares what its
events look like. Typed payloads are in `gateway.notifications`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gateway.answers import ClientSecret, Event, Later, Reject, Remember, Retry, Skip
    from gateway.event_types import EventType
    from gateway.handling import Context, Notification
    from gateway.routing import Router

__all__ = [
    "ClientSecret",
    "Context",
    "Event",
    "EventType",
    "Later",
    "Notification",
    "Reject",
    "Remember",
    "Retry",
    "Router",
    "Skip",
]


_HOMES = {
    "Context": "handling",
    "EventType": "event_types",
    "Notification": "handling",
    "Router": "routing",
}
"""Modules of what is no answer."""


def __getattr__(name: str) -> Any:
    """Load the façade when it is used, so that the engine's own modules don't pay for it."""
    if name in __all__:
        return getattr(import_module(f"gateway.{_HOMES.get(name, 'answers')}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
