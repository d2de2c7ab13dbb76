"""Typed calls of the Listings Items API 2021-08-01: getListingsItem. Five a second, burst 10."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gateway.spapi.apis.views import Calls, View, found

_GET = "listingsItems.2021-08-01.getListingsItem"

DEFAULT_DATA = ("summaries", "issues", "offers", "fulfillmentAvailability")
"""What getListingsItem is asked for unless told."""


class ListingSummary(View):
    """A listing in one marketplace.

    Attributes:
        status: `BUYABLE`, `DISCOVERABLE`, both or none.
    """

    marketplace_id: str
    asin: str | None = None
    product_type: str | None = None
    condition_type: str | None = None
    status: tuple[str, ...] = ()
    fn_sku: str | None = None
    item_name: str | None = None
    created_date: str | None = None
    last_updated_date: str | None = None


class ListingIssue(View):
    """Something wrong with a listing.

    Attributes:
        severity: `ERROR`, `WARNING` or `INFO`.
    """

    code: str
    message: str | None = None
    severity: str | None = None
    attribute_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    marketplace_ids: tuple[str, ...] = ()


class Price(View):
    """An amount, its digits as text, and its ISO 4217 currency."""

    currency_code: str
    amount: str | None = None


class ListingOffer(View):
    """The seller's own offer in one marketplace.

    Attributes:
        offer_type: `B2C` or `B2B`.
    """

    marketplace_id: str
    offer_type: str | None = None
    price: Price | None = None


class FulfillmentAvailability(View):
    """Units on hand; None where Amazon keeps them and counts elsewhere."""

    fulfillment_channel_code: str
    quantity: int | None = None


class ListingsItem(View):
    """A seller's listing; what was not asked for is empty. Attributes are in `raw`."""

    sku: str
    summaries: tuple[ListingSummary, ...] = ()
    issues: tuple[ListingIssue, ...] = ()
    offers: tuple[ListingOffer, ...] = ()
    fulfillment_availability: tuple[FulfillmentAvailability, ...] = ()

    @property
    def attributes(self) -> Mapping[str, Any]:
        """The attributes by the product type's schema, where they were asked for."""
        attributes = self.raw.get("attributes")
        return attributes if isinstance(attributes, Mapping) else {}


class ListingsItems:
    """The Listings Items API 2021-08-01."""

    def __init__(self, calls: Calls, seller_id: str) -> None:
        self._calls = calls
        self._seller_id = seller_id

    async def get_listings_item(
        self,
        sku: str,
        marketplace_ids: Sequence[str],
        included_data: Sequence[str] = DEFAULT_DATA,
        *,
        issue_locale: str | None = None,
    ) -> ListingsItem:
        """Return a listing.

        Args:
            sku: The seller's own; may hold any characters.
            marketplace_ids: Marketplaces whose data is wanted.
            included_data: Also `attributes`, `procurement`, `relationships`, `productTypes`.
            issue_locale: Language of the issues, such as `en_US`; the marketplace's unless given.

        Raises:
            SpApiRequestError: 404 where there is no such listing.
            SpApiError: The call failed; the subclass says what to do.
        """
        answer = await self._calls.call(
            _GET,
            sellerId=self._seller_id,
            sku=sku,
            marketplaceIds=list(marketplace_ids),
            includedData=list(included_data),
            issueLocale=issue_locale,
        )
        return found(ListingsItem.read(answer), operation=_GET, what="listing")
