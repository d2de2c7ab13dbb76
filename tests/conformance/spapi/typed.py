"""Typed answers against the bodies that Amazon's models hold: nothing that is named goes unread."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pydantic import BaseModel

from gateway.spapi.apis import (
    catalog_items,
    data_kiosk,
    fba_inventory,
    feeds,
    finances,
    fulfillment_outbound,
    invoices,
    listings_items,
    notifications,
    pricing,
    reports,
    sellers,
    tokens,
)
from gateway.spapi.apis.views import View, part
from tests.support.models import ModelOperation

# Operation → the view of its answer, where the object stands (`*`: of a list, each).
READ: Mapping[str, tuple[type[View], str]] = {
    "GET /reports/2021-06-30/reports/{reportId}": (reports.Report, ""),
    "GET /reports/2021-06-30/reports": (reports.Report, "reports.*"),
    "GET /reports/2021-06-30/documents/{reportDocumentId}": (reports.ReportDocument, ""),
    "POST /feeds/2021-06-30/documents": (feeds.FeedDocument, ""),
    "GET /feeds/2021-06-30/feeds": (feeds.Feed, "feeds.*"),
    "GET /feeds/2021-06-30/feeds/{feedId}": (feeds.Feed, ""),
    "GET /feeds/2021-06-30/documents/{feedDocumentId}": (feeds.FeedDocument, ""),
    "GET /dataKiosk/2023-11-15/queries": (data_kiosk.KioskQuery, "queries.*"),
    "GET /dataKiosk/2023-11-15/queries/{queryId}": (data_kiosk.KioskQuery, ""),
    "GET /dataKiosk/2023-11-15/documents/{documentId}": (data_kiosk.KioskDocument, ""),
    "GET /tax/invoices/2024-06-19/attributes": (
        invoices.InvoicesAttributes,
        "invoicesAttributes",
    ),
    "GET /tax/invoices/2024-06-19/documents/{invoicesDocumentId}": (
        invoices.InvoicesDocument,
        "invoicesDocument",
    ),
    "GET /tax/invoices/2024-06-19/exports": (invoices.InvoicesExport, "exports.*"),
    "GET /tax/invoices/2024-06-19/exports/{exportId}": (invoices.InvoicesExport, "export"),
    "GET /tax/invoices/2024-06-19/invoices": (invoices.Invoice, "invoices.*"),
    "GET /tax/invoices/2024-06-19/invoices/{invoiceId}": (invoices.Invoice, "invoice"),
    "GET /notifications/v1/destinations": (notifications.Destination, "payload.*"),
    "POST /notifications/v1/destinations": (notifications.Destination, "payload"),
    "GET /notifications/v1/destinations/{destinationId}": (notifications.Destination, "payload"),
    "GET /notifications/v1/subscriptions": (
        notifications.Subscription,
        "payload.subscriptions.*",
    ),
    "GET /notifications/v1/subscriptions/{notificationType}": (
        notifications.Subscription,
        "payload",
    ),
    "POST /notifications/v1/subscriptions/{notificationType}": (
        notifications.Subscription,
        "payload",
    ),
    "GET /notifications/v1/subscriptions/{notificationType}/{subscriptionId}": (
        notifications.Subscription,
        "payload",
    ),
    "POST /tokens/2021-03-01/restrictedDataToken": (tokens.RestrictedDataToken, ""),
    "GET /sellers/v1/marketplaceParticipations": (sellers.MarketplaceParticipation, "payload.*"),
    "GET /sellers/v1/account": (sellers.Account, "payload"),
    "GET /finances/2024-06-19/transactions": (finances.Transaction, "payload.transactions.*"),
    "GET /listings/2021-08-01/items/{sellerId}/{sku}": (listings_items.ListingsItem, ""),
    "GET /fba/outbound/2020-07-01/fulfillmentOrders/{sellerFulfillmentOrderId}": (
        fulfillment_outbound.FulfillmentOrder,
        "payload",
    ),
    "GET /fba/inventory/v1/summaries": (
        fba_inventory.InventorySummary,
        "payload.inventorySummaries.*",
    ),
    "GET /catalog/2022-04-01/items/{asin}": (catalog_items.CatalogItem, ""),
    "POST /batches/products/pricing/v0/itemOffers": (pricing.BatchAnswer, "responses.*"),
    "POST /batches/products/pricing/v0/listingOffers": (pricing.BatchAnswer, "responses.*"),
    "POST /batches/products/pricing/2022-05-01/items/competitiveSummary": (
        pricing.BatchAnswer,
        "responses.*",
    ),
    "POST /batches/products/pricing/2022-05-01/offer/featuredOfferExpectedPrice": (
        pricing.BatchAnswer,
        "responses.*",
    ),
}


def typed_faults(models: Iterable[ModelOperation]) -> tuple[int, list[str]]:
    """Return how many of Amazon's objects were read, and what of them was not."""
    count, faults = 0, []
    for operation in models:
        named = READ.get(f"{operation.method} {operation.path}")
        for case in operation.cases if named else ():
            if named is None or case.status != 200:
                continue
            view, path = named
            for raw in objects_at(case.response, path):
                count += 1
                where = f"{operation.file} {operation.id} 200 #{case.number}"
                faults += [f"{where}: {what}" for what in unread(view, raw)]
    return count, faults


def objects_at(answer: Any, path: str) -> Iterator[Any]:
    """Yield the objects that a view reads of an answer."""
    keys = [key for key in path.split(".") if key]
    each = bool(keys) and keys[-1] == "*"
    at = part(answer, *(keys[:-1] if each else keys))
    yield from (at or ()) if each else (at,)


def unread(view: type[View], raw: Any) -> Iterator[str]:
    """Yield each named field that `raw` holds a value of and the view does not."""
    read = view.read(raw)
    if read is None:
        yield f"no {view.__name__}: {raw!r}"
    else:
        yield from _missing(read, raw, view.__name__)


def _missing(read: BaseModel, raw: Mapping[str, Any], where: str) -> Iterator[str]:
    for name, described in type(read).model_fields.items():
        told, held = raw.get(described.alias or name), getattr(read, name)
        if told in (None, [], {}):
            continue
        if held in (None, (), {}):
            yield f"{where}.{name}: {told!r} goes unread"
        elif isinstance(held, BaseModel):
            yield from _missing(held, told, f"{where}.{name}")
        elif isinstance(held, tuple):
            yield from _missing_items(held, told, f"{where}.{name}")


def _missing_items(held: tuple[Any, ...], told: Any, where: str) -> Iterator[str]:
    if len(held) != len(told):
        yield f"{where}: {len(held)} of {len(told)} items are read"
        return
    for item, original in zip(held, told, strict=True):
        if isinstance(item, BaseModel):
            yield from _missing(item, original, where)
