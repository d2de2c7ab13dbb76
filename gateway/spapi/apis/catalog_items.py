"""Typed calls of the Catalog Items API 2022-04-01: getCatalogItem. Twice a second, burst 2.

All sellers of an application together have 250 a second.
"""

from __future__ import annotations

from collections.abc import Sequence

from gateway.spapi.apis.views import Calls, View, found

_GET = "catalogItems.2022-04-01.getCatalogItem"

DEFAULT_DATA = ("summaries",)
"""What getCatalogItem is asked for unless told."""


class ItemSummary(View):
    """A product in one marketplace.

    Attributes:
        item_classification: `BASE_PRODUCT`, `OTHER`, `PRODUCT_BUNDLE` or `VARIATION_PARENT`.
    """

    marketplace_id: str
    item_name: str | None = None
    brand: str | None = None
    manufacturer: str | None = None
    model_number: str | None = None
    part_number: str | None = None
    color: str | None = None
    size: str | None = None
    style: str | None = None
    item_classification: str | None = None
    package_quantity: int | None = None
    release_date: str | None = None
    website_display_group: str | None = None


class CatalogItem(View):
    """A product of Amazon's catalogue; everything but summaries is in `raw`."""

    asin: str
    summaries: tuple[ItemSummary, ...] = ()


class CatalogItems:
    """The Catalog Items API 2022-04-01."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    async def get_catalog_item(
        self,
        asin: str,
        marketplace_ids: Sequence[str],
        included_data: Sequence[str] = DEFAULT_DATA,
        *,
        locale: str | None = None,
    ) -> CatalogItem:
        """Return a product.

        Args:
            asin: Amazon's id of it.
            marketplace_ids: Marketplaces whose data is wanted.
            included_data: Also `attributes`, `classifications`, `dimensions`, `identifiers`,
                `images`, `productTypes`, `relationships`, `salesRanks`, `vendorDetails`.
            locale: Language of texts, such as `en_US`; the marketplace's unless given.

        Raises:
            SpApiRequestError: 404 where there is no such product.
            SpApiError: The call failed; the subclass says what to do.
        """
        answer = await self._calls.call(
            _GET,
            asin=asin,
            marketplaceIds=list(marketplace_ids),
            includedData=list(included_data),
            locale=locale,
        )
        return found(CatalogItem.read(answer), operation=_GET, what="product")
