"""Every bundled handler of a notification type: its events fit what it declares, whatever comes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given

from gateway.dispatch.registry import Registry, load_registry
from gateway.model import HandlingState
from tests.support.bodies import camel, pascal, text
from tests.support.handler_runs import CannedCalls, bodies, run, stored
from tests.support.mutations import mutated
from tests.support.payloads import GERMANY, SAMPLES, SKU, Sample, whole

MODULES = (
    "account_status",
    "catalog_change",
    "external_fulfillment",
    "fee_promotion",
    "fulfillment_order",
    "hourly_figures",
    "inventory_change",
    "listing_change",
    "offer_change",
    "outbound_shipment",
    "pricing_health",
    "shipment_tracking",
    "transaction_update",
)
REGISTRY = load_registry([f"handlers.{name}" for name in (*MODULES, "passthrough")])
HANDLED = [
    one
    for one in SAMPLES
    if not one.type.startswith("APPLICATION_")
    and not all(each.is_fallback for each in REGISTRY.matching(one.type))
]
PASSED = [one for one in SAMPLES if one not in HANDLED and not one.type.startswith("APPLICATION_")]

LISTING = {
    "sku": SKU,
    "summaries": [{"marketplaceId": GERMANY, "asin": "B0TESTMUG1", "status": ["BUYABLE"]}],
    "issues": [{"code": "90220", "message": "x" * 500, "severity": "ERROR"}] * 300,
    "offers": [
        {
            "marketplaceId": GERMANY,
            "offerType": "B2C",
            "price": {"currencyCode": "EUR", "amount": "19.99"},
        }
    ],
    "fulfillmentAvailability": [{"fulfillmentChannelCode": "DEFAULT", "quantity": 41}],
}
ORDER = {
    "payload": {
        "fulfillmentOrder": {
            "sellerFulfillmentOrderId": "WEB-77",
            "fulfillmentOrderStatus": "Processing",
            "destinationAddress": {"name": "Erika Mustermann", "city": "Austin"},
        },
        "fulfillmentOrderItems": [
            {"sellerFulfillmentOrderItemId": "1", "sellerSku": SKU, "quantity": 1}
        ],
        "fulfillmentShipments": [
            {
                "amazonShipmentId": "D2TEST",
                "fulfillmentShipmentPackage": [
                    {"packageNumber": 9, "carrierCode": "DHL", "trackingNumber": "T-1"}
                ],
            }
        ],
    }
}


def calls() -> CannedCalls:
    return CannedCalls({"getListingsItem": LISTING, "getFulfillmentOrder": ORDER})


async def events(sample: Sample, body: Any, registry: Registry = REGISTRY) -> list[dict[str, Any]]:
    (handler,) = registry.matching(sample.type)
    result = await run(handler, stored(text(body).encode()), calls(), marketplace_ids=[GERMANY])
    return bodies(result, registry)


@pytest.mark.parametrize("sample", HANDLED, ids=str)
async def test_events_are_as_declared_in_every_casing(sample: Sample) -> None:
    as_it_comes = await events(sample, whole(sample))
    assert as_it_comes
    for spell in (camel, pascal):
        assert await events(sample, spell(whole(sample))) == as_it_comes
    for event in as_it_comes:
        assert event["data"]["seller"] == sample.ids["seller_id"]
        assert event["data"]["notification"]["type"] == sample.type
        # Personal data is left out unless it is asked for.
        for personal in ("Austin", "Mustermann", "10115", '"T-1"'):
            if sample.type != "SHIPMENT_TRACKING_MILESTONE_CHANGED" or personal != '"T-1"':
                assert personal not in json.dumps(event)


@pytest.mark.parametrize("sample", PASSED, ids=str)
async def test_the_rest_passes_as_it_came(sample: Sample) -> None:
    (event,) = await events(sample, whole(sample))
    assert event["type"] == f"notification.{sample.type.lower()}"
    assert event["data"]["payload"] == sample.payload


async def run_mutated(sample: Sample, body: dict[str, Any]) -> None:
    notification = stored(text(body).encode())
    for handler in REGISTRY.matching(notification.type):
        result = await run(handler, notification, calls(), marketplace_ids=[GERMANY])
        if result.state is HandlingState.DEAD:
            assert result.error is not None
            assert result.error.startswith("EnvelopeError: Payload"), result.error
        else:
            bodies(result, REGISTRY)
    assert sample


@given(one=mutated(HANDLED))
async def test_whatever_comes_is_an_event_as_declared_or_a_named_fault(
    one: tuple[Sample, dict[str, Any]],
) -> None:
    sample, body = one
    members = {key.lower(): value for key, value in body.items()}
    if members.get("notificationtype") != sample.type or not isinstance(
        members.get("payload"), dict
    ):
        return  # no notification of the type any more
    try:
        stored(text(body).encode())
    except Exception:
        return  # quarantined: see the envelope's own tests
    await run_mutated(sample, body)
