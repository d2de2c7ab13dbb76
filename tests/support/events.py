"""Events held against the JSON Schemas that are published for them, by an independent judge."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import orjson
from jsonschema import Draft202012Validator
from jsonschema.protocols import Validator

from gateway.answers import Event
from gateway.event_types import EventType, event_type_of
from gateway.routing import Router

MAX_BYTES = 20_000
"""What an event's body must stay under; larger things are stored and linked."""


def validator_of(event_type: EventType) -> Validator:
    """Return what checks a body; formats, such as that of times, are checked too."""
    schema = event_type.schema()
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)


def assert_as_declared(body: dict[str, Any], declared: Iterable[EventType]) -> None:
    """The body fits the schema of its type, and says nothing that the schema doesn't know."""
    event_type = event_type_of(body["type"], declared)
    assert event_type is not None, f"{body['type']} is declared by nobody"
    validator_of(event_type).validate(body)
    known = set(event_type.schema()["properties"]["data"]["properties"])
    assert set(body["data"]) <= known, set(body["data"]) - known


def assert_fits(router: Router, event: Event) -> None:
    """A handler's event, with what the gateway adds, is as its router declares it."""
    common = dict.fromkeys(("seller", "region", "marketplace", "notification", "replayed_from"))
    body = {
        "type": event.type,
        "timestamp": "2026-01-31T09:00:00.000Z",
        "data": {**common, **event.data},
    }
    assert len(orjson.dumps(body)) < MAX_BYTES
    assert_as_declared(orjson.loads(orjson.dumps(body)), router.event_types)
