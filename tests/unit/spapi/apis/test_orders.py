import json

import pytest

from gateway.errors import SpApiRetryableError
from gateway.spapi.apis.orders import Orders, OrdersV0

PERSONAL = "PERSONAL"


class Canned:
    """Calls that answer one thing."""

    def __init__(self, answer):
        self.answer = answer
        self.calls = []

    async def call(self, name, /, **parameters):
        self.calls.append((name, parameters))
        return self.answer


ORDER = {
    "orderId": "902-1",
    "orderAliases": [{"aliasId": PERSONAL, "aliasType": "SELLER_ORDER_ID"}],
    "createdTime": "2026-01-31T09:00:00Z",
    "lastUpdatedTime": "2026-01-31T10:00:00Z",
    "programs": ["PRIME"],
    "salesChannel": {
        "channelName": "AMAZON",
        "marketplaceId": "A1PA6795UKMFR9",
        "marketplaceName": "Amazon.de",
    },
    "buyer": {"buyerName": PERSONAL, "buyerEmail": PERSONAL},
    "recipient": {"deliveryAddress": {"name": PERSONAL, "city": PERSONAL}},
    "proceeds": {"grandTotal": {"amount": "24.90", "currencyCode": "EUR"}},
    "tax": {"taxRegistrations": [{"taxRegistrationNumber": PERSONAL}]},
    "fulfillment": {
        "fulfillmentStatus": "PARTIALLY_SHIPPED",
        "fulfilledBy": "MERCHANT",
        "fulfillmentServiceLevel": "STANDARD",
        "shipByWindow": {
            "earliestDateTime": "2026-02-01T00:00:00Z",
            "latestDateTime": "2026-02-02T00:00:00Z",
        },
    },
    "packages": [{"trackingNumber": PERSONAL}],
    "orderItems": [
        {
            "orderItemId": "77",
            "quantityOrdered": 3,
            "product": {
                "asin": "B000000001",
                "title": "Kettle",
                "sellerSku": "KET-1",
                "serialNumbers": [PERSONAL],
                "customization": {"customizedUrl": PERSONAL},
                "price": {"unitPrice": {"amount": "8.30", "currencyCode": "EUR"}},
            },
            "proceeds": {"proceedsTotal": {"amount": "24.90", "currencyCode": "EUR"}},
            "fulfillment": {
                "quantityFulfilled": 1,
                "quantityUnfulfilled": 2,
                "packing": {"giftOption": {"giftMessage": PERSONAL}},
            },
        }
    ],
    "addedByAmazonTomorrow": PERSONAL,
}

ORDER_V0 = {
    "AmazonOrderId": "902-1",
    "SellerOrderId": PERSONAL,
    "PurchaseDate": "2026-01-31T09:00:00Z",
    "LastUpdateDate": "2026-01-31T10:00:00Z",
    "OrderStatus": "PartiallyShipped",
    "FulfillmentChannel": "MFN",
    "SalesChannel": "Amazon.de",
    "ShipmentServiceLevelCategory": "Standard",
    "OrderTotal": {"CurrencyCode": "EUR", "Amount": "24.90"},
    "NumberOfItemsShipped": 1,
    "NumberOfItemsUnshipped": 2,
    "MarketplaceId": "A1PA6795UKMFR9",
    "EarliestShipDate": "2026-02-01T00:00:00Z",
    "LatestShipDate": "2026-02-02T00:00:00Z",
    "IsPrime": True,
    "BuyerInfo": {"BuyerEmail": PERSONAL},
    "ShippingAddress": {"Name": PERSONAL},
    "DefaultShipFromLocationAddress": {"Name": PERSONAL},
    "BuyerTaxInformation": {"BuyerTaxRegistrationId": PERSONAL},
}


async def test_both_versions_read_alike_but_for_the_items():
    new = await Orders(Canned({"order": ORDER})).get_order("902-1")
    old = await OrdersV0(Canned({"payload": ORDER_V0})).get_order("902-1")

    differing = {"items", "service_level"}
    assert new.model_dump(exclude=differing) == old.model_dump(exclude=differing)
    assert new.status == "PARTIALLY_SHIPPED"
    assert new.items[0].seller_sku == "KET-1"
    assert old.items == ()


@pytest.mark.parametrize(
    ("v0", "word"),
    [
        ("Canceled", "CANCELLED"),
        ("Pending", "PENDING"),
        ("InvoiceUnconfirmed", "INVOICE_UNCONFIRMED"),
    ],
)
async def test_statuses_of_v0_are_spelled_as_today(v0, word):
    order = await OrdersV0(Canned({"payload": {**ORDER_V0, "OrderStatus": v0}})).get_order("1")

    assert order.status == word


@pytest.mark.parametrize(
    ("calls", "answer"),
    [(Orders, {"order": ORDER}), (OrdersV0, {"payload": ORDER_V0})],
)
async def test_nothing_personal_leaves_but_through_raw(calls, answer):
    order = await calls(Canned(answer)).get_order("902-1")

    assert PERSONAL not in json.dumps(order.without_personal_data())
    assert PERSONAL not in order.model_dump_json()
    assert PERSONAL not in repr(order)
    assert PERSONAL in json.dumps(order.raw)


async def test_it_asks_for_status_and_totals_unless_told():
    calls = Canned({"order": ORDER})

    await Orders(calls).get_order("902-1")
    await Orders(calls).get_order("902-1", included_data=("BUYER",))
    await Orders(calls).get_order("902-1", included_data=())

    assert [parameters["includedData"] for _, parameters in calls.calls] == [
        ["FULFILLMENT", "PROCEEDS"],
        ["BUYER"],
        None,
    ]


async def test_an_order_with_fields_of_unknown_shape_is_still_an_order():
    odd = {
        "orderId": "1",
        "salesChannel": "x",
        "orderItems": [None, {"product": 3}],
        "programs": "p",
        "proceeds": {"grandTotal": {"amount": 3, "currencyCode": "EUR"}},
    }
    order = await Orders(Canned({"order": odd})).get_order("1")

    assert order.marketplace_id is None
    assert order.total.amount == "3"
    assert len(order.items) == 1


@pytest.mark.parametrize(
    "answer", [{}, {"order": None}, {"order": {"createdTime": "x"}}, {"payload": ORDER}]
)
async def test_an_answer_without_an_order_may_be_asked_again(answer):
    with pytest.raises(SpApiRetryableError, match="holds no order"):
        await Orders(Canned(answer)).get_order("1")
