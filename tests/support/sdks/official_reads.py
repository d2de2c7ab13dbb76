"""Amazon's own SDK reads every answer of the local SP-API that it has a model for.

Its models judge the answers: a value that Amazon's model doesn't allow fails, a field that is
required and missing fails, and a field that the model doesn't know is printed.
"""

import json
import sys

from spapi import SPAPIClient, SPAPIConfig
from spapi.api.applications_v2023_11_30.applications_api import ApplicationsApi
from spapi.api.catalogitems_v2022_04_01.catalog_api import CatalogApi
from spapi.api.datakiosk_v2023_11_15.queries_api import QueriesApi
from spapi.api.fba_inventory_v1.fba_inventory_api import FbaInventoryApi
from spapi.api.feeds_v2021_06_30.feeds_api import FeedsApi
from spapi.api.finances_v2024_06_19.finances_v2024_api import FinancesV2024Api
from spapi.api.fulfillment_outbound_v2020_07_01.fba_outbound_api import FbaOutboundApi
from spapi.api.invoices_v2024_06_19.invoices_api import InvoicesApi
from spapi.api.listings_items_v2021_08_01.listings_api import ListingsApi
from spapi.api.notifications_v1.notifications_api import NotificationsApi
from spapi.api.orders_v0.orders_v0_api import OrdersV0Api
from spapi.api.orders_v2026_01_01.get_order_api import GetOrderApi
from spapi.api.orders_v2026_01_01.search_orders_api import SearchOrdersApi
from spapi.api.product_pricing_v0.product_pricing_api import ProductPricingApi
from spapi.api.product_pricing_v2022_05_01.product_pricing_v2022_api import ProductPricingV2022Api
from spapi.api.reports_v2021_06_30.reports_api import ReportsApi
from spapi.api.sellers_v1.sellers_api import SellersApi

INCLUDED = [
    *("BUYER", "RECIPIENT", "PROCEEDS", "EXPENSE", "PROMOTION", "CANCELLATION"),
    *("FULFILLMENT", "PACKAGES", "TAX", "PAYMENT"),
]
LISTED = ["summaries", "attributes", "issues", "offers", "fulfillmentAvailability"]
SINCE = "2026-01-01T00:00:00Z"
BRAZIL = "A2Q3Y263D00KWC"


def paths(value, at=""):
    """Yield the paths of every field that holds something."""
    if isinstance(value, dict):
        for name, inner in value.items():
            if inner is not None:
                yield f"{at}.{name}"
                yield from paths(inner, f"{at}.{name}")
    elif isinstance(value, list):
        for inner in value:
            yield from paths(inner, at)


class Judge:
    """Calls operations and keeps the fields that Amazon's models don't know."""

    def __init__(self, client) -> None:
        self.client = client
        self.unknown: dict[str, list[str]] = {}

    def read(self, call, *args, **kwargs):
        """Return an answer as the SDK's model; note the fields that it lost."""
        raw = json.loads(call(*args, **kwargs, _preload_content=False).data)
        typed = call(*args, **kwargs)
        kept = set(paths(self.client.sanitize_for_serialization(typed)))
        name = f"{type(call.__self__).__name__}.{call.__name__}"
        lost = sorted({path for path in paths(raw) if path not in kept})
        self.unknown.setdefault(name, []).extend(lost)
        return typed


def client(given: dict, scope: str | None = None):
    config = SPAPIConfig(
        client_id=given["client_id"],
        client_secret=given["client_secret"],
        refresh_token=None if scope else given["refresh_token"],
        scope=scope,
    )
    return SPAPIClient(config, oauth_endpoint=given["lwa"], endpoint=given["spapi"]).api_client


def orders(judge: Judge, given: dict) -> None:
    new, old, search = (kind(judge.client) for kind in (GetOrderApi, OrdersV0Api, SearchOrdersApi))
    place, order = given["marketplace"], given["order"]
    judge.read(new.get_order, order, included_data=INCLUDED)
    judge.read(search.search_orders, created_after=SINCE, included_data=INCLUDED)
    judge.read(old.get_orders, [place], created_after=SINCE)
    for call in (
        old.get_order,
        old.get_order_items,
        old.get_order_buyer_info,
        old.get_order_address,
        old.get_order_items_buyer_info,
    ):
        judge.read(call, order)


def goods(judge: Judge, given: dict) -> None:
    place, sellers = given["marketplace"], SellersApi(judge.client)
    judge.read(sellers.get_marketplace_participations)
    judge.read(sellers.get_account)
    listing = ListingsApi(judge.client).get_listings_item
    judge.read(listing, given["seller"], "SKU/1 ä", [place], included_data=LISTED)
    item = CatalogApi(judge.client).get_catalog_item
    included = ["summaries", "attributes", "identifiers", "productTypes"]
    judge.read(item, "B000SIMUL8", [place], included_data=included)
    stock = FbaInventoryApi(judge.client).get_inventory_summaries
    first = judge.read(stock, "Marketplace", place, [place], details=True)
    following = first.pagination.next_token
    judge.read(stock, "Marketplace", place, [place], next_token=following)
    judge.read(FbaOutboundApi(judge.client).get_fulfillment_order, "FO-1")
    judge.read(
        FinancesV2024Api(judge.client).list_transactions, posted_after="2026-06-01T00:00:00Z"
    )


