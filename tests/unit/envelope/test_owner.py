"""Whom a notification concerns: Amazon spells it differently in nearly every type."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.envelope import read_envelope
from gateway.model import Envelope
from tests.support.bodies import camel, notification, text


def read(payload: dict[str, Any]) -> Envelope:
    return read_envelope(text(notification("SOME_TYPE", payload)))


@pytest.mark.parametrize(
    ("payload", "seller_id"),
    [
        ({"SellerId": "A1", "Sku": "MUG"}, "A1"),
        ({"sellerId": " A1 ", "issueType": "x"}, "A1"),
        ({"ANotification": {"SELLERID": "A1"}}, "A1"),
        ({"FeePromotionNotification": {"MerchantId": "A1"}}, "A1"),
        ({"externalFulfillmentShipmentNotification": {"merchantId": "A1"}}, "A1"),
        ({"TNotification": {"SellingPartnerMetadata": {"SellingPartnerId": "A1"}}}, "A1"),
        ({"AccountId": "A1", "MarketplaceId": "M"}, "A1"),
        ({"accountId": "amzn1.merchant.o.A1", "queryId": "1"}, "A1"),
        ({"n": {"sellerId": None, "accountId": "amzn1.vg.42"}}, "amzn1.vg.42"),
        ({"n": {"sellerId": "A1", "accountId": "amzn1.merchant.o.A2"}}, "A1"),
        ({"version": 2, "OrderChangeNotification": {"SellerId": "A1"}}, "A1"),
        ({"itemSalesEventChanges": [{"accountId": "amzn1.merchant.o.A1"}] * 3}, "A1"),
        ({"itemSalesEventChanges": [{"accountId": "A1"}, {"accountId": "A2"}]}, None),
        ({"itemSalesEventChanges": []}, None),
        ({"itemSalesEventChanges": ["A1", 3]}, None),
        ({"accountStatusChangeNotification": {"currentAccountStatus": "NORMAL"}}, None),
        ({"accountId": "amzn1.merchant.o."}, None),
        ({"SellingPartnerMetadata": "A1"}, None),
        ({"SellerId": 17}, None),
        ({}, None),
    ],
)
def test_seller(payload: dict[str, Any], seller_id: str | None) -> None:
    assert read(payload).seller_id == seller_id


@pytest.mark.parametrize(
    "payload",
    [
        {"AnyOfferChangedNotification": {"Offers": [{"SellerId": "RIVAL"}]}},
        {"Offers": [{"SellerId": "RIVAL"}]},
        {"n": {"Buyer": {"AccountId": "RIVAL"}}},
        {"Sku": "MUG", "Offer": {"SellerId": "RIVAL"}},
    ],
)
def test_the_seller_of_a_deeper_place_is_somebody_else(payload: dict[str, Any]) -> None:
    assert read(payload).seller_id is None
    assert read(camel(payload)).seller_id is None


@pytest.mark.parametrize(
    ("payload", "marketplace_id"),
    [
        ({"MarketplaceId": "M1", "Asin": "B0"}, "M1"),
        ({"n": {"marketplaceId": "M1"}}, "M1"),
        ({"n": {"OfferChangeTrigger": {"MarketplaceId": "M1"}, "Summary": {}}}, "M1"),
        ({"issueType": "x", "offerChangeTrigger": {"marketplaceId": "M1"}}, "M1"),
        ({"OrderChangeNotification": {"Summary": {"MarketplaceId": "M1"}}}, "M1"),
        ({"n": {"SellingPartnerMetadata": {"MarketplaceId": "M1"}}}, "M1"),
        ({"rows": [{"marketplaceId": "M1"}, {"marketplaceId": "M1"}]}, "M1"),
        ({"rows": [{"marketplaceId": "M1"}, {"marketplaceId": "M2"}]}, None),
        ({"rows": [{"marketplaceId": "M1"}, {}]}, None),
        ({"n": {"Summary": [{"MarketplaceId": "M1"}]}}, None),
        ({"n": {"deep": {"MarketplaceId": "M1"}}}, None),
    ],
)
def test_marketplace(payload: dict[str, Any], marketplace_id: str | None) -> None:
    assert read(payload).marketplace_id == marketplace_id
