"""The SP-API event gateway: what handler authors import.

`Router` registers handlers; a handler gets a `Notification` and a `Context` and answers with
`Event`s or one of the outcomes `Later`, `Retry`, `Skip`, `Reject`; an `EventType` declares what its
events look like. Typed payloads are in `gateway.notifications`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gateway.event_types import EventType
    from gateway.handling import (
        ClientSecret,
        Context,
        Event,
        Later,
        Notification,
        Reject,
        Remember,
        Retry,
        Router,
        Skip,
    )

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


def __getattr__(name: str) -> Any:
    """Load the façade when it is used, so that the engine's own modules don't pay for it."""
    if name in __all__:
        from gateway import handling  # noqa: PLC0415 see above

        return getattr(handling, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
