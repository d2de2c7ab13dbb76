"""Lists of orders in both versions: what is asked for, what fits, page by page.

Source: Amazon's pages "Orders API v2026-01-01" and "Orders API v0".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Span:
    """A span of time, of creation or of the last update; both ends belong to it."""

    by_update: bool
    since_ms: int
    until_ms: int

    def chosen(self, created_at_ms: int, updated_at_ms: int) -> int:
        return updated_at_ms if self.by_update else created_at_ms

    def at_ms(self, order: Order) -> int:
        return self.chosen(order.created_at_ms, order.updated_at_ms)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Page:
    """Some orders, the token of the page that follows, and the end of the span."""

    orders: Sequence[Order]
    following: str | None
    until_ms: int


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
        page = self._page(call, _NEW, statuses)
        body: dict[str, Any] = {"orders": [order_2026(order, included) for order in page.orders]}
        if page.following is not None:
            body["pagination"] = {"nextToken": page.following}
        by = "lastUpdatedBefore" if "lastUpdatedAfter" in call.query else "createdBefore"
        return Answer(body={**body, by: rfc3339(page.until_ms)})

    def _list(self, call: Call) -> Answer:
        call.needed("MarketplaceIds")
        page = self._page(call, _OLD, _statuses(call, _OLD, _FROM_V0))
        found, wanted = page.orders, call.listed("AmazonOrderIds")
        if wanted:
            found = [order for order in found if order.id in wanted]
        opened = opened_elements(call.grant, path=call.path, template=call.operation.path)
        payload: dict[str, Any] = {"Orders": [order_v0(order, opened) for order in found]}
        if page.following is not None:
            payload["NextToken"] = page.following
        by = "LastUpdatedBefore" if "LastUpdatedAfter" in call.query else "CreatedBefore"
        return Answer(body={"payload": {**payload, by: rfc3339(page.until_ms)}})

    def _page(self, call: Call, names: _Names, statuses: frozenset[OrderStatus] | None) -> _Page:
        span = self._span(call, names)
        size = call.whole(names.size, default=_MAX_PAGE, low=1, high=_MAX_PAGE)
        asked, after = _asked(call, names), [0, ""]
        if (text := call.query.get(names.token)) is not None:
            token = self._token(text, names, asked)
            # The span ends where it ended for the first page, whatever has happened since.
            span, after = replace(span, until_ms=token["until_ms"]), token["after"]
        found = self._found(call, span, _fits(call, names, statuses), after)
        shown = list(islice(found, size))
        following, more = None, next(found, None)
        if more is not None:
            # A place in the order of times, not a count: an order that changes between two pages
            # comes again at its new time, and lets no other slip through.
            last = [span.at_ms(shown[-1]), shown[-1].id]
            now_ms = self._clock.now_ms()
            following = pages.token(
                0, asked=asked, at_ms=now_ms, until_ms=span.until_ms, after=last
            )
        return _Page(orders=shown, following=following, until_ms=span.until_ms)

    def _found(
        self, call: Call, span: _Span, fits: Callable[[Order], bool], after: Sequence[Any]
    ) -> Iterator[Order]:
        """Yield the orders of a span that fit, by time and id, from behind a place on."""
        seller, start = call.seller, tuple(after)
        places = sorted(
            (span.chosen(created_at_ms, updated_at_ms), order_id)
            for order_id, created_at_ms, updated_at_ms in self._orders.times(
                seller.id, seller.marketplaces
            )
            if span.since_ms <= span.chosen(created_at_ms, updated_at_ms) <= span.until_ms
        )
        for place in places:
            if place > start:
                order = self._orders.find(seller.id, place[1], seller.marketplaces)
                if order is not None and fits(order):
                    yield order

    def _token(self, text: str, names: _Names, asked: Mapping[str, str]) -> Mapping[str, Any]:
        token = pages.opened(text, names.token)
        if token.get("asked") != asked:
            raise bad_input("The parameters must be those that the token came for.", names.token)
        if self._clock.now_ms() >= token["at_ms"] + _TOKEN_LIFE_MS:
            raise bad_input("The token has expired.", names.token)
        return token

    def _span(self, call: Call, names: _Names) -> _Span:
        """Return the span of time that is asked for; Amazon shows nothing of the last two minutes.

        Raises:
            RefusalError: Not exactly one kind of time is given, or a time is wrong.
        """
        created_ms = call.time_ms(names.created_after)
        updated_ms = call.time_ms(names.updated_after)
        if (created_ms is None) is (updated_ms is None):
            raise bad_input(
                f"Exactly one of {names.created_after} and {names.updated_after} is required."
            )
        before = names.created_before if updated_ms is None else names.updated_before
        fresh_ms, until_ms = self._clock.now_ms() - _FRESH_MS, call.time_ms(before)
        if until_ms is not None and until_ms > fresh_ms:
            raise bad_input(f"{before} must be at least two minutes before now.", before)
        return _Span(
            by_update=updated_ms is not None,
            since_ms=(updated_ms if created_ms is None else created_ms) or 0,
            until_ms=fresh_ms if until_ms is None else until_ms,
        )


def _fits(
    call: Call, names: _Names, statuses: frozenset[OrderStatus] | None
) -> Callable[[Order], bool]:
    """Return whether an order is among those that are asked for, but for its times."""
    places, by_whom = call.listed(names.places), call.listed(names.fulfilled_by)
    by_amazon = {name == names.by_amazon for name in by_whom} or {True, False}
    return lambda order: (
        (not places or order.place.id in places)
        and (statuses is None or order.status in statuses)
        and order.by_amazon in by_amazon
    )


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
