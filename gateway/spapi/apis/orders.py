"""Typed calls of the Orders API, 2026-01-01 and v0, with orders in one shape.

It decides which fields of an order are named here. The named fields are the ones that hold no
personal data, an allow-list: buyer, recipient, addresses, gift texts, customisation, serial,
tracking and tax numbers stay in `Order.raw` alone, and so does whatever Amazon adds. It never
decides whether an order is complete: Amazon leaves out what the application may not see.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from gateway.spapi.apis.views import Calls, Listed, found, listed, part

DEFAULT_DATA = ("FULFILLMENT", "PROCEEDS")
"""What getOrder asks for unless told: status and totals; nothing personal."""

_GET_ORDER = "orders.2026-01-01.getOrder"
_SEARCH = "orders.2026-01-01.searchOrders"
_GET_ORDER_V0 = "orders.v0.getOrder"
_GET_ORDERS_V0 = "orders.v0.getOrders"
_GET_ITEMS_V0 = "orders.v0.getOrderItems"

_WORD_START = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_SPELLED = {"CANCELED": "CANCELLED"}
_FULFILLED_BY = {"MFN": "MERCHANT", "AFN": "AMAZON"}

_FORM = ConfigDict(frozen=True, extra="forbid")


class Money(BaseModel):
    """An amount as Amazon writes it: a decimal in text, and its ISO 4217 currency."""

    model_config = _FORM

    amount: str
    currency: str


class Span(BaseModel):
    """A time from and to, RFC 3339."""

    model_config = _FORM

    earliest: str | None = None
    latest: str | None = None


class OrderItem(BaseModel):
    """One line of an order."""

    model_config = _FORM

    order_item_id: str
    asin: str | None = None
    seller_sku: str | None = None
    title: str | None = None
    quantity_ordered: int | None = None
    quantity_shipped: int | None = None
    quantity_unshipped: int | None = None
    unit_price: Money | None = None
    total: Money | None = None


class Order(BaseModel):
    """An order, the same whichever version of the API it came from.

    Attributes:
        status: In the words of 2026-01-01, such as `PARTIALLY_SHIPPED`; None without FULFILLMENT.
        fulfilled_by: `MERCHANT` or `AMAZON`.
        items: Empty from v0, where items are a call of their own.
        raw: Everything that Amazon sent, personal data included; never part of a dump or a repr.
    """

    model_config = _FORM

    order_id: str
    status: str | None = None
    marketplace_id: str | None = None
    sales_channel: str | None = None
    purchased_at: str | None = None
    last_updated_at: str | None = None
    fulfilled_by: str | None = None
    service_level: str | None = None
    programs: tuple[str, ...] = ()
    ship_by: Span | None = None
    deliver_by: Span | None = None
    total: Money | None = None
    items: tuple[OrderItem, ...] = ()
    items_shipped: int | None = None
    items_unshipped: int | None = None
    raw: Mapping[str, Any] = Field(default_factory=dict, repr=False, exclude=True)

    def without_personal_data(self) -> dict[str, Any]:
        """Return the named fields as JSON values: nothing about the buyer or the recipient."""
        return self.model_dump(mode="json")


class Orders:
    """The Orders API 2026-01-01."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    async def get_order(self, order_id: str, included_data: Sequence[str] = DEFAULT_DATA) -> Order:
        """Return an order. Every 2 s, burst 30.

        Args:
            order_id: Amazon's order id.
            included_data: Data sets to ask for, such as `FULFILLMENT` or `BUYER`; some need a role
                and are silently left out without it.

        Raises:
            SpApiError: The call failed; the subclass says what to do.
        """
        answer = await self._calls.call(
            _GET_ORDER, orderId=order_id, includedData=list(included_data) or None
        )
        return found(_order(part(answer, "order")), operation=_GET_ORDER, what="order")

    def search_orders(
        self,
        *,
        created_after: datetime | None = None,
        last_updated_after: datetime | None = None,
        last_updated_before: datetime | None = None,
        marketplace_ids: Sequence[str] = (),
        included_data: Sequence[str] = DEFAULT_DATA,
        max_results_per_page: int = 100,
        start: str | None = None,
        **filters: Any,
    ) -> AsyncIterator[Listed[Order]]:
        """List orders, page by page. Every three minutes, burst 20.

        Args:
            created_after: Placed since; this or `last_updated_after` is needed.
            last_updated_after: Changed since.
            last_updated_before: Changed before; at least two minutes ago.
            marketplace_ids: At most fifty; all of the seller's unless given.
            included_data: As for `get_order`.
            max_results_per_page: 1 to 100 orders a page.
            start: `next_token` of the last page that was read, with the other arguments as then;
                it lives 24 hours.
            **filters: Amazon's further parameters: `createdBefore`, `fulfillmentStatuses`,
                `fulfilledBy`.

        Raises:
            SpApiError: A call failed; the subclass says what to do.
        """
        pages = self._calls.paginate(
            _SEARCH,
            createdAfter=created_after,
            lastUpdatedAfter=last_updated_after,
            lastUpdatedBefore=last_updated_before,
            marketplaceIds=list(marketplace_ids),
            includedData=list(included_data),
            maxResultsPerPage=max_results_per_page,
            start=start,
            **filters,
        )
        return listed(pages, "orders", read=_order)


