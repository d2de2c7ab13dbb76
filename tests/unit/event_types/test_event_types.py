from __future__ import annotations

from typing import Any

import pytest
from jsonschema import ValidationError
from pydantic import BaseModel

import handlers
from gateway.event_types import EventType, event_type_of
from gateway.gateway_events import GATEWAY_EVENTS
from tests.support.events import assert_as_declared, validator_of

BUNDLED = handlers.router.event_types


class Tag(BaseModel):
    """A name and how often it was seen."""

    name: str
    count: int = 0


class Thing(BaseModel):
    """Something with tags."""

    tags: list[Tag]


THING = EventType(
    type="thing.tagged",
    summary="A thing got a tag.",
    members={"thing": Thing, "by": {"type": "string"}, "tags": list[Tag]},
    example={"thing": {"tags": [{"name": "new", "count": 1}]}, "by": "a person"},
    optional={"tags"},
)


def body(**data: Any) -> dict[str, Any]:
    example = THING.example_body()
    return {**example, "data": {**example["data"], **data}}


@pytest.mark.parametrize("event_type", [*BUNDLED, *GATEWAY_EVENTS, THING], ids=lambda one: one.type)
def test_the_example_fits_the_schema(event_type: EventType) -> None:
    schema = event_type.schema()
    assert event_type.fault() is None
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    for example in schema["examples"]:
        assert_as_declared(example, [event_type])


def test_what_is_missing_or_wrong_is_noticed() -> None:
    validator = validator_of(THING)
    validator.validate(body(tags=[]))
    for wrong in (
        body(thing={}),
        body(thing={"tags": [{"count": 1}]}),
        body(by=3),
        body(seller=3),
        body(notification={"id": "1"}),
        {**body(), "type": "thing.untagged"},
        {**body(), "timestamp": 17},
        {key: value for key, value in body().items() if key != "data"},
    ):
        with pytest.raises(ValidationError):
            validator.validate(wrong)


def test_what_no_notification_began_fits_too() -> None:
    validator_of(THING).validate(body(notification=None, seller=None, region=None))


def test_undeclared_members_are_noticed() -> None:
    with pytest.raises(AssertionError, match="extra"):
        assert_as_declared(body(extra=1), [THING])


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"type": "no spaces"}, "is no dot-separated name"),
        ({"type": "thing."}, "is no dot-separated name"),
        ({"type": "thing.*"}, "is a family without an example_type"),
        ({"type": "thing.*", "example_type": "other.tagged"}, "is a family without"),
        ({"members": {"seller": Thing}}, "declares seller, which the gateway adds"),
        ({"example": {}}, "has no example of by, thing"),
        ({"members": {"thing": object()}, "example": {"thing": 1}}, "pydantic can't describe"),
    ],
)
def test_faults_of_a_declaration(changes: dict[str, Any], fault: str) -> None:
    fields = {name: getattr(THING, name) for name in EventType.__dataclass_fields__}
    assert fault in (EventType(**{**fields, **changes}).fault() or "")


def test_a_type_of_its_own_goes_before_its_family() -> None:
    family = EventType(
        type="thing.*", summary="s", members={}, example={}, example_type="thing.seen"
    )
    declared = [family, THING]
    assert event_type_of("thing.tagged", declared) is THING
    assert event_type_of("thing.lost", declared) is family
    assert event_type_of("things.lost", declared) is None
    assert event_type_of("thing", declared) is None
    validator_of(family).validate({**family.example_body(), "type": "thing.lost"})
    with pytest.raises(ValidationError):
        validator_of(family).validate({**family.example_body(), "type": "things.lost"})
