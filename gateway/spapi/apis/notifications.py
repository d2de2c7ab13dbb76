"""Typed calls of the Notifications API v1: destinations and subscriptions. Once a second, burst 5.

Destinations are the application's (grantless); a subscription is the seller's. There is no update:
a change is a deletion and a creation.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from pydantic import Field

from gateway.spapi.apis.views import Calls, Listed, View, found, given, listed, part

_API = "notifications.v1"


class Destination(View):
    """Where Amazon sends notifications to.

    Attributes:
        resource: By kind: `sqs` with `arn`, `eventBridge` with `name`, `region` and `accountId`,
            and kinds that Amazon does not document.
    """

    destination_id: str
    name: str | None = None
    resource: Mapping[str, Any] = Field(default_factory=dict)

    @property
    def sqs_arn(self) -> str | None:
        """The queue it sends to, or None where it is no queue."""
        arn = part(self.resource, "sqs", "arn")
        return arn if isinstance(arn, str) else None


class Subscription(View):
    """A seller's subscription to a notification type.

    Attributes:
        processing_directive: Filters, or None.
    """

    subscription_id: str
    payload_version: str | None = None
    destination_id: str | None = None
    processing_directive: Mapping[str, Any] | None = None


class Notifications:
    """The Notifications API v1."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    # ── destinations: grantless ──────────────────────────────────────────────────────────────────

    async def get_destinations(self) -> Sequence[Destination]:
        """Return all destinations of the application.

        Raises:
            SpApiError: The call failed; the subclass says what to do.
        """
        payload = part(await self._calls.call(f"{_API}.getDestinations"), "payload")
        read = map(Destination.read, payload if isinstance(payload, list) else ())
        return tuple(destination for destination in read if destination is not None)

    async def get_destination(self, destination_id: str) -> Destination:
        """Return a destination.

        Raises:
            SpApiError: The call failed; the subclass says what to do.
        """
        name = f"{_API}.getDestination"
        answer = await self._calls.call(name, destinationId=destination_id)
        return found(Destination.read(part(answer, "payload")), operation=name, what="destination")

    async def create_destination(self, name: str, resource: Mapping[str, Any]) -> Destination:
        """Create a destination.

        Args:
            name: At most 256 characters.
            resource: `{"sqs": {"arn": …}}` or `{"eventBridge": {"region": …, "accountId": …}}`.

        Raises:
            SpApiRequestError: 409 where the application has one with this ARN already, or, for
                EventBridge, any with this account.
            SpApiError: The call failed; the subclass says what to do.
        """
        operation = f"{_API}.createDestination"
        body = {"name": name, "resourceSpecification": dict(resource)}
        answer = await self._calls.call(operation, body=body)
        return found(
            Destination.read(part(answer, "payload")), operation=operation, what="destination"
        )

    async def delete_destination(self, destination_id: str) -> None:
        """Delete a destination.

        Raises:
            SpApiAuthorizationError: 403 while it has subscriptions.
            SpApiError: The call failed; the subclass says what to do.
        """
        await self._calls.call(f"{_API}.deleteDestination", destinationId=destination_id)

    # ── subscriptions ────────────────────────────────────────────────────────────────────────────

    async def get_subscription(
        self, notification_type: str, *, payload_version: str | None = None
    ) -> Subscription:
        """Return the seller's subscription to a type; its newest payload version unless given.

        Raises:
            SpApiRequestError: 404 where there is none.
            SpApiError: The call failed; the subclass says what to do.
        """
        name = f"{_API}.getSubscription"
        answer = await self._calls.call(
            name, notificationType=notification_type, payloadVersion=payload_version
        )
        return _subscription(answer, name)

    def get_subscriptions(
        self,
        notification_type: str,
        *,
        payload_version: str | None = None,
        page_size: int | None = None,
        start: str | None = None,
    ) -> AsyncIterator[Listed[Subscription]]:
        """List the seller's subscriptions to a type, page by page.

        Args:
            notification_type: One type; Amazon lists no more at once.
            payload_version: Only of this version.
            page_size: Subscriptions a page.
            start: `next_token` of the last page that was read.

        Raises:
            SpApiError: A call failed; the subclass says what to do.
        """
        pages = self._calls.paginate(
            f"{_API}.getSubscriptions",
            notificationTypes=[notification_type],
            payloadVersion=payload_version,
            pageSize=page_size,
            start=start,
        )
        return listed(pages, "payload", "subscriptions", read=Subscription.read)

    async def create_subscription(
        self,
        notification_type: str,
        destination_id: str,
        *,
        payload_version: str = "1.0",
        processing_directive: Mapping[str, Any] | None = None,
    ) -> Subscription:
        """Subscribe the seller to a type.

        Args:
            notification_type: Such as `ORDER_CHANGE`.
            destination_id: Where it goes; of the kind that the type's workflow asks for.
            payload_version: Shape of the payload.
            processing_directive: `eventFilter` or `filterExpression`, where the type takes one.

        Raises:
            SpApiRequestError: 409 where there is one already, 400 where the type takes another kind
                of destination.
            SpApiAuthorizationError: 403 without the type's role.
            SpApiError: The call failed; the subclass says what to do.
        """
        name = f"{_API}.createSubscription"
        body = given(
            payloadVersion=payload_version,
            destinationId=destination_id,
            processingDirective=processing_directive,
        )
        answer = await self._calls.call(name, notificationType=notification_type, body=body)
        return _subscription(answer, name)

    async def get_subscription_by_id(
        self, notification_type: str, subscription_id: str
    ) -> Subscription:
        """Return any subscription of the application; grantless.

        Raises:
            SpApiRequestError: 404 where there is none.
            SpApiError: The call failed; the subclass says what to do.
        """
        name = f"{_API}.getSubscriptionById"
        answer = await self._calls.call(
            name, notificationType=notification_type, subscriptionId=subscription_id
        )
        return _subscription(answer, name)

    async def delete_subscription_by_id(self, notification_type: str, subscription_id: str) -> None:
        """Delete any subscription of the application; grantless.

        Raises:
            SpApiError: The call failed; the subclass says what to do.
        """
        await self._calls.call(
            f"{_API}.deleteSubscriptionById",
            notificationType=notification_type,
            subscriptionId=subscription_id,
        )

    async def send_test_notification(
        self,
        notification_type: str,
        destination_id: str,
        *,
        payload_version: str = "1.0",
        test_scenario: str,
    ) -> None:
        """Have Amazon's sandbox send a made-up notification to a destination; grantless.

        Raises:
            SpApiError: The call failed; the subclass says what to do.
        """
        await self._calls.call(
            f"{_API}.sendTestNotification",
            notificationType=notification_type,
            body={
                "destinationId": destination_id,
                "testNotification": {
                    "payloadVersion": payload_version,
                    "testScenario": test_scenario,
                },
            },
        )


def _subscription(answer: Mapping[str, Any], name: str) -> Subscription:
    return found(Subscription.read(part(answer, "payload")), operation=name, what="subscription")
