"""What the events look like that are published: one declaration a type, one JSON Schema from it.

A handler module declares the types it publishes (`Router.publishes`), so that whoever receives them
finds names, shape and an example without reading code. It decides how a declaration becomes a
schema (draft 2020-12) of the whole body. It checks no event on its way out: tests do that.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter
from pydantic.errors import PydanticUserError

DIALECT = "https://json-schema.org/draft/2020-12/schema"

_FAMILY = ".*"
_NAME = re.compile(r"[A-Za-z0-9_]+(\.[A-Za-z0-9_]+)*(\.\*)?\Z")
_TEXT_OR_NULL = {"type": ["string", "null"]}
_TIME = {"type": "string", "format": "date-time"}

_NOTIFICATION = {
    "description": "The notification that led to it; null for what a schedule or a person began.",
    "type": ["object", "null"],
    "properties": {
        "id": {"type": "string", "description": "Amazon's id."},
        "type": {"type": "string", "description": "Such as ORDER_CHANGE."},
        "payload_version": {"type": "string"},
        "event_time": {"type": ["string", "null"], "format": "date-time"},
    },
    "required": ["id", "type", "payload_version", "event_time"],
}

_COMMON: Mapping[str, Mapping[str, Any]] = {
    "seller": {**_TEXT_OR_NULL, "description": "Selling partner that it is about."},
    "region": {"enum": ["na", "eu", "fe", None], "description": "Region of the seller."},
    "marketplace": {**_TEXT_OR_NULL, "description": "Marketplace id, where there is one."},
    "notification": _NOTIFICATION,
    "replayed_from": {
        **_TEXT_OR_NULL,
        "description": "Handling that was run again, where this is a replay.",
    },
}

_COMMON_EXAMPLE: Mapping[str, Any] = {
    "seller": "A2EXAMPLESELLER",
    "region": "eu",
    "marketplace": "A1PA6795UKMFR9",
    "notification": {
        "id": "5b1f9c1e-27a4-4f0e-9a06-5d1f3a7b0c11",
        "type": "EXAMPLE",
        "payload_version": "1.0",
        "event_time": "2026-01-31T09:00:00.000Z",
    },
    "replayed_from": None,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class EventType:
    """A type of event: what is published under one name.

    Attributes:
        type: Dot-separated name such as `order.changed`; `notification.*` for a whole family.
        summary: When it is published, in one sentence.
        members: What stands in `data` beside the common members: name → a type that pydantic can
            describe (a model, `list[Row]`), or a JSON Schema as a mapping.
        example: A value for each of `members`.
        optional: Those of `members` that may be missing.
        example_type: A member of the family; needed for a family only.
        of_gateway: It is about the gateway itself: `data` has none of the common members.
        source: Notification type that usually leads to it; for the example.
    """

    type: str
    summary: str
    members: Mapping[str, Any]
    example: Mapping[str, Any]
    optional: Collection[str] = ()
    example_type: str | None = None
    of_gateway: bool = False
    source: str | None = None

    def covers(self, event_type: str) -> bool:
        """Return whether an event of this type falls under the declaration."""
        if self.type.endswith(_FAMILY):
            return event_type.startswith(self.type[: -len(_FAMILY) + 1])
        return event_type == self.type

    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema of the whole body, an example included."""
        own, definitions = _described(self.members)
        common = {} if self.of_gateway else _COMMON
        required = [*common, *(name for name in own if name not in self.optional)]
        schema: dict[str, Any] = {
            "$schema": DIALECT,
            "$id": f"urn:gateway:event:{self.type.removesuffix(_FAMILY)}",
            "title": self.type,
            "description": self.summary,
            "type": "object",
            "properties": {
                "type": self._name_schema(),
                "timestamp": {**_TIME, "description": "When it happened."},
                "data": {
                    "type": "object",
                    "properties": {**common, **own},
                    "required": required,
                },
            },
            "required": ["type", "timestamp", "data"],
            "examples": [self.example_body()],
        }
        if definitions:
            schema["$defs"] = definitions
        return schema

    def example_body(self) -> dict[str, Any]:
        """Return a whole body as a receiver gets it."""
        common = {} if self.of_gateway else dict(_COMMON_EXAMPLE)
        if self.source and common:
            common["notification"] = {**common["notification"], "type": self.source}
        return {
            "type": self.example_type or self.type,
            "timestamp": "2026-01-31T09:00:00.000Z",
            "data": {**common, **self.example},
        }

    def fault(self) -> str | None:
        """Return what is wrong with the declaration, or None."""
        if not _NAME.match(self.type):
            return "is no dot-separated name of letters, digits and underscores"
        if self.type.endswith(_FAMILY) and not (
            self.example_type and self.covers(self.example_type)
        ):
            return "is a family without an example_type that belongs to it"
        if not self.of_gateway and (clash := sorted(set(self.members) & set(_COMMON))):
            return f"declares {', '.join(clash)}, which the gateway adds itself"
        if missing := sorted(set(self.members) - set(self.example) - set(self.optional)):
            return f"has no example of {', '.join(missing)}"
        try:
            _described(self.members)
        except PydanticUserError as exc:
            return f"has a member that pydantic can't describe: {exc.message.splitlines()[0]}"
        return None

    def _name_schema(self) -> Mapping[str, Any]:
        if self.type.endswith(_FAMILY):
            prefix = re.escape(self.type[: -len(_FAMILY)])
            return {"type": "string", "pattern": rf"^{prefix}\.[A-Za-z0-9_.]+$"}
        return {"const": self.type}


def _described(members: Mapping[str, Any]) -> tuple[dict[str, Any], Mapping[str, Any]]:
    """Return the schema of each member, and the definitions that they share."""
    typed = [(n, "serialization", TypeAdapter(m)) for n, m in _typed(members)]
    schemas, shared = TypeAdapter.json_schemas(typed) if typed else ({}, {})  # type: ignore[arg-type]
    own = {name: schemas.get((name, "serialization"), member) for name, member in members.items()}
    return own, shared.get("$defs", {})


def _typed(members: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    return ((name, member) for name, member in members.items() if not isinstance(member, Mapping))


def event_type_of(event_type: str, declared: Iterable[EventType]) -> EventType | None:
    """Return the declaration that an event falls under: its own before its family's."""
    found = [one for one in declared if one.covers(event_type)]
    return max(found, key=lambda one: len(one.type.removesuffix(_FAMILY)), default=None)
