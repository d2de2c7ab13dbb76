"""Subscriptions: which seller's notifications of a type go to which destination.

Source: Amazon's page "Notifications API v1"; the texts of refusals are those that users report.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gateway.simulator.apis import pages
from gateway.simulator.apis.filters import Directive, check_directive
from gateway.simulator.payloads import KINDS, Kind
from gateway.simulator.spapi.answers import RefusalError, bad_input, denied, not_found
from gateway.simulator.spapi.call import Answer, Call, needed_text

if TYPE_CHECKING:
    from gateway.simulator.apis.destinations import Destination, Destinations
    from gateway.simulator.spapi.call import Answering

# Users report that the grantless token is refused for these, although it is documented.
_NO_GRANTLESS_DELETE = frozenset(
    {
        "B2B_ANY_OFFER_CHANGED",
        "FBA_OUTBOUND_SHIPMENT_STATUS",
        "FULFILLMENT_ORDER_STATUS",
    }
)
_PLAIN_VERSION = "1.0"
_MIN_PAGE = 30
_MAX_PAGE = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """One seller's subscription of one application to one type."""

    id: str
    application: str
    seller: str
    type: str
    payload_version: str
    destination: str
    directive: Directive | None

    def shown(self) -> Mapping[str, Any]:
        """Return it as Amazon shows it."""
        shown: dict[str, Any] = {
            "subscriptionId": self.id,
            "payloadVersion": self.payload_version,
            "destinationId": self.destination,
        }
        if self.directive:
            shown["processingDirective"] = self.directive
        return shown


class Subscriptions:
    """The subscriptions of all sellers, and the five operations on them."""

    def __init__(self, destinations: Destinations) -> None:
        self._destinations = destinations
        self._by_id: dict[str, Subscription] = {}
        destinations.in_use = lambda destination_id: any(
            subscription.destination == destination_id for subscription in self._by_id.values()
        )

    def answers(self) -> Mapping[str, Answering]:
        """See `Api`."""
        return {
            "notifications.v1.createSubscription": self._create,
            "notifications.v1.getSubscription": self._newest,
            "notifications.v1.getSubscriptions": self._list,
            "notifications.v1.getSubscriptionById": lambda call: Answer(
                body={"payload": self._called(call).shown()}
            ),
            "notifications.v1.deleteSubscriptionById": self._delete,
        }

    def all(self) -> Sequence[Subscription]:
        """Return every subscription, the oldest first."""
        return tuple(self._by_id.values())

    def to(self, type_: str, seller_id: str) -> Sequence[Subscription]:
        """Return the subscriptions to a seller's notifications of a type."""
        return [
            subscription
            for subscription in self._by_id.values()
            if (subscription.type, subscription.seller) == (type_, seller_id)
        ]

    def _create(self, call: Call) -> Answer:
        type_ = call.arguments["notificationType"]
        kind, seller, fields = subscribable(type_), call.seller, call.fields()
        version = needed_text(fields, "payloadVersion")
        if version not in {_PLAIN_VERSION, kind.payload_version}:
            raise bad_input("payloadVersion is invalid.", version)
        destination = self._destinations.of(
            call.caller.application, needed_text(fields, "destinationId")
        )
        _check_destination(destination, kind)
        directive = fields.get("processingDirective")
        if directive is not None and not isinstance(directive, dict):
            raise bad_input("processingDirective must be an object.")
        check_directive(type_, kind, directive)
        made = Subscription(
            id=str(uuid.uuid4()),
            application=call.caller.application,
            seller=seller.id,
            type=type_,
            payload_version=version,
            destination=fields["destinationId"],
            directive=directive,
        )
        if any(_excludes(other, made) for other in self._mine(call, type_)):
            raise RefusalError(
                409,
                "StateConflict",
                f"Subscription already exist for notification type {type_}.",
            )
        self._by_id[made.id] = made
        return Answer(body={"payload": made.shown()})

    def _newest(self, call: Call) -> Answer:
        type_ = call.arguments["notificationType"]
        subscribable(type_)
        mine = self._mine(call, type_)
        # Without a version Amazon shows the newest payload version alone.
        version = call.query.get("payloadVersion") or max(
            (subscription.payload_version for subscription in mine), key=_age, default=None
        )
        for subscription in reversed(mine):
            if subscription.payload_version == version:
                return Answer(body={"payload": subscription.shown()})
        raise not_found("subscription", type_)

    def _list(self, call: Call) -> Answer:
        types = call.listed("notificationTypes")
        if len(types) != 1:
            raise bad_input("notificationTypes takes exactly one type.", "notificationTypes")
        subscribable(types[0])
        size = call.whole("pageSize", default=_MIN_PAGE, low=_MIN_PAGE, high=_MAX_PAGE)
        version, text = call.query.get("payloadVersion"), call.query.get("nextToken")
        start = pages.opened(text, "nextToken")["start"] if text else 0
        mine = [
            subscription.shown()
            for subscription in self._mine(call, types[0])
            if version in {None, subscription.payload_version}
        ]
        shown, following = pages.page(mine, start=start, size=size)
        payload: dict[str, Any] = {"subscriptions": shown}
        if following is not None:
            payload["nextToken"] = pages.token(following)
        return Answer(body={"payload": payload})

    def _delete(self, call: Call) -> Answer:
        subscription = self._called(call)
        if call.grant.seller is None and subscription.type in _NO_GRANTLESS_DELETE:
            raise denied("The operation needs the seller's token for this notification type.")
        del self._by_id[subscription.id]
        return Answer(body={})

    def _mine(self, call: Call, type_: str) -> Sequence[Subscription]:
        return [
            subscription
            for subscription in self.to(type_, call.seller.id)
            if subscription.application == call.caller.application
        ]

    def _called(self, call: Call) -> Subscription:
        subscription = self._by_id.get(call.arguments["subscriptionId"])
        if (
            subscription is None
            or subscription.type != call.arguments["notificationType"]
            or subscription.application != call.caller.application
            or call.caller.seller not in {None, subscription.seller}
        ):
            raise not_found("subscription", call.arguments["subscriptionId"])
        return subscription


def subscribable(type_: str) -> Kind:
    """Return a type that a subscription can be made to.

    Raises:
        RefusalError: There is none of this name.
    """
    kind = KINDS.get(type_)
    if kind is None or not kind.subscribable:
        raise bad_input("notificationType is invalid.", type_)
    return kind


def _check_destination(destination: Destination | None, kind: Kind) -> None:
    if destination is None:
        raise bad_input(
            "Invalid Input, recheck that the AppId and DestinationId are valid and DestinationId "
            "belongs to the application"
        )
    if destination.event_bridge is not kind.event_bridge:
        # Users report this refusal with nothing in its details.
        raise bad_input("Invalid request parameters.")


def _excludes(other: Subscription, made: Subscription) -> bool:
    """Whether two subscriptions of one seller to one type can't stand beside each other."""
    if other.payload_version != made.payload_version:
        return False
    if made.type == "SHIPMENT_TRACKING_MILESTONE_CHANGED":
        return other.directive == made.directive
    mine, others = _expression(made), _expression(other)
    return mine == others or mine is None or others is None


def _expression(subscription: Subscription) -> str | None:
    return (subscription.directive or {}).get("filterExpression")


def _age(version: str) -> tuple[bool, str]:
    """Return what versions are ordered by: dated ones are newer than plain numbers."""
    return "-" in version, version
