"""Typed calls of the Product Pricing API's batches, v0 and 2022-05-01.

A batch is one call of its usage plan, whatever it holds; every request in it is answered for
itself, so that one may fail where the others don't. Offers are Amazon's own objects: prices of
several competitors in several shapes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal
from urllib.parse import quote

from pydantic import Field

from gateway.spapi.apis.views import Calls, View, part

_ITEM_OFFERS = "pricing.v0.getItemOffersBatch"
_LISTING_OFFERS = "pricing.v0.getListingOffersBatch"
_SUMMARY = "pricing.2022-05-01.getCompetitiveSummary"
_EXPECTED_PRICE = "pricing.2022-05-01.getFeaturedOfferExpectedPriceBatch"

Condition = Literal["New", "Used", "Collectible", "Refurbished", "Club"]

COMPETITIVE_DATA = ("featuredBuyingOptions", "lowestPricedOffers", "referencePrices")
"""What getCompetitiveSummary is asked for unless told."""


class BatchStatus(View):
    """HTTP status of one answer."""

    status_code: int
    reason_phrase: str | None = None


class BatchAnswer(View):
    """The answer to one request of a batch.

    Attributes:
        request: What was asked, where Amazon repeats it; answers come in the order of requests.
        body: The answer itself, or `errors`.
    """

    status: BatchStatus
    request: Mapping[str, Any] = Field(default_factory=dict)
    body: Mapping[str, Any] = Field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether it succeeded."""
        return 200 <= self.status.status_code < 300

    @property
    def refused(self) -> bool:
        """Whether it failed in a way that another try does not mend."""
        return 400 <= self.status.status_code < 500 and self.status.status_code != 429

    @property
    def errors(self) -> Sequence[Mapping[str, Any]]:
        """Amazon's errors of this one answer."""
        errors = self.body.get("errors")
        listed = errors if isinstance(errors, list) else ()
        return [one for one in listed if isinstance(one, Mapping)]


class Pricing:
    """The batches of the Product Pricing API, v0 and 2022-05-01."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    async def get_item_offers_batch(
        self, asins: Sequence[str], marketplace_id: str, condition: Condition = "New"
    ) -> Sequence[BatchAnswer]:
        """Return the lowest offers of products. Every 10 s, burst 1.

        Args:
            asins: One to twenty.
            marketplace_id: Where.
            condition: Of the items.

        Raises:
            SpApiError: The whole call failed; the subclass says what to do.
        """
        return await self._offers(_ITEM_OFFERS, "items", asins, marketplace_id, condition)

    async def get_listing_offers_batch(
        self, skus: Sequence[str], marketplace_id: str, condition: Condition = "New"
    ) -> Sequence[BatchAnswer]:
        """Return the lowest offers beside the seller's own listings. Every 2 s, burst 1.

        Args:
            skus: One to twenty.
            marketplace_id: Where.
            condition: Of the items.

        Raises:
            SpApiError: The whole call failed; the subclass says what to do.
        """
        return await self._offers(_LISTING_OFFERS, "listings", skus, marketplace_id, condition)

    async def get_competitive_summary(
        self,
        asins: Sequence[str],
        marketplace_id: str,
        included_data: Sequence[str] = COMPETITIVE_DATA,
    ) -> Sequence[BatchAnswer]:
        """Return featured and lowest offers of products. Every 30 s, burst 1.

        Args:
            asins: One to twenty.
            marketplace_id: Where.
            included_data: Also `similarItems`.

        Raises:
            SpApiError: The whole call failed; the subclass says what to do.
        """
        return await self._batch(
            _SUMMARY,
            [
                {
                    "uri": "/products/pricing/2022-05-01/items/competitiveSummary",
                    "method": "GET",
                    "asin": asin,
                    "marketplaceId": marketplace_id,
                    "includedData": list(included_data),
                }
                for asin in asins
            ],
        )

    async def get_featured_offer_expected_price_batch(
        self, skus: Sequence[str], marketplace_id: str
    ) -> Sequence[BatchAnswer]:
        """Return the prices at which own offers would be featured. Every 30 s, burst 1.

        Args:
            skus: The seller's own listings.
            marketplace_id: Where.

        Raises:
            SpApiError: The whole call failed; the subclass says what to do.
        """
        return await self._batch(
            _EXPECTED_PRICE,
            [
                {
                    "uri": "/products/pricing/2022-05-01/offer/featuredOfferExpectedPrice",
                    "method": "GET",
                    "marketplaceId": marketplace_id,
                    "sku": sku,
                }
                for sku in skus
            ],
        )

    async def _offers(
        self, name: str, kind: str, ids: Sequence[str], marketplace_id: str, condition: Condition
    ) -> Sequence[BatchAnswer]:
        return await self._batch(
            name,
            [
                {
                    "uri": f"/products/pricing/v0/{kind}/{quote(one, safe='')}/offers",
                    "method": "GET",
                    "MarketplaceId": marketplace_id,
                    "ItemCondition": condition,
                }
                for one in ids
            ],
        )

    async def _batch(
        self, name: str, requests: Sequence[Mapping[str, Any]]
    ) -> Sequence[BatchAnswer]:
        answer = await self._calls.call(name, body={"requests": list(requests)})
        responses = part(answer, "responses")
        read = map(BatchAnswer.read, responses if isinstance(responses, list) else ())
        return tuple(one for one in read if one is not None)
