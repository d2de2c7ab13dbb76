"""Sends notifications to whoever is subscribed, and test notifications to whoever asks.

A notification of a type goes out once for each subscription that wants it, with an id of its own.
What an event bus would get goes through the bus's one rule: into the queue that it is given, in
EventBridge's frame.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from gateway.simulator.apis.filters import wants
from gateway.simulator.apis.subscriptions import subscribable
from gateway.simulator.notifications import notification
from gateway.simulator.payloads import KINDS, Subject
from gateway.simulator.spapi.answers import bad_input
from gateway.simulator.spapi.call import Answer, Call, needed_text

if TYPE_CHECKING:
    from gateway.clock import Clock
    from gateway.simulator.apis.destinations import Destination, Destinations
    from gateway.simulator.apis.subscriptions import Subscriptions
    from gateway.simulator.spapi.call import Answering


class Outlet(Protocol):
    """Where message bodies leave the simulator."""

    def send(self, arn: str, body: str) -> bool:
        """Put a body into a queue; False where the queue is not there or refuses it."""
        ...


class Publisher:
    """Puts notifications on the way.

    Attributes:
        published: Notifications that reached a queue, by type.
        lost: Notifications whose queue was not there, by type. Amazon loses them as silently.

    Args:
        destinations: Where to.
        subscriptions: For whom.
        outlet: The queues.
        bus_arn: Queue behind the rule of every event bus; None where there is no rule.
        clock: Time of test notifications.
    """

    def __init__(
        self,
        *,
        destinations: Destinations,
        subscriptions: Subscriptions,
        outlet: Outlet,
        bus_arn: str | None,
        clock: Clock,
    ) -> None:
        self.published: Counter[str] = Counter()
        self.lost: Counter[str] = Counter()
        self._destinations = destinations
        self._subscriptions = subscriptions
        self._outlet = outlet
        self._bus_arn = bus_arn
        self._clock = clock

    def answers(self) -> Mapping[str, Answering]:
        """See `Api`."""
        return {"notifications.v1.sendTestNotification": self._test}

    def publish(self, type_: str, about: Subject) -> Sequence[str]:
        """Send a notification to all that are subscribed to it; return the ids that were given."""
        ids = []
        payload = KINDS[type_].payload(about)
        for subscription in self._subscriptions.to(type_, about.seller_id):
            if not wants(subscription.directive, about, payload):
                continue
            destination = self._destinations.of(subscription.application, subscription.destination)
            if destination is not None:
                ids.append(self._send(type_, about, destination, subscription.id))
        return ids

    def publish_anyway(self, type_: str, about: Subject) -> Sequence[str]:
        """Send as `publish` does; where the seller has no subscription, to the bus's queue."""
        if self._bus_arn is None or self._subscriptions.to(type_, about.seller_id):
            return self.publish(type_, about)
        new_id = str(uuid.uuid4())
        self._put(type_, self._bus_arn, notification(type_, about, notification_id=new_id))
        return [new_id]

    def to_queue(self, type_: str, about: Subject, *, arn: str, application: str) -> None:
        """Send a notification that nobody subscribes to: those about the application itself."""
        self._put(type_, arn, notification(type_, about, application_id=application))

    def _test(self, call: Call) -> Answer:
        type_ = call.arguments["notificationType"]
        kind, fields = subscribable(type_), call.fields()
        test = fields.get("testNotification")
        if not isinstance(test, dict):
            raise bad_input("testNotification is required.", "testNotification")
        version = needed_text(test, "payloadVersion")
        needed_text(test, "testScenario")
        if version not in {"1.0", kind.payload_version}:
            raise bad_input("payloadVersion is invalid.", version)
        destination = self._destinations.of(
            call.caller.application, needed_text(fields, "destinationId")
        )
        if destination is None:
            raise bad_input(
                "Invalid Input, recheck that the AppId and DestinationId are valid and "
                "DestinationId belongs to the application"
            )
        if destination.event_bridge:
            raise bad_input("A test notification goes to SQS only.")
        about = Subject(seller_id="A1TESTSELLER0", at_ms=self._clock.now_ms())
        self._send(type_, about, destination, str(uuid.uuid4()), wrap="sqs")
        return Answer(body={})

    def _send(
        self,
        type_: str,
        about: Subject,
        destination: Destination,
        subscription: str,
        *,
        wrap: str | None = None,
    ) -> str:
        new_id = str(uuid.uuid4())
        bus = {"bus": (destination.account_id, destination.region)}
        body = notification(
            type_,
            about,
            notification_id=new_id,
            application_id=destination.application,
            subscription=subscription,
            **(bus if destination.event_bridge else {}),
            wrap=wrap,
        )
        self._put(type_, destination.arn or self._bus_arn, body)
        return new_id

    def _put(self, type_: str, arn: str | None, body: bytes) -> None:
        reached = arn is not None and self._outlet.send(arn, body.decode())
        (self.published if reached else self.lost)[type_] += 1
