"""What stands in the documents of reports, feeds, queries and exports: invented, always the same.

Rows come from the order book, so they agree with what the Orders API says. Flat files carry letters
beyond ASCII, in the character set that the marketplace's reports have.
"""

from __future__ import annotations

import gzip
import io
import zipfile
from typing import TYPE_CHECKING, Any

import orjson

from gateway.clock import rfc3339
from gateway.simulator.apis.order_views import V0_STATUS
from gateway.simulator.spapi.documents import Content

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from gateway.simulator.marketplaces import Marketplace
    from gateway.simulator.orders import Order

_EPOCH = (2026, 1, 1, 0, 0, 0)
# Amazon labels its flat files so; a JSON report and what is only ASCII are UTF-8 anywhere.
_CHARSETS = {"JP": "Shift_JIS", "US": "UTF-8", "IN": "UTF-8", "AU": "UTF-8", "SG": "UTF-8"}
_LOCAL_NAME = {"JP": "ホーローマグカップ"}
_LISTING_COLUMNS = ("seller-sku", "asin1", "item-name", "price", "quantity", "status")
_ORDER_COLUMNS = (
    "amazon-order-id",
    "purchase-date",
    "last-updated-date",
    "order-status",
    "fulfillment-channel",
    "sku",
    "product-name",
    "quantity",
    "currency",
    "item-price",
)


def report_content(
    report_type: str, orders: Sequence[Order], place: Marketplace, charset: str | None
) -> Content:
    """Return a report: JSON for the types that are, a flat file for all others."""
    if "_SALES_AND_TRAFFIC_" in report_type or report_type.startswith("GET_BRAND_ANALYTICS"):
        rows = [_as_json(order) for order in orders]
        body = orjson.dumps({"reportSpecification": {"reportType": report_type}, "rows": rows})
        return Content(body=body, content_type="application/json; charset=UTF-8")
    charset = charset or _CHARSETS.get(place.country, "ISO-8859-1")
    table = _order_table(orders) if "ORDER" in report_type else _listing_table(orders)
    text = "\r\n".join("\t".join(row) for row in table) + "\r\n"
    label = "UTF-8" if charset == "UTF-8-SIG" else charset
    return Content(
        body=text.encode(charset, errors="replace"), content_type=f"text/plain; charset={label}"
    )


def query_content(orders: Sequence[Order]) -> Content:
    """Return a Data Kiosk document: a JSON object a line."""
    lines = b"".join(orjson.dumps(_as_json(order)) + b"\n" for order in orders)
    return Content(body=lines, content_type="application/jsonl")


def feed_result(feed_id: str, feed_type: str, messages: int) -> Content:
    """Return the processing report of a feed."""
    if feed_type == "JSON_LISTINGS_FEED":
        summary = {
            "errors": 0,
            "warnings": 0,
            "messagesProcessed": messages,
            "messagesAccepted": messages,
            "messagesInvalid": 0,
        }
        report = {"header": {"feedId": feed_id, "version": "2.0"}, "issues": [], "summary": summary}
        return Content(body=orjson.dumps(report), content_type="application/json; charset=UTF-8")
    text = (
        "Feed Processing Summary:\n"
        f"\tNumber of records processed\t\t{messages}\n"
        f"\tNumber of records successful\t\t{messages}\n"
    )
    return Content(body=text.encode(), content_type="text/plain; charset=UTF-8")


def archive(files: Iterable[tuple[str, bytes]]) -> Content:
    """Return a ZIP file; the same bytes for the same files."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archived:
        for name, body in files:
            archived.writestr(zipfile.ZipInfo(name, _EPOCH), body, zipfile.ZIP_DEFLATED)
    return Content(body=packed.getvalue(), content_type="application/zip")


def invoice_xml(invoice: Mapping[str, Any]) -> bytes:
    """Return an invoice as a Brazilian NF-e would begin, with invented contents."""
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<nfeProc versao="4.00" xmlns="http://www.portalfiscal.inf.br/nfe"><NFe>'
        f'<infNFe Id="NFe{invoice["externalInvoiceId"]}"><ide><serie>{invoice["series"]}</serie>'
        f"<dhEmi>{invoice['date']}</dhEmi><natOp>{invoice['transactionType']}</natOp></ide>"
        "<emit><xNome>Comércio Exemplo Ltda</xNome></emit></infNFe></NFe></nfeProc>\n"
    ).encode()


def compressed(content: Content) -> Content:
    """Return a content with its body as a GZIP stream; the label stays."""
    return Content(body=gzip.compress(content.body, mtime=0), content_type=content.content_type)


def _order_table(orders: Sequence[Order]) -> Iterable[Sequence[str]]:
    yield _ORDER_COLUMNS
    for order in orders:
        for item in order.items:
            yield (
                order.id,
                rfc3339(order.created_at_ms),
                rfc3339(order.updated_at_ms),
                V0_STATUS[order.status],
                "Amazon" if order.by_amazon else "Merchant",
                item.sku,
                _local(order.place, item.title),
                str(item.quantity),
                order.place.currency,
                str(item.unit_price * item.quantity),
            )


def _listing_table(orders: Sequence[Order]) -> Iterable[Sequence[str]]:
    yield _LISTING_COLUMNS
    for order in orders:
        for item in order.items:
            title = _local(order.place, item.title)
            yield item.sku, item.asin, title, str(item.unit_price), "12", "Active"


def _local(place: Marketplace, title: str) -> str:
    return f"{title}, {_LOCAL_NAME.get(place.country, 'émaillé')}"


def _as_json(order: Order) -> Mapping[str, Any]:
    return {
        "orderId": order.id,
        "marketplaceId": order.place.id,
        "date": rfc3339(order.created_at_ms)[:10],
        "asin": order.items[0].asin,
        "units": sum(item.quantity for item in order.items),
        "revenue": {"amount": str(order.total), "currencyCode": order.place.currency},
    }
