"""Every type: in both casings and every wrapping it is typed, whole, and known by its ids."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from gateway import notifications
from gateway.identifiers import identifiers_of
from gateway.notifications import PayloadModel
from gateway.notifications.kinds import EventFilter, Standing, Workflow
from gateway.notifications.known import TYPES, Unfamiliar, unfamiliar
from gateway.notifications.reading import Reading, read_body
from gateway.simulator.notifications import known_types as simulated_types
from gateway.simulator.notifications import notification as simulated
from gateway.simulator.payloads import Subject
from gateway.spapi.catalog import Catalog
from tests.support.bodies import (
    NOTIFICATION_ID,
    camel,
    eventbridge,
    lower,
    notification,
    pascal,
    sns,
    text,
)
from tests.support.mutations import mutated, odd
from tests.support.payloads import SAMPLES, Sample, whole

MODELS = [one.model for one in TYPES.values() if one.model is not None]


CASINGS = {"own": lambda value: value, "camel": camel, "pascal": pascal, "lower": lower}
WRAPPINGS = {
    "bare": text,
    "eventbridge": lambda body: text(eventbridge(body)),
    "json string": lambda body: json.dumps(text(body)),
    "sns": lambda body: text(sns(text(body))),
    "eventbridge in sns": lambda body: text(sns(text(eventbridge(body)))),
}


def at(value: Any, path: str) -> Any:
    for step in path.split("."):
        value = value[int(step)] if isinstance(value, list) else value[step]
    return value


def extras(model: BaseModel) -> Iterator[Any]:
    """What no field of the model, or of a model inside it, has read."""
    yield from (model.model_extra or {}).items()
    for name in type(model).model_fields:
        value = getattr(model, name)
        for part in value if isinstance(value, tuple) else (value,):
            if isinstance(part, BaseModel):
                yield from extras(part)


@pytest.mark.parametrize("wrap", WRAPPINGS.values(), ids=list(WRAPPINGS))
@pytest.mark.parametrize("spell", CASINGS.values(), ids=list(CASINGS))
@pytest.mark.parametrize("sample", SAMPLES, ids=str)
def test_is_typed(sample: Sample, spell: Any, wrap: Any) -> None:
    body = spell(whole(sample))

    reading = read_body(wrap(body))

    assert reading.fault is None
    assert reading.envelope is not None
    assert reading.envelope.type == sample.type
    assert reading.envelope.payload_version == sample.version
    assert reading.envelope.identity == NOTIFICATION_ID
    assert type(reading.typed) is TYPES[sample.type].model
    assert not list(extras(reading.typed))
    fields = reading.typed.model_dump(mode="json")
    assert {path: at(fields, path) for path in sample.read} == sample.read
    # Nothing is lost: the model gives the payload back, and that reads as the same model.
    again = json.loads(reading.typed.to_json())
    assert again == (body.get("Payload") or body.get("payload"))
    assert type(reading.typed).from_payload(again) == reading.typed


@pytest.mark.parametrize("spell", CASINGS.values(), ids=list(CASINGS))
@pytest.mark.parametrize("sample", SAMPLES, ids=str)
def test_is_known_by_its_ids(sample: Sample, spell: Any) -> None:
    reading = read_body(text(spell(whole(sample))))

    found = {name: getattr(reading.identifiers, name) for name in sample.ids}
    assert found == sample.ids
    assert reading.envelope is not None
    assert reading.envelope.seller_id == sample.ids["seller_id"]
    assert reading.envelope.marketplace_id == sample.ids["marketplace_id"]


def standing_at(value: Any, path: str) -> Iterator[Any]:
    """The values at a path of `Places`."""
    step, _, rest = path.partition(".")
    name, _, pair = step.partition("[Name=")
    name = name.removesuffix("[]")
    if not isinstance(value, dict) or name not in value:
        return
    inner = value[name]
    if pair:
        for one in inner:
            if one[f"{name[:-1]}Name"] == pair.removesuffix("]"):
                yield one[f"{name[:-1]}Value"]
        return
    for one in inner if step.endswith("[]") else (inner,):
        yield from standing_at(one, rest) if rest else (one,)


@pytest.mark.parametrize("sample", SAMPLES, ids=str)
def test_the_data_say_where_ids_stand(sample: Sample) -> None:
    places = TYPES[sample.type].places
    ids = identifiers_of(sample.payload)
    found = {
        "asin": places.asin,
        "sku": places.sku,
        "order": places.order,
        "seller": places.seller,
        "marketplace": places.marketplace,
    }
    if sample.type == "MFN_ORDER_STATUS_CHANGE" and "MFNOrderNotification" in sample.payload:
        return  # the table names the newer wrapper
    values = {
        name: {str(one).removeprefix("amzn1.merchant.o.") for one in standing_at(sample.payload, p)}
        for name, p in found.items()
        if p is not None
    }
    assert values.pop("asin", set()) == set(ids.asins)
    assert values.pop("sku", set()) == set(ids.skus)
    assert values.pop("order", set()) == ({ids.order_id} - {None})
    seller = values.pop("seller", set())
    if "accountId" not in str(sample.payload) or seller:
        assert seller == ({ids.seller_id} - {None})
    if sample.type != "FBA_INVENTORY_AVAILABILITY_CHANGES":  # there it stands in each row
        assert values.pop("marketplace", set()) == ({ids.marketplace_id} - {None})
    for path in places.document:
        assert list(standing_at(sample.payload, path)), path


# ── the table ─────────────────────────────────────────────────────────────────────────────────────


def test_every_type_is_there() -> None:
    standings = Counter(one.standing for one in TYPES.values())
    assert standings == {
        Standing.LIVE: 24,
        Standing.APPLICATION: 2,
        Standing.UNDESCRIBED: 2,
        Standing.ANNOUNCED: 2,
        Standing.WITHDRAWN: 2,
    }
    assert {one.type for one in SAMPLES} == {
        one.name for one in TYPES.values() if one.model is not None
    }
    assert {one.name for one in TYPES.values() if one.model is None} == {
        "BOPIS_CHECKIN_DETAILS",
        "SHIPPING_CHARGE_NOTIFICATION",
    }


def test_every_model_is_named_by_its_type_and_exported() -> None:
    for one in TYPES.values():
        if one.model is not None:
            assert one.model.notification_type == one.name
            assert getattr(notifications, one.model.__name__) is one.model


def test_follow_up_calls_exist() -> None:
    operations = {one.id for one in Catalog.load().operations}
    named = {call for one in TYPES.values() for call in one.follow_up}
    assert named <= operations


def test_filters_are_as_amazon_has_them() -> None:
    live = [one for one in TYPES.values() if one.subscribable]
    assert sum(one.filter_expression for one in live) == 16
    for one in live:
        assert one.workflow is not None
        assert not (one.filter_expression and one.workflow is Workflow.EVENT_BRIDGE)
        assert bool(one.event_filter_fields) is (one.event_filter is not EventFilter.NONE)
    sellerless = {one.name for one in live if not one.names_seller}
    assert sellerless == {
        "ACCOUNT_STATUS_CHANGED",
        "BRANDED_ITEM_CONTENT_CHANGE",
        "ITEM_PRODUCT_TYPE_CHANGE",
        "SHIPMENT_TRACKING_MILESTONE_CHANGED",
    }


def nested(model: type[BaseModel], seen: set[type[BaseModel]]) -> set[type[BaseModel]]:
    """The models that the fields of a model, and theirs, are made of."""
    if model not in seen:
        seen.add(model)
        for info in model.model_fields.values():
            for part in parts_of(info.annotation):
                nested(part, seen)
    return seen


def parts_of(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in getattr(annotation, "__args__", ()):
        yield from parts_of(argument)


def test_fields_are_documented_and_never_named_like_their_type() -> None:
    parts: set[type[BaseModel]] = set()
    for model in MODELS:
        nested(model, parts)
    for part in parts:
        assert part.__doc__, part
        for name, info in part.model_fields.items():
            assert name == name.lower()
            # Such a field would accept nothing but None, without a word.
            assert info.annotation is not type(None), f"{part.__name__}.{name}"


# ── what nobody knows ─────────────────────────────────────────────────────────────────────────────


def test_unknown_types_and_versions_are_untyped_and_no_fault() -> None:
    order = whole(next(one for one in SAMPLES if one.type == "ORDER_CHANGE"))
    unknown = read_body(text(notification("SOMETHING_NEW", {"Id": "1"})))
    undescribed = read_body(text(notification("BOPIS_CHECKIN_DETAILS", {"Id": "1"})))
    readable = read_body(text({**order, "PayloadVersion": "1.1"}))
    unreadable = read_body(text({**order, "PayloadVersion": "2.0", "Payload": {"Order": 7}}))

    assert (unknown.typed, unknown.fault, unknown.untyped_for) == (None, None, Unfamiliar.TYPE)
    assert (undescribed.fault, undescribed.untyped_for) == (None, Unfamiliar.SHAPE)
    assert readable.typed is not None
    assert (unreadable.typed, unreadable.fault) == (None, None)
    assert unreadable.untyped_for is Unfamiliar.VERSION


@pytest.mark.parametrize(
    ("type_", "version", "reason"),
    [
        ("ORDER_CHANGE", "1.0", None),
        ("ORDER_CHANGE", "", None),
        ("ORDER_CHANGE", "9", Unfamiliar.VERSION),
        ("REPORT_PROCESSING_FINISHED", "2020-09-04", None),
        ("TAX_INVOICE_EXPORT_STATUS_CHANGE", "anything", None),
        ("SHIPPING_CHARGE_NOTIFICATION", "1.0", Unfamiliar.SHAPE),
        ("SOMETHING_NEW", "1.0", Unfamiliar.TYPE),
    ],
)
def test_what_is_familiar(type_: str, version: str, reason: Unfamiliar | None) -> None:
    assert unfamiliar(type_, version) is reason


# ── mutations ─────────────────────────────────────────────────────────────────────────────────────


def holds_together(reading: Reading) -> None:
    """What is always true of a reading: a named fault, or a model that lost nothing."""
    if reading.envelope is None:
        assert reading.fault is not None
        assert ": " in reading.fault
        return
    if reading.typed is None:
        assert reading.untyped_for is not None or (reading.fault or "").startswith("Payload")
        return
    assert isinstance(reading.typed, PayloadModel)
    assert reading.fault is None
    again = json.loads(reading.typed.to_json())
    assert again == reading.typed.raw
    assert type(reading.typed).from_payload(again) == reading.typed


@given(mutated(), st.sampled_from(list(CASINGS.values())), st.sampled_from(list(WRAPPINGS)))
def test_mutated_bodies_are_read_or_named_as_faulty(
    one: tuple[Sample, dict[str, Any]], spell: Any, wrapping: str
) -> None:
    _, body = one
    holds_together(read_body(WRAPPINGS[wrapping](spell(body))))


@given(st.sampled_from(SAMPLES), st.dictionaries(st.text(max_size=6), odd, max_size=4))
def test_any_payload_of_any_type(sample: Sample, payload: dict[str, Any]) -> None:
    holds_together(read_body(json.dumps(whole(sample, payload), ensure_ascii=True)))


def test_a_deep_payload_loses_nothing() -> None:
    deep: Any = 1
    for _ in range(400):
        deep = {"x": deep}
    sample = next(one for one in SAMPLES if one.type == "LISTINGS_ITEM_STATUS_CHANGE")
    holds_together(read_body(json.dumps(whole(sample, {**sample.payload, "Deep": deep}))))


@pytest.mark.parametrize("type_", simulated_types())
def test_what_the_simulator_sends_is_typed_whole(type_: str) -> None:
    reading = read_body(simulated(type_, Subject(seller_id="A3SELLERTEST01", at_ms=1772359200000)))

    assert reading.fault is None
    assert reading.typed is not None, reading.untyped_for
    assert type(reading.typed) is TYPES[type_].model
    # Of offers not everything is typed, on purpose.
    assert "OFFER_CHANGED" in type_ or not list(extras(reading.typed))
