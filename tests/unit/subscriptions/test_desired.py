"""From declarations to what each seller should have."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from gateway.model import Seller
from gateway.subscriptions.declaration import Declaration, DeclaredDestination, digest
from gateway.subscriptions.desired import Declared, desired
from tests.unit.subscriptions.test_rules import BUS, QUEUE, STATUS, declared


def seller(seller_id: str, region: str = "eu", application: str = "main") -> Seller:
    return Seller(id=seller_id, application_id=application, region=region, refresh_token="Atzr|1")


SELLERS = [seller("A2"), seller("A1"), seller("A1", "na"), seller("A3", application="other")]


def wishes(*declarations: Declaration, destinations: Any = (QUEUE, BUS)) -> Any:
    return desired(Declared(destinations=destinations, subscriptions=declarations), SELLERS)


def test_a_declaration_is_spread_over_sellers_and_types() -> None:
    found = wishes(
        declared("ORDER_CHANGE", "PRICING_HEALTH", filters=STATUS, application_id="main")
    )
    assert not found.faults
    units = [(unit.region, unit.seller_id, unit.type) for unit in found.units]
    assert units == [
        ("eu", "A1", "ORDER_CHANGE"),
        ("eu", "A1", "PRICING_HEALTH"),
        ("eu", "A2", "ORDER_CHANGE"),
        ("eu", "A2", "PRICING_HEALTH"),
        ("na", "A1", "ORDER_CHANGE"),
        ("na", "A1", "PRICING_HEALTH"),
    ]
    orders, health = list(found.units.values())[:2]
    assert orders[0].directive == {
        "eventFilter": {
            "eventFilterType": "ORDER_CHANGE",
            "orderChangeTypes": ["OrderStatusChange"],
        }
    }
    assert health[0].directive is None


def test_sellers_are_chosen_by_id_application_and_region() -> None:
    by_id = wishes(declared("PRICING_HEALTH", seller_ids=("A1",), region="na"))
    assert [(unit.seller_id, unit.region) for unit in by_id.units] == [("A1", "na")]
    by_application = wishes(declared("PRICING_HEALTH", application_id="other"))
    assert [unit.seller_id for unit in by_application.units] == ["A3"]


def test_sellers_are_chosen_by_tag() -> None:
    tagged = [replace(SELLERS[0], tags=("gold", "new")), replace(SELLERS[2], tags=("silver",))]
    everybody = [*SELLERS[1:2], *tagged, *SELLERS[3:]]

    def of(*tags: str, region: str | None = None) -> list[tuple[str, str]]:
        declaration = declared("PRICING_HEALTH", tags=tags, region=region)
        found = desired(Declared(destinations=(QUEUE,), subscriptions=(declaration,)), everybody)
        return [(unit.seller_id, unit.region) for unit in found.units]

    assert of("gold") == [("A2", "eu")]
    assert of("gold", "silver") == [("A2", "eu"), ("A1", "na")]
    assert of("gold", "silver", region="na") == [("A1", "na")]
    assert of("tin") == []
    assert len(of()) == 4


def test_a_seller_that_is_not_there_is_a_fault() -> None:
    (fault,) = wishes(declared("PRICING_HEALTH", seller_ids=("A9",))).faults
    assert 'no such seller "A9"' in fault.what


def test_all_is_what_the_destination_carries() -> None:
    on_queue = {unit.type for unit in wishes(declared("all", filters=STATUS)).units}
    on_bus = {unit.type for unit in wishes(declared("all", destination="bus")).units}
    assert {"ORDER_CHANGE", "PRICING_HEALTH"} < on_queue
    assert "LISTINGS_ITEM_STATUS_CHANGE" in on_bus
    assert not on_queue & on_bus
    assert "SHIPMENT_TRACKING_MILESTONE_CHANGED" not in on_bus
    assert not {"ORDER_STATUS_CHANGE", "APPLICATION_OAUTH_CLIENT_NEW_SECRET"} & on_queue


def test_what_can_not_stand_beside_each_other_is_a_fault_told_once() -> None:
    found = wishes(declared("ORDER_CHANGE", filters=STATUS), declared("all", filters=STATUS))
    assert not found.faults  # twice the same is no contradiction
    (one, *_) = found.units.values()
    assert len(one) == 1
    rival = declared("PRICING_HEALTH", filter_expression="sellerId == 'A'")
    (fault,) = wishes(declared("PRICING_HEALTH"), rival).faults
    assert "one subscription of a seller" in fault.what


def test_filter_expressions_and_payload_versions_tell_several_apart() -> None:
    one = declared("PRICING_HEALTH", filter_expression="sellerId == 'A'")
    other = declared("PRICING_HEALTH", filter_expression="sellerId == 'B'")
    assert {len(wanted) for wanted in wishes(one, other).units.values()} == {2}
    versions = wishes(
        declared("FEED_PROCESSING_FINISHED", payload_version="1.0"),
        declared("FEED_PROCESSING_FINISHED", payload_version="2020-09-04"),
    )
    assert {len(wanted) for wanted in versions.units.values()} == {2}


def test_a_destination_for_another_region_is_a_fault() -> None:
    here = DeclaredDestination(name="main", arn=QUEUE.arn, region="na")
    faults = wishes(declared("PRICING_HEALTH", region="eu"), destinations=[here]).faults
    assert any("is not for application" in fault.what for fault in faults)


def test_the_digest_is_that_of_the_meaning() -> None:
    def of(*types: str, arn: str = str(QUEUE.arn)) -> str:
        filters = type(STATUS)(order_change_types=types)
        found = wishes(declared("ORDER_CHANGE", filters=filters, seller_ids=("A2",)))
        destination = DeclaredDestination(name="main", arn=arn)
        return digest(next(iter(found.units.values())), {"main": destination})

    first = of("OrderStatusChange", "BuyerRequestedChange")
    assert of("BuyerRequestedChange", "OrderStatusChange") == first
    assert of("OrderStatusChange") != first
    assert of("OrderStatusChange", "BuyerRequestedChange", arn=f"{QUEUE.arn}2") != first
