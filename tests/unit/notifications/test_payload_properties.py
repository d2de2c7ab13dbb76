"""Whatever a payload holds: a model that keeps all of it, or a named fault."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import EnvelopeError
from gateway.notifications import OrderChange, PayloadModel
from gateway.notifications.known import TYPES
from tests.support.bodies import ORDER_PAYLOAD, camel

MODELS = tuple(one.model for one in TYPES.values() if one.model is not None)

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
keys = st.text(max_size=8) | st.sampled_from(
    [
        "AmazonOrderId",
        "amazon_order_id",
        "reportId",
        "feedId",
        "SUMMARY",
        "Summary",
        "OrderItems",
        "orderItems",
        "PurchaseDate",
        "Offers",
        "LandedPrice",
        "Amount",
        "Quantity",
        "model_config",
        "__class__",
    ]
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=6),
    max_leaves=25,
)


def read_or_named_fault(model: type[PayloadModel], payload: dict[str, Any]) -> None:
    before = repr(payload)
    try:
        typed = model.from_payload(payload)
    except EnvelopeError as exc:
        reason = str(exc)
    else:
        assert typed.raw is payload
        assert repr(payload) == before
        return
    assert reason.startswith(f"Payload.{model.wrapper or ''}"), reason


@given(st.sampled_from(MODELS), st.dictionaries(keys, values, max_size=8))
def test_any_object_in_the_wrapper(model: type[PayloadModel], inner: dict[str, Any]) -> None:
    read_or_named_fault(model, inner if model.wrapper is None else {model.wrapper: inner})


@given(st.sampled_from(MODELS), st.dictionaries(keys, values, max_size=4))
def test_any_object_without_the_wrapper(model: type[PayloadModel], payload: dict[str, Any]) -> None:
    read_or_named_fault(model, payload)


@given(st.data(), st.booleans())
def test_an_order_change_survives_any_one_odd_value(data: st.DataObject, in_camel: bool) -> None:
    payload = copy.deepcopy(ORDER_PAYLOAD)
    place: Any = payload["OrderChangeNotification"]
    key = data.draw(st.sampled_from(sorted(set(place) - {"AmazonOrderId"})))
    if isinstance(place[key], dict) and data.draw(st.booleans()):
        place = place[key]
        key = data.draw(st.sampled_from(sorted(place)))
    place[key] = data.draw(values)

    change = OrderChange.from_payload(camel(payload) if in_camel else payload)

    assert change.amazon_order_id == "123-1234567-1234567"


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_deep_nesting_is_read(model: type[PayloadModel]) -> None:
    deep: Any = 1
    for _ in range(900):
        deep = {"Summary": deep}
    read_or_named_fault(model, {model.wrapper or "": {"Summary": deep, "feedId": "1"}})


def test_many_odd_values_take_no_long_time() -> None:
    """One message may hold a megabyte of nonsense; the time to read it must grow with its size."""
    odd = [{"Quantity": "many"}, 7] * 5000
    spellings = {"PurchaseDate" + "_" * n: "soon" for n in range(2000)}
    payload = copy.deepcopy(ORDER_PAYLOAD)
    payload["OrderChangeNotification"]["Summary"] = {"OrderItems": odd, **spellings}

    change = OrderChange.from_payload(json.loads(json.dumps(payload)))

    assert len(change.summary.order_items) == 5000
    assert change.summary.purchase_date is None
