"""Amazon's side of it: the calls about destinations and subscriptions, as this room wants them.

Calls wait as long as the usage plan asks: once a second for each seller, burst five.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from gateway.errors import SpApiError
from gateway.spapi.apis.notifications import Destination, Notifications, Subscription
from gateway.spapi.apis.views import part
from gateway.spapi.client import SpApiClient
from gateway.subscriptions.declaration import DeclaredDestination, Unit, Wanted


class AmazonSide:
    """Asks and changes; safe for any number of tasks. Every method raises `SpApiError`."""

    def __init__(self, client: SpApiClient) -> None:
        self._client = client

    async def subscriptions(self, unit: Unit) -> Sequence[Subscription]:
        """Return all that a seller has of a type."""
        pages = self._seller(unit).get_subscriptions(unit.type)
        return [one async for page in pages for one in page.items]

    async def create(self, wanted: Wanted, destination_id: str) -> Subscription:
        """Subscribe the seller."""
        return await self._seller(wanted.unit).create_subscription(
            wanted.unit.type,
            destination_id,
            payload_version=wanted.payload_version,
            processing_directive=wanted.directive,
        )

    async def put_back(self, unit: Unit, old: Subscription) -> Subscription:
        """Subscribe the seller as it was before."""
        return await self._seller(unit).create_subscription(
            unit.type,
            old.destination_id or "",
            payload_version=old.payload_version or "1.0",
            processing_directive=old.processing_directive,
        )

    async def delete(self, unit: Unit, subscription_id: str) -> None:
        """Delete a subscription; one that is gone already is no fault."""
        try:
            await self._seller(unit).delete_subscription_by_id(unit.type, subscription_id)
        except SpApiError as exc:
            if exc.status != 404:
                raise

    async def destinations(self, application_id: str, region: str) -> Sequence[Destination]:
        """Return all destinations of an application, those of unknown kinds too."""
        return await self._application(application_id, region).get_destinations()

    async def create_destination(
        self, declared: DeclaredDestination, application_id: str, region: str
    ) -> tuple[Destination, bool]:
        """Make a destination, or take over the one that is there; return whether it is new."""
        calls = self._application(application_id, region)
        try:
            made = await calls.create_destination(declared.name, declared.specification())
        except SpApiError as exc:
            if exc.status != 409:
                raise
            for one in await calls.get_destinations():
                if resource_of(one.resource) == resource_of(declared.specification()):
                    return one, False
            raise
        return made, True

    async def delete_destination(
        self, application_id: str, region: str, destination_id: str
    ) -> None:
        """Delete a destination that has no subscriptions."""
        await self._application(application_id, region).delete_destination(destination_id)

    def _seller(self, unit: Unit) -> Notifications:
        calls = self._client.for_seller(unit.seller_id, unit.region, patience_s=math.inf)
        return calls.notifications

    def _application(self, application_id: str, region: str) -> Notifications:
        calls = self._client.for_application(application_id, region, patience_s=math.inf)
        return calls.notifications


def resource_of(resource: Mapping[str, Any]) -> tuple[str, ...] | None:
    """Return what a destination is known by: its queue, or account and region of its bus.

    None for kinds that Amazon does not document.
    """
    arn = part(resource, "sqs", "arn")
    if isinstance(arn, str):
        return "sqs", arn
    account = part(resource, "eventBridge", "accountId")
    region = part(resource, "eventBridge", "region")
    if isinstance(account, str) and isinstance(region, str):
        return "eventBridge", account, region
    return None


def found_ids(
    declared: Sequence[DeclaredDestination],
    existing: Sequence[Destination],
    application_id: str,
    region: str,
) -> Mapping[str, str]:
    """Return the ids of those declared destinations that exist, by declared name."""
    by_resource = {
        place: one.destination_id
        for one in existing
        if (place := resource_of(one.resource)) is not None
    }
    return {
        one.name: by_resource[place]
        for one in declared
        if one.serves(application_id, region)
        and (place := resource_of(one.specification())) in by_resource
        and place is not None
    }