def prices(judge: Judge, given: dict) -> None:
    place = given["marketplace"]
    uri, old = "/products/pricing/v0/items/B000SIMUL8/offers", ProductPricingApi(judge.client)
    asked = {"uri": uri, "method": "GET", "MarketplaceId": place, "ItemCondition": "New"}
    judge.read(old.get_item_offers_batch, {"requests": [asked]})
    asked = {**asked, "uri": "/products/pricing/v0/listings/SKU-1/offers"}
    judge.read(old.get_listing_offers_batch, {"requests": [asked]})
    new = ProductPricingV2022Api(judge.client)
    asked = {
        "uri": "/products/pricing/2022-05-01/items/competitiveSummary",
        "method": "GET",
        "asin": "B000SIMUL8",
        "marketplaceId": place,
        "includedData": ["featuredBuyingOptions", "lowestPricedOffers", "referencePrices"],
    }
    judge.read(new.get_competitive_summary, {"requests": [asked]})
    asked = {
        "uri": "/products/pricing/2022-05-01/offer/featuredOfferExpectedPrice",
        "method": "GET",
        "marketplaceId": place,
        "sku": "SKU-1",
    }
    judge.read(new.get_featured_offer_expected_price_batch, {"requests": [asked]})


def work(judge: Judge, given: dict) -> None:
    reports = ReportsApi(judge.client)
    type_ = "GET_MERCHANT_LISTINGS_ALL_DATA"
    asked = {"reportType": type_, "marketplaceIds": [given["marketplace"]]}
    made = judge.read(reports.create_report, asked)
    report = judge.read(reports.get_report, made.report_id)
    judge.read(reports.get_reports, report_types=[type_])
    judge.read(reports.get_report_document, report.report_document_id)
    # Each schedule takes the place of the one before it, so the last one is looked up.
    judge.read(reports.create_report_schedule, {**asked, "period": "P1D"})
    [schedule] = judge.read(reports.get_report_schedules, [type_]).report_schedules
    judge.read(reports.get_report_schedule, schedule.report_schedule_id)
    kiosk = QueriesApi(judge.client)
    query = judge.read(kiosk.create_query, {"query": "query { orders }"})
    judge.read(kiosk.get_document, judge.read(kiosk.get_query, query.query_id).data_document_id)
    judge.read(kiosk.get_queries)


def feeds(judge: Judge, given: dict) -> None:
    api = FeedsApi(judge.client)
    document = judge.read(api.create_feed_document, {"contentType": "application/json"})
    asked = {
        "feedType": "JSON_LISTINGS_FEED",
        "marketplaceIds": [given["marketplace"]],
        "inputFeedDocumentId": document.feed_document_id,
    }
    feed = judge.read(api.get_feed, judge.read(api.create_feed, asked).feed_id)
    judge.read(api.get_feeds, feed_types=["JSON_LISTINGS_FEED"])
    judge.read(api.get_feed_document, feed.result_feed_document_id)


def invoices(judge: Judge, given: dict) -> None:
    api = InvoicesApi(judge.client)
    judge.read(api.get_invoices_attributes, BRAZIL)
    listed = judge.read(api.get_invoices, BRAZIL)
    judge.read(api.get_invoice, BRAZIL, listed.invoices[0].id)
    made = judge.read(api.create_invoices_export, {"marketplaceId": BRAZIL})
    export = judge.read(api.get_invoices_export, made.export_id).export
    judge.read(api.get_invoices_exports, BRAZIL)
    judge.read(api.get_invoices_document, export.invoices_document_ids[0])


def grantless(given: dict) -> dict:
    judge = Judge(client(given, "sellingpartnerapi::notifications"))
    api = NotificationsApi(judge.client)
    bus = {"eventBridge": {"region": "us-east-1", "accountId": "444455556666"}}
    api.create_destination({"name": "bus", "resourceSpecification": bus})
    destinations = judge.read(api.get_destinations).payload
    judge.read(api.get_destination, destinations[0].destination_id)
    rotation = client(given, "sellingpartnerapi::client_credential:rotation")
    ApplicationsApi(rotation).rotate_application_client_secret()
    return judge.unknown


def main(given: dict) -> dict:
    judge = Judge(client(given))
    for part in (orders, goods, prices, work, feeds, invoices):
        part(judge, given)
    return {**judge.unknown, **grantless(given)}


if __name__ == "__main__":
    print(json.dumps(main(json.loads(sys.argv[1]))))