class OrdersV0:
    """The Orders API v0, of which Amazon means to remove the reading part on 2027-03-27."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    async def get_order(self, order_id: str, restricted: bool | Sequence[str] = False) -> Order:
        """Return an order without its items. Every 2 s, burst 30.

        Args:
            order_id: Amazon's order id.
            restricted: Which personal data to ask for, for `raw`: `buyerInfo`, `shippingAddress`,
                `buyerTaxInformation`; True for all.

        Raises:
            SpApiError: The call failed; the subclass says what to do.
        """
        answer = await self._calls.call(_GET_ORDER_V0, orderId=order_id, restricted=restricted)
        return found(_order_v0(part(answer, "payload")), operation=_GET_ORDER_V0, what="order")

    def get_orders(
        self,
        marketplace_ids: Sequence[str],
        *,
        created_after: datetime | None = None,
        last_updated_after: datetime | None = None,
        last_updated_before: datetime | None = None,
        max_results_per_page: int = 100,
        start: str | None = None,
        **filters: Any,
    ) -> AsyncIterator[Listed[Order]]:
        """List orders without their items, page by page. Once a minute, burst 20.

        Args:
            marketplace_ids: At most fifty.
            created_after: Placed since; this or `last_updated_after` is needed.
            last_updated_after: Changed since.
            last_updated_before: Changed before; at least two minutes ago.
            max_results_per_page: 1 to 100 orders a page.
            start: `next_token` of the last page that was read, with the other arguments as then.
            **filters: Amazon's further parameters, such as `CreatedBefore` and `OrderStatuses`, and
                `restricted` as for `get_order`.

        Raises:
            SpApiError: A call failed; the subclass says what to do.
        """
        pages = self._calls.paginate(
            _GET_ORDERS_V0,
            MarketplaceIds=list(marketplace_ids),
            CreatedAfter=created_after,
            LastUpdatedAfter=last_updated_after,
            LastUpdatedBefore=last_updated_before,
            MaxResultsPerPage=max_results_per_page,
            start=start,
            **filters,
        )
        return listed(pages, "payload", "Orders", read=_order_v0)

    def get_order_items(
        self,
        order_id: str,
        *,
        start: str | None = None,
        restricted: bool | Sequence[str] = False,
    ) -> AsyncIterator[Listed[OrderItem]]:
        """List an order's items, page by page. Every 2 s, burst 30.

        Args:
            order_id: Amazon's order id.
            start: `next_token` of the last page that was read.
            restricted: As for `get_order`; the data stands in the page's `raw`.

        Raises:
            SpApiError: A call failed; the subclass says what to do.
        """
        pages = self._calls.paginate(
            _GET_ITEMS_V0, orderId=order_id, start=start, restricted=restricted
        )
        return listed(pages, "payload", "OrderItems", read=_item_v0)


def _order(answer: object) -> Order | None:
    raw = _table(answer)
    order_id = _text(raw.get("orderId"))
    if order_id is None:
        return None
    channel = _table(raw.get("salesChannel"))
    fulfillment = _table(raw.get("fulfillment"))
    items = tuple(_item(item) for item in _tables(raw.get("orderItems")))
    return Order(
        order_id=order_id,
        status=_status(fulfillment.get("fulfillmentStatus")),
        marketplace_id=_text(channel.get("marketplaceId")),
        sales_channel=_text(channel.get("marketplaceName")) or _text(channel.get("channelName")),
        purchased_at=_text(raw.get("createdTime")),
        last_updated_at=_text(raw.get("lastUpdatedTime")),
        fulfilled_by=_text(fulfillment.get("fulfilledBy")),
        service_level=_text(fulfillment.get("fulfillmentServiceLevel")),
        programs=_texts(raw.get("programs")),
        ship_by=_span(fulfillment.get("shipByWindow")),
        deliver_by=_span(fulfillment.get("deliverByWindow")),
        total=_money(_table(raw.get("proceeds")).get("grandTotal")),
        items=items,
        items_shipped=_sum(item.quantity_shipped for item in items),
        items_unshipped=_sum(item.quantity_unshipped for item in items),
        raw=raw,
    )


def _item(raw: Mapping[str, Any]) -> OrderItem:
    product = _table(raw.get("product"))
    fulfillment = _table(raw.get("fulfillment"))
    return OrderItem(
        order_item_id=_text(raw.get("orderItemId")) or "",
        asin=_text(product.get("asin")),
        seller_sku=_text(product.get("sellerSku")),
        title=_text(product.get("title")),
        quantity_ordered=_whole(raw.get("quantityOrdered")),
        quantity_shipped=_whole(fulfillment.get("quantityFulfilled")),
        quantity_unshipped=_whole(fulfillment.get("quantityUnfulfilled")),
        unit_price=_money(_table(product.get("price")).get("unitPrice")),
        total=_money(_table(raw.get("proceeds")).get("proceedsTotal")),
    )


def _order_v0(answer: object) -> Order | None:
    raw = _table(answer)
    order_id = _text(raw.get("AmazonOrderId"))
    if order_id is None:
        return None
    channel = _text(raw.get("FulfillmentChannel"))
    return Order(
        order_id=order_id,
        status=_status(raw.get("OrderStatus")),
        marketplace_id=_text(raw.get("MarketplaceId")),
        sales_channel=_text(raw.get("SalesChannel")),
        purchased_at=_text(raw.get("PurchaseDate")),
        last_updated_at=_text(raw.get("LastUpdateDate")),
        fulfilled_by=_FULFILLED_BY.get(channel or "", channel),
        service_level=_text(raw.get("ShipmentServiceLevelCategory")),
        programs=_programs_v0(raw),
        ship_by=_between(raw.get("EarliestShipDate"), raw.get("LatestShipDate")),
        deliver_by=_between(raw.get("EarliestDeliveryDate"), raw.get("LatestDeliveryDate")),
        total=_money(raw.get("OrderTotal")),
        items_shipped=_whole(raw.get("NumberOfItemsShipped")),
        items_unshipped=_whole(raw.get("NumberOfItemsUnshipped")),
        raw=raw,
    )


def _item_v0(answer: object) -> OrderItem | None:
    raw = _table(answer)
    item_id, ordered = _text(raw.get("OrderItemId")), _whole(raw.get("QuantityOrdered"))
    if item_id is None:
        return None
    shipped = _whole(raw.get("QuantityShipped"))
    return OrderItem(
        order_item_id=item_id,
        asin=_text(raw.get("ASIN")),
        seller_sku=_text(raw.get("SellerSKU")),
        title=_text(raw.get("Title")),
        quantity_ordered=ordered,
        quantity_shipped=shipped,
        quantity_unshipped=None if ordered is None or shipped is None else ordered - shipped,
        total=_money(raw.get("ItemPrice")),
    )


def _programs_v0(raw: Mapping[str, Any]) -> tuple[str, ...]:
    flags = {"IsPrime": "PRIME", "IsBusinessOrder": "AMAZON_BUSINESS", "IsPremiumOrder": "PREMIUM"}
    return tuple(word for key, word in flags.items() if raw.get(key) is True)


def _status(value: object) -> str | None:
    """Return a status in capitals: `PartiallyShipped` and `Canceled` as 2026-01-01 writes them."""
    text = _text(value)
    if text is None:
        return None
    word = text if text.isupper() else _WORD_START.sub("_", text).upper()
    return _SPELLED.get(word, word)


def _table(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _tables(value: object) -> Sequence[Mapping[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _texts(value: object) -> tuple[str, ...]:
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list) else ()


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _money(value: object) -> Money | None:
    table = {key.lower(): item for key, item in _table(value).items()}
    amount, currency = table.get("amount"), _text(table.get("currencycode"))
    if currency is None or not isinstance(amount, str | int | float):
        return None
    return Money(amount=str(amount), currency=currency)


def _span(value: object) -> Span | None:
    table = _table(value)
    return _between(table.get("earliestDateTime"), table.get("latestDateTime"))


def _between(earliest: object, latest: object) -> Span | None:
    span = Span(earliest=_text(earliest), latest=_text(latest))
    return span if span.earliest or span.latest else None


def _sum(values: Iterable[int | None]) -> int | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None
