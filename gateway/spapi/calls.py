"""The calls of one seller, or of one application: what handlers hold as `ctx.spapi`.

It decides what a call's name means, which typed calls there are, and how a list is walked. Who the
seller is, and whether the call may be made, is the client's to decide; sending is the runner's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, Protocol

from gateway.calls_made import CallLog
from gateway.spapi.apis.application_management import ApplicationManagement
from gateway.spapi.apis.catalog_items import CatalogItems
from gateway.spapi.apis.data_kiosk import DataKiosk
from gateway.spapi.apis.fba_inventory import FbaInventory
from gateway.spapi.apis.feeds import Feeds
from gateway.spapi.apis.finances import Finances
from gateway.spapi.apis.fulfillment_outbound import FulfillmentOutbound
from gateway.spapi.apis.invoices import Invoices
from gateway.spapi.apis.listings_items import ListingsItems
from gateway.spapi.apis.notifications import Notifications
from gateway.spapi.apis.orders import Orders, OrdersV0
from gateway.spapi.apis.pricing import Pricing
from gateway.spapi.apis.reports import Reports
from gateway.spapi.apis.sellers import Sellers
from gateway.spapi.apis.tokens import Tokens
from gateway.spapi.catalog import Catalog, Operation
from gateway.spapi.documents.calls import DocumentAccess, Documents
from gateway.spapi.pagination import MAX_PAGES, Ask, Pages
from gateway.spapi.requests import Parameter


class Client(Protocol):
    """What the calls need of the client that they are made through."""

    @property
    def catalog(self) -> Catalog:
        """Every operation."""
        ...

    @property
    def documents(self) -> DocumentAccess:
        """What documents are fetched with."""
        ...

    async def call_for_seller(
        self,
        operation: Operation,
        ask: Ask,
        headers: Mapping[str, str] | None,
        calls: SellerCalls,
        restricted: bool | Sequence[str] = False,
    ) -> dict[str, Any]:
        """Make a call for a seller."""
        ...

    async def call_for_application(
        self,
        operation: Operation,
        ask: Ask,
        headers: Mapping[str, str] | None,
        calls: ApplicationCalls,
    ) -> dict[str, Any]:
        """Make a grantless call."""
        ...


class SellerCalls:
    """The calls of one seller."""

    def __init__(
        self,
        client: Client,
        seller_id: str,
        region: str | None,
        *,
        slot: str | None,
        patience_s: float | None,
        log: CallLog | None = None,
    ) -> None:
        self._client = client
        self.seller_id = seller_id
        self.region = region
        self.slot = slot
        self.patience_s = patience_s
        self.log = log

    @cached_property
    def application_management(self) -> ApplicationManagement:
        """The Application Management API 2023-11-30, for the seller's application."""
        return ApplicationManagement(self)

    @cached_property
    def catalog_items(self) -> CatalogItems:
        """The Catalog Items API 2022-04-01."""
        return CatalogItems(self)

    @cached_property
    def data_kiosk(self) -> DataKiosk:
        """The Data Kiosk API 2023-11-15."""
        return DataKiosk(self)

    @cached_property
    def documents(self) -> Documents:
        """Reports, feeds, Data Kiosk results and invoices, as streams."""
        return Documents(self, self._client.documents)

    @cached_property
    def fba_inventory(self) -> FbaInventory:
        """The FBA Inventory API v1."""
        return FbaInventory(self)

    @cached_property
    def feeds(self) -> Feeds:
        """The Feeds API 2021-06-30."""
        return Feeds(self)

    @cached_property
    def finances(self) -> Finances:
        """The Finances API 2024-06-19."""
        return Finances(self)

    @cached_property
    def fulfillment_outbound(self) -> FulfillmentOutbound:
        """The Fulfillment Outbound API 2020-07-01."""
        return FulfillmentOutbound(self)

    @cached_property
    def invoices(self) -> Invoices:
        """The Invoices API 2024-06-19."""
        return Invoices(self)

    @cached_property
    def listings_items(self) -> ListingsItems:
        """The Listings Items API 2021-08-01."""
        return ListingsItems(self, self.seller_id)

    @cached_property
    def notifications(self) -> Notifications:
        """The Notifications API v1."""
        return Notifications(self)

    @cached_property
    def orders(self) -> Orders:
        """The Orders API 2026-01-01."""
        return Orders(self)

    @cached_property
    def orders_v0(self) -> OrdersV0:
        """The Orders API v0."""
        return OrdersV0(self)

    @cached_property
    def pricing(self) -> Pricing:
        """The batches of the Product Pricing API, v0 and 2022-05-01."""
        return Pricing(self)

    @cached_property
    def reports(self) -> Reports:
        """The Reports API 2021-06-30."""
        return Reports(self)

    @cached_property
    def sellers(self) -> Sellers:
        """The Sellers API v1."""
        return Sellers(self)

    @cached_property
    def tokens(self) -> Tokens:
        """The Tokens API 2021-03-01."""
        return Tokens(self)

    async def call(
        self,
        name: str,
        /,
        *,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        restricted: bool | Sequence[str] = False,
        **parameters: Parameter,
    ) -> dict[str, Any]:
        """Call an operation and return the object that Amazon answers, unchanged.

        Args:
            name: `orders.2026-01-01.getOrder`, or an operation id that is unique.
            body: JSON value of the request's body.
            headers: Further headers.
            restricted: Whether to ask for personal data, or a restricted report; of Orders v0 which
                (`buyerInfo`, `shippingAddress`, `buyerTaxInformation`). Operations that never
                answer without a restricted data token get one anyway.
            **parameters: Path, query and header parameters by Amazon's names.

        Raises:
            InvalidInputError: The name or a parameter is wrong; nothing was sent.
            NotFoundError: There is no such seller.
            SpApiRetryableError: Try later.
            SpApiRequestError: Amazon refuses the request as it is.
            SpApiAuthorizationError: The seller or the application must act; a `SellerPausedError`
                where that is known already.
            CallDeferred: The usage plan's next token is too far away; let it pass.
        """
        operation = self._client.catalog.find(name)
        ask = Ask(parameters=parameters, body=body)
        return await self._client.call_for_seller(operation, ask, headers, self, restricted)

    def paginate(
        self,
        name: str,
        /,
        *,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        restricted: bool | Sequence[str] = False,
        start: str | None = None,
        max_pages: int = MAX_PAGES,
        **parameters: Parameter,
    ) -> Pages:
        """Return a walk over the pages of a list; each page is one call.

        A list longer than the burst of its usage plan can't be fetched in one run of a handler: the
        run ends and starts anew. Keep `Page.next_token` by `Later`, and go on with `start`.

        Args:
            name: As in `call`.
            body: As in `call`.
            headers: As in `call`.
            restricted: As in `call`.
            start: Page token to begin at.
            max_pages: Most pages; a longer list is an error, not a cut one.
            **parameters: As in `call`.

        Raises:
            InvalidInputError: The name is wrong, or `start` is given and there are no pages.
        """

        async def call(page_of: str, ask: Ask) -> dict[str, Any]:
            operation = self._client.catalog.find(page_of)
            return await self._client.call_for_seller(operation, ask, headers, self, restricted)

        first = Ask(parameters=parameters, body=body)
        operation = self._client.catalog.find(name)
        return Pages(operation, call, first, start=start, max_pages=max_pages)


