"""What must be true of a body that Amazon calls right, in whatever casing and wrapping."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import orjson

from gateway.notifications import PayloadModel
from gateway.notifications.known import TYPES
from gateway.notifications.reading import Reading, read_body
from tests.support.bodies import camel, eventbridge, lower, pascal, sns, text

CASINGS: Mapping[str, Callable[[Any], Any]] = {
    "as it is": lambda body: body,
    "camelCase": camel,
    "PascalCase": pascal,
    "lower case": lower,
}
WRAPPINGS: Mapping[str, Callable[[Any], str]] = {
    "bare": text,
    "EventBridge": lambda body: text(eventbridge(body)),
    "a JSON string": lambda body: json.dumps(text(body)),
    "SNS": lambda body: text(sns(text(body))),
}


def forms(body: Any) -> Iterator[tuple[str, Any, str]]:
    """Yield each form of a body: its name, the body in its casing, the text of the message."""
    for casing, spell in CASINGS.items():
        for wrapping, wrap in WRAPPINGS.items():
            spelled = spell(body)
            yield f"{casing}, {wrapping}", spelled, wrap(spelled)


def fault_of(body: Any, message: str, *, type_: str) -> str | None:
    """Return what is wrong with the way a message is read, or None; `body` is what it holds."""
    reading = read_body(message)
    if reading.envelope is None:
        return None if _odd_id(body, reading) else f"no notification: {reading.fault}"
    if reading.fault is not None:
        return None if _blank_id(body, reading) else f"not typed: {reading.fault}"
    if reading.typed is None:
        return None if type_ not in TYPES else f"untyped: {reading.untyped_for}"
    return _loss(reading.typed, _member(body, "payload"), type_)


def _loss(typed: PayloadModel, payload: Any, type_: str) -> str | None:
    if type(typed) is not TYPES[type_].model:
        return f"read as {type(typed).__name__}"
    again = json.loads(typed.to_json())
    if again != orjson.loads(orjson.dumps(payload)):
        return "the payload does not come back whole"
    if type(typed).from_payload(again) != typed:
        return "what comes back reads as something else"
    return None


def is_typed(message: str) -> bool:
    """Whether the body became a model."""
    return read_body(message).typed is not None


def _odd_id(body: Any, reading: Reading) -> bool:
    """Whether the notification id is one that no store could keep, and the fault says so."""
    if not (reading.fault or "").startswith("NotificationMetadata.NotificationId: "):
        return False
    id_ = str(_member(_member(body, "notificationmetadata"), "notificationid"))
    return not id_.strip().isprintable() or len(id_) > 256


def _blank_id(body: Any, reading: Reading) -> bool:
    """Whether the field that the fault names is there and blank: right by schema, useless."""
    path = (reading.fault or "").partition(":")[0].split(".")
    at: Any = body
    for step in path:
        at = _member(at, step.replace("_", "").lower())
    return isinstance(at, str) and not at.strip()


def _member(value: Any, folded: str) -> Any:
    if not isinstance(value, dict):
        return None
    found = [inner for key, inner in value.items() if key.replace("_", "").lower() == folded]
    return found[-1] if found else None
