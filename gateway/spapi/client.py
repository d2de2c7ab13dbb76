"""The client: whose calls are made, and with which authorisation.

It decides for whom a call is made and refuses what can't be right before anything is sent. What is
called is decided by `calls`; sending is the runner's. It never decides when a handling runs again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gateway.calls_made import CallLog
from gateway.errors import InvalidInputError, SellerPausedError
from gateway.model import Seller, SellerState
from gateway.spapi.auth import ALSO_BY_SELLER
from gateway.spapi.calls import ApplicationCalls, SellerCalls
from gateway.spapi.catalog import Catalog, Operation
from gateway.spapi.directory import Caller, SellerDirectory
from gateway.spapi.documents.calls import DocumentAccess
from gateway.spapi.pagination import Ask
from gateway.spapi.regions import region_named
from gateway.spapi.requests import prepare
from gateway.spapi.restricted import resource_of
from gateway.spapi.runner import BoundCall, CallRunner


class SpApiClient:
    """Makes calls for any seller; safe for any number of tasks."""

    def __init__(
        self,
        *,
        catalog: Catalog,
        directory: SellerDirectory,
        runner: CallRunner,
        documents: DocumentAccess,
    ) -> None:
        self.documents = documents
        self.catalog = catalog
        self._directory = directory
        self._runner = runner

    def for_seller(
        self,
        seller_id: str,
        region: str | None = None,
        *,
        slot: str | None = None,
        patience_s: float | None = None,
        log: CallLog | None = None,
    ) -> SellerCalls:
        """Return the calls of one seller.

        Args:
            seller_id: Amazon's selling partner id.
            region: `na`, `eu` or `fe`, where the seller has several authorisations.
            slot: From the `CallDeferred` that ended the last run, so that this one goes first.
            patience_s: Longest wait for the usage plan; None for a moment, `inf` for as long as
                it takes.
            log: Where each call is noted; None where nobody asks later.
        """
        return SellerCalls(self, seller_id, region, slot=slot, patience_s=patience_s, log=log)

    def for_application(
        self,
        application_id: str,
        region: str,
        *,
        slot: str | None = None,
        patience_s: float | None = None,
        log: CallLog | None = None,
    ) -> ApplicationCalls:
        """Return the grantless calls of one application, which are made for no seller.

        Args:
            application_id: Id of the application in the settings.
            region: `na`, `eu` or `fe`.
            slot: See `for_seller`.
            patience_s: See `for_seller`.
            log: See `for_seller`.
        """
        return ApplicationCalls(
            self, application_id, region, slot=slot, patience_s=patience_s, log=log
        )

    async def call_for_seller(
        self,
        operation: Operation,
        ask: Ask,
        headers: Mapping[str, str] | None,
        calls: SellerCalls,
        restricted: bool | Sequence[str] = False,
    ) -> dict[str, Any]:
        """Make a call for a seller; see `SellerCalls.call`."""
        prepared = prepare(operation, ask.parameters, body=ask.body, headers=headers)
        seller = await self._directory.seller(calls.seller_id, calls.region)
        grantless = operation.scope is not None
        caller = Caller(
            application_id=seller.application_id,
            region=region_named(seller.region),
            seller_id=None if grantless else seller.id,
        )
        if not grantless:
            _check_active(operation, seller, caller)
        active = seller.state is not SellerState.PAUSED
        return await self._runner.run(
            BoundCall(
                prepared=prepared,
                caller=caller,
                seller=None if grantless else seller,
                slot=calls.slot,
                patience_s=calls.patience_s,
                log=calls.log,
                resource=resource_of(prepared, restricted),
                fallback=seller if active and operation.name in ALSO_BY_SELLER else None,
            )
        )

    async def call_for_application(
        self,
        operation: Operation,
        ask: Ask,
        headers: Mapping[str, str] | None,
        calls: ApplicationCalls,
    ) -> dict[str, Any]:
        """Make a grantless call; see `ApplicationCalls.call`."""
        if operation.scope is None:
            raise InvalidInputError(
                f"{operation.name} is not grantless: it is called in the name of a seller"
            )
        return await self._runner.run(
            BoundCall(
                prepared=prepare(operation, ask.parameters, body=ask.body, headers=headers),
                caller=Caller(
                    application_id=calls.application_id, region=region_named(calls.region)
                ),
                seller=None,
                slot=calls.slot,
                patience_s=calls.patience_s,
                log=calls.log,
            )
        )


def _check_active(operation: Operation, seller: Seller, caller: Caller) -> None:
    if seller.state is SellerState.PAUSED:
        raise SellerPausedError(
            f"{operation.name} for {caller}: the seller is paused "
            f"({seller.paused_reason or 'no reason given'}); mend that, then resume the seller",
            operation=operation.name,
            seller_id=seller.id,
        )
