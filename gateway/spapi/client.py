"""What callers hold: a client, and through it the calls of one seller.

It decides what a call's name and parameters mean and for whom it is made, and refuses what can't
be right before anything is sent. Sending is the runner's. It never decides when a handling runs
again.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from gateway.errors import SellerPausedError
from gateway.model import SellerState
from gateway.spapi.catalog import Catalog
from gateway.spapi.directory import Caller, SellerDirectory
from gateway.spapi.orders import Orders, OrdersV0
from gateway.spapi.regions import region_named
from gateway.spapi.requests import Parameter, prepare
from gateway.spapi.runner import BoundCall, CallRunner


class SpApiClient:
    """Makes calls for any seller; safe for any number of tasks."""

    def __init__(self, *, catalog: Catalog, directory: SellerDirectory, runner: CallRunner) -> None:
        self._catalog = catalog
        self._directory = directory
        self._runner = runner

    def for_seller(
        self,
        seller_id: str,
        region: str | None = None,
        *,
        slot: str | None = None,
        patience_s: float | None = None,
    ) -> SellerCalls:
        """Return the calls of one seller.

        Args:
            seller_id: Amazon's selling partner id.
            region: `na`, `eu` or `fe`, where the seller has several authorisations.
            slot: From the `CallDeferred` that ended the last run, so that this one goes first.
            patience_s: Longest wait for the usage plan; None for a moment, `inf` for as long as
                it takes.
        """
        return SellerCalls(self, seller_id, region, slot=slot, patience_s=patience_s)

    async def call(
        self,
        name: str,
        parameters: Mapping[str, Parameter],
        *,
        body: Any,
        headers: Mapping[str, str] | None,
        calls: SellerCalls,
    ) -> dict[str, Any]:
        """Make the call that `name` and `parameters` mean for a seller; see `SellerCalls.call`."""
        operation = self._catalog.find(name)
        prepared = prepare(operation, parameters, body=body, headers=headers)
        seller = await self._directory.seller(calls.seller_id, calls.region)
        grantless = operation.scope is not None
        caller = Caller(
            application_id=seller.application_id,
            region=region_named(seller.region),
            seller_id=None if grantless else seller.id,
        )
        if seller.state is SellerState.PAUSED and not grantless:
            raise SellerPausedError(
                f"{operation.name} for {caller}: the seller is paused "
                f"({seller.paused_reason or 'no reason given'}); mend that, then resume the seller",
                operation=operation.name,
                seller_id=seller.id,
            )
        return await self._runner.run(
            BoundCall(
                prepared=prepared,
                caller=caller,
                seller=None if grantless else seller,
                slot=calls.slot,
                patience_s=calls.patience_s,
            )
        )


class SellerCalls:
    """The calls of one seller."""

    def __init__(
        self,
        client: SpApiClient,
        seller_id: str,
        region: str | None,
        *,
        slot: str | None,
        patience_s: float | None,
    ) -> None:
        self._client = client
        self.seller_id = seller_id
        self.region = region
        self.slot = slot
        self.patience_s = patience_s

    @cached_property
    def orders(self) -> Orders:
        """The Orders API 2026-01-01."""
        return Orders(self)

    @cached_property
    def orders_v0(self) -> OrdersV0:
        """The Orders API v0."""
        return OrdersV0(self)

    async def call(
        self,
        name: str,
        /,
        *,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        **parameters: Parameter,
    ) -> dict[str, Any]:
        """Call an operation and return the object that Amazon answers, unchanged.

        Args:
            name: `orders.2026-01-01.getOrder`, or an operation id that is unique.
            body: JSON value of the request's body.
            headers: Header parameters.
            **parameters: Path and query parameters by Amazon's names.

        Raises:
            InvalidInputError: The name or a parameter is wrong; nothing was sent.
            NotFoundError: There is no such seller.
            SpApiRetryableError: Try later.
            SpApiRequestError: Amazon refuses the request as it is.
            SpApiAuthorizationError: The seller or the application must act; a `SellerPausedError`
                where that is known already.
            CallDeferred: The usage plan's next token is too far away; let it pass.
        """
        return await self._client.call(name, parameters, body=body, headers=headers, calls=self)
