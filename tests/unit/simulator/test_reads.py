"""The small reads: who sells where, products, stock, prices, money. Shapes are judged by SDKs."""

import pytest

from gateway.simulator.cast import DEFAULT_SELLERS
from tests.support.amazon import SELLER, LocalAmazon

PLACE = SELLER.marketplaces[0]


@pytest.fixture
def amazon() -> LocalAmazon:
    return LocalAmazon()


def test_a_seller_sells_where_it_is_at_home(amazon):
    seller = DEFAULT_SELLERS[1]
    shown = amazon.call("getMarketplaceParticipations", seller=seller)["payload"]
    assert [one["marketplace"]["id"] for one in shown] == list(seller.marketplaces)
    account = amazon.call("sellers.v1.getAccount", seller=seller)["payload"]
    assert account["marketplaceParticipationList"] == shown


def test_a_listing_holds_the_data_that_was_asked_for(amazon):
    named = {"sellerId": SELLER.id, "sku": "A/B 1"}
    name, places = "listingsItems.2021-08-01.getListingsItem", {"marketplaceIds": PLACE}
    bare = amazon.call(name, query=places, **named)
    assert set(bare) == {"sku", "summaries"}
    both = amazon.call(name, query={**places, "includedData": "issues,offers"}, **named)
    assert set(both) == {"sku", "issues", "offers"}
    assert both == amazon.call(name, query={**places, "includedData": "issues,offers"}, **named)
    assert amazon.refusal(name, query=places, sellerId="A1OTHER", sku="A")[0] == 403
    assert amazon.refusal(name, query=places, sellerId=SELLER.id, sku="NONE-1")[0] == 404
    for wrong in ({}, {"marketplaceIds": "NOWHERE"}, {**places, "includedData": "x"}):
        assert amazon.refusal(name, query=wrong, **named)[0] == 400


def test_a_product_of_the_catalogue(amazon):
    name = "catalogItems.2022-04-01.getCatalogItem"
    query = {"marketplaceIds": f"{PLACE},A2EUQ1WTGCTBG2", "includedData": "summaries"}
    item = amazon.call(name, query=query, asin="B000SIMUL8")
    assert [summary["marketplaceId"] for summary in item["summaries"]] == [PLACE, "A2EUQ1WTGCTBG2"]
    assert amazon.refusal(name, query=query, asin="short")[0] == 404


def test_stock_is_read_page_by_page_within_30_seconds(amazon):
    query = {"granularityType": "Marketplace", "granularityId": PLACE, "marketplaceIds": PLACE}
    name, seen = "getInventorySummaries", []
    answer = amazon.call(name, query=query)
    while True:
        seen += [one["sellerSku"] for one in answer["payload"]["inventorySummaries"]]
        if "pagination" not in answer:
            break
        token = answer["pagination"]["nextToken"]
        amazon.clock.advance(29)
        answer = amazon.call(name, query={**query, "nextToken": token})
    assert len(seen) == len(set(seen)) == 45
    amazon.clock.advance(1)
    assert amazon.refusal(name, query={**query, "nextToken": token})[0] == 400
    wanted = amazon.call(name, query={**query, "sellerSkus": f"{seen[7]},NONE", "details": "true"})
    [one] = wanted["payload"]["inventorySummaries"]
    details = one["inventoryDetails"]
    reserved = details["reservedQuantity"]["totalReservedQuantity"]
    assert details["fulfillableQuantity"] + reserved == one["totalQuantity"]
    assert amazon.refusal(name, query={})[0] == 400


def test_a_fulfillment_order_is_there_unless_it_is_nobodys(amazon):
    name = "fulfillmentOutbound.2020-07-01.getFulfillmentOrder"
    shown = amazon.call(name, sellerFulfillmentOrderId="FO-7")["payload"]
    assert shown["fulfillmentOrder"]["sellerFulfillmentOrderId"] == "FO-7"
    assert amazon.refusal(name, sellerFulfillmentOrderId="NONE-7")[0] == 404


def test_every_shipped_order_has_its_transaction(amazon):
    name, query = "listTransactions", {"postedAfter": "2026-01-01"}
    seen, answer = [], amazon.call(name, query=query)["payload"]
    while True:
        seen += answer["transactions"]
        if "nextToken" not in answer:
            break
        answer = amazon.call(name, query={**query, "nextToken": answer["nextToken"]})["payload"]
    shipped = amazon.call(
        "searchOrders", query={"createdAfter": "2026-01-01", "fulfillmentStatuses": "SHIPPED"}
    )["orders"]
    related = [one["relatedIdentifiers"][0]["relatedIdentifierValue"] for one in seen]
    assert sorted(related) == sorted(order["orderId"] for order in shipped)
    by_order = {"relatedIdentifierName": "ORDER_ID", "relatedIdentifierValue": related[0]}
    [one] = amazon.call(name, query=by_order)["payload"]["transactions"]
    assert one == seen[0]
    too_long = {**query, "postedBefore": "2026-12-01"}
    assert amazon.call(name, query=too_long)["payload"]["transactions"] == []
    assert amazon.refusal(name, query={})[0] == 400


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        (
            "getItemOffersBatch",
            {
                "uri": "/products/pricing/v0/items/B000SIMUL8/offers",
                "method": "GET",
                "MarketplaceId": PLACE,
                "ItemCondition": "New",
            },
        ),
        (
            "getCompetitiveSummary",
            {
                "asin": "B000SIMUL8",
                "marketplaceId": PLACE,
                "includedData": ["featuredBuyingOptions"],
            },
        ),
        ("getFeaturedOfferExpectedPriceBatch", {"sku": "A", "marketplaceId": PLACE}),
    ],
)
def test_each_request_of_a_batch_is_answered_for_itself(amazon, name, asked):
    wrong = {**asked, "MarketplaceId": "NOWHERE", "marketplaceId": "NOWHERE"}
    answer = amazon.call(name, {"requests": [asked, wrong, asked]})["responses"]
    assert [one["status"]["statusCode"] for one in answer] == [200, 400, 200]
    assert answer[0]["body"] == answer[2]["body"]
    assert answer[1]["body"]["errors"][0]["code"] == "InvalidInput"
    for requests in ([], [asked] * 41, None):
        assert amazon.refusal(name, {"requests": requests})[0] == 400