class ApplicationCalls:
    """The grantless calls of one application."""

    def __init__(
        self,
        client: Client,
        application_id: str,
        region: str,
        *,
        slot: str | None,
        patience_s: float | None,
        log: CallLog | None = None,
    ) -> None:
        self._client = client
        self.application_id = application_id
        self.region = region
        self.slot = slot
        self.patience_s = patience_s
        self.log = log

    @cached_property
    def application_management(self) -> ApplicationManagement:
        """The Application Management API 2023-11-30."""
        return ApplicationManagement(self)

    @cached_property
    def notifications(self) -> Notifications:
        """The Notifications API v1; what concerns a seller's own subscriptions needs the seller."""
        return Notifications(self)

    async def call(
        self,
        name: str,
        /,
        *,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        **parameters: Parameter,
    ) -> dict[str, Any]:
        """Call a grantless operation; see `SellerCalls.call`.

        Raises:
            InvalidInputError: The name or a parameter is wrong, or the operation needs a seller.
        """
        operation = self._client.catalog.find(name)
        ask = Ask(parameters=parameters, body=body)
        return await self._client.call_for_application(operation, ask, headers, self)

    def paginate(
        self,
        name: str,
        /,
        *,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        start: str | None = None,
        max_pages: int = MAX_PAGES,
        **parameters: Parameter,
    ) -> Pages:
        """Return a walk over the pages of a list; see `SellerCalls.paginate`."""

        async def call(page_of: str, ask: Ask) -> dict[str, Any]:
            operation = self._client.catalog.find(page_of)
            return await self._client.call_for_application(operation, ask, headers, self)

        first = Ask(parameters=parameters, body=body)
        operation = self._client.catalog.find(name)
        return Pages(operation, call, first, start=start, max_pages=max_pages)
