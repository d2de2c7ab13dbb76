"""Lists of orders in both versions: what is asked for, what fits, page by page.

Source: Amazon's pages "Orders API v2026-01-01" and "Orders API v0".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from gateway.clock import rfc3339
from gateway.simulator.apis import pages
from gateway.simulator.apis.order_views import INCLUDED_DATA, V0_STATUS, order_2026, order_v0
from gateway.simulator.apis.restricted import opened_elements
from gateway.simulator.order_life import OrderStatus
from gateway.simulator.spapi.answers import bad_input
from gateway.simulator.spapi.call import Answer, Call

if TYPE_CHECKING:
    from gateway.clock import Clock
    from gateway.simulator.orders import Order, OrderBook
    from gateway.simulator.spapi.call import Answering

_FRESH_MS = 120_000
_MAX_PAGE = 100
_TOKEN_LIFE_MS = 24 * 3_600_000
_FROM_V0: Mapping[str, OrderStatus] = MappingProxyType(
    {name: status for status, name in V0_STATUS.items()}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Names:
    """How a version calls what a list is asked for by."""

    created_after: str
    created_before: str
    updated_after: str
    updated_before: str
    places: str
    statuses: str
    fulfilled_by: str
    by_amazon: str
    size: str
    token: str


_NEW = _Names(
    created_after="createdAfter",
    created_before="createdBefore",
    updated_after="lastUpdatedAfter",
    updated_before="lastUpdatedBefore",
    places="marketplaceIds",
    statuses="fulfillmentStatuses",
    fulfilled_by="fulfilledBy",
    by_amazon="AMAZON",
    size="maxResultsPerPage",
    token="paginationToken",  # noqa: S106 a name
)
_OLD = _Names(
    created_after="CreatedAfter",
    created_before="CreatedBefore",
    updated_after="LastUpdatedAfter",
    updated_before="LastUpdatedBefore",
    places="MarketplaceIds",
    statuses="OrderStatuses",
    fulfilled_by="FulfillmentChannels",
    by_amazon="AFN",
    size="MaxResultsPerPage",
    token="NextToken",  # noqa: S106 a name
)


class OrderLists:
    """searchOrders and getOrders."""

    def __init__(self, orders: OrderBook, *, clock: Clock) -> None:
        self._orders = orders
        self._clock = clock

    def answers(self) -> Mapping[str, Answering]:
        """See `Api`."""
        return {"orders.2026-01-01.searchOrders": self._search, "orders.v0.getOrders": self._list}

    def _search(self, call: Call) -> Answer:
        included = included_data(call)
        statuses = _statuses(call, _NEW, OrderStatus.__members__)
        found, following = self._page(call, _NEW, statuses)
        body: dict[str, Any] = {"orders": [order_2026(order, included) for order in found]}
        if following is not None:
            body["pagination"] = {"nextToken": following}
        by = "lastUpdatedBefore" if "lastUpdatedAfter" in call.query else "createdBefore"
        body[by] = rfc3339(self._until_ms(call, by))
        return Answer(body=body)

    def _list(self, call: Call) -> Answer:
        call.needed("MarketplaceIds")
        statuses = _statuses(call, _OLD, _FROM_V0)
        found, following = self._page(call, _OLD, statuses)
        if wanted := call.listed("AmazonOrderIds"):
            found = [order for order in found if order.id in wanted]
        opened = opened_elements(call.grant, path=call.path, template=call.operation.path)
        payload: dict[str, Any] = {"Orders": [order_v0(order, opened) for order in found]}
        if following is not None:
            payload["NextToken"] = following
        by = "LastUpdatedBefore" if "LastUpdatedAfter" in call.query else "CreatedBefore"
        payload[by] = rfc3339(self._until_ms(call, by))
        return Answer(body={"payload": payload})

    def _page(
        self, call: Call, names: _Names, statuses: frozenset[OrderStatus] | None
    ) -> tuple[Sequence[Order], str | None]:
        fits = self._fits(call, names, statuses)
        size = call.whole(names.size, default=_MAX_PAGE, low=1, high=_MAX_PAGE)
        start, asked = 0, _asked(call, names)
        if (text := call.query.get(names.token)) is not None:
            token = pages.opened(text, names.token)
            start = token["start"]
            if token.get("asked") != asked:
                raise bad_input(
                    "The parameters must be those that the token came for.", names.token
                )
            if self._clock.now_ms() >= token.get("at_ms", 0) + _TOKEN_LIFE_MS:
                raise bad_input("The token has expired.", names.token)
        found = [
            order
            for order in self._orders.listed(call.seller.id, call.seller.marketplaces)
            if fits(order)
        ]
        by_update = names.updated_after in call.query
        found.sort(key=lambda order: order.updated_at_ms if by_update else order.created_at_ms)
        shown, following = pages.page(found, start=start, size=size)
        if following is None:
            return shown, None
        return shown, pages.token(following, asked=asked, at_ms=self._clock.now_ms())

    def _fits(
        self, call: Call, names: _Names, statuses: frozenset[OrderStatus] | None
    ) -> Callable[[Order], bool]:
        """Return whether an order is among those that are asked for.

        Raises:
            RefusalError: Not exactly one kind of time is given, or a time is wrong.
        """
        by_creation = call.time_ms(names.created_after)
        by_update = call.time_ms(names.updated_after)
        if (by_creation is None) is (by_update is None):
            raise bad_input(
                f"Exactly one of {names.created_after} and {names.updated_after} is required."
            )
        before = names.created_before if by_update is None else names.updated_before
        since_ms = by_creation if by_update is None else by_update
        until_ms = self._until_ms(call, before)
        places, by_whom = call.listed(names.places), call.listed(names.fulfilled_by)
        by_amazon = {name == names.by_amazon for name in by_whom} or {True, False}

        def fits(order: Order) -> bool:
            at_ms = order.created_at_ms if by_update is None else order.updated_at_ms
            return (
                (since_ms or 0) <= at_ms <= until_ms
                and (not places or order.place.id in places)
                and (statuses is None or order.status in statuses)
                and order.by_amazon in by_amazon
            )

        return fits

    def _until_ms(self, call: Call, name: str) -> int:
        """Return the end of the span that is asked for; Amazon shows nothing fresher than that."""
        fresh_ms = self._clock.now_ms() - _FRESH_MS
        given_ms = call.time_ms(name)
        if given_ms is not None and given_ms > fresh_ms:
            raise bad_input(f"{name} must be at least two minutes before now.", name)
        return fresh_ms if given_ms is None else given_ms


def included_data(call: Call) -> frozenset[str]:
    """Return the data sets that a call asks for.

    Raises:
        RefusalError: There is none of such a name.
    """
    included = frozenset(call.listed("includedData"))
    if unknown := included - INCLUDED_DATA:
        raise bad_input("includedData is invalid.", ", ".join(sorted(unknown)))
    return included


def _asked(call: Call, names: _Names) -> Mapping[str, str]:
    """Return what must stay the same from page to page."""
    free = {names.token, names.size, "includedData"}
    return {name: value for name, value in sorted(call.query.items()) if name not in free}


def _statuses(
    call: Call, names: _Names, known: Mapping[str, OrderStatus]
) -> frozenset[OrderStatus] | None:
    """Return the statuses that are asked for, None for all.

    Statuses that no order here comes to stand for none.
    """
    given = call.listed(names.statuses)
    return frozenset(known[name] for name in given if name in known) if given else None
