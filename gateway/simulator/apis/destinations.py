"""Destinations: where notifications are sent, by application. Grantless.

Source: Amazon's page "Notifications API v1"; the texts of refusals are those that users report.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gateway.simulator.spapi.answers import RefusalError, bad_input, not_found
from gateway.simulator.spapi.call import Answer, Call, needed_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.simulator.spapi.call import Answering

_ARN = re.compile(r"arn:aws:sqs:\S+:\S+:\S+")
_MAX_NAME = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """Where notifications of an application are sent.

    Attributes:
        arn: ARN of the queue; None for EventBridge.
        region: AWS region of the event bus; empty for a queue.
        account_id: AWS account of the event bus; empty for a queue.
    """

    id: str
    application: str
    name: str
    arn: str | None = None
    region: str = ""
    account_id: str = ""

    @property
    def event_bridge(self) -> bool:
        """Whether it is an event bus rather than a queue."""
        return self.arn is None

    def shown(self) -> Mapping[str, Any]:
        """Return it as Amazon shows it."""
        resource: Mapping[str, Any] = {"sqs": {"arn": self.arn}}
        if self.event_bridge:
            resource = {
                "eventBridge": {
                    "name": f"sellingpartnerapi.amazon.com/{self.application}",
                    "region": self.region,
                    "accountId": self.account_id,
                }
            }
        return {"destinationId": self.id, "name": self.name, "resource": resource}


class Destinations:
    """The destinations of all applications, and the four operations on them.

    Attributes:
        in_use: Tells whether subscriptions hold a destination.
    """

    def __init__(self) -> None:
        self._by_id: dict[str, Destination] = {}
        self.in_use: Callable[[str], bool] = lambda _: False

    def answers(self) -> Mapping[str, Answering]:
        """See `Api`."""
        return {
            "notifications.v1.createDestination": self._create,
            "notifications.v1.getDestinations": self._list,
            "notifications.v1.getDestination": lambda call: Answer(
                body={"payload": self._called(call).shown()}
            ),
            "notifications.v1.deleteDestination": self._delete,
        }

    def of(self, application: str, destination_id: str) -> Destination | None:
        """Return an application's destination, or None."""
        found = self._by_id.get(destination_id)
        return found if found is not None and found.application == application else None

    def all(self) -> Sequence[Destination]:
        """Return every destination, the oldest first."""
        return tuple(self._by_id.values())

    def _create(self, call: Call) -> Answer:
        fields = call.fields()
        name = needed_text(fields, "name")
        if len(name) > _MAX_NAME:
            raise bad_input(f"name takes at most {_MAX_NAME} characters.", "name")
        made = _read(call.caller.application, name, fields.get("resourceSpecification"))
        for other in self._by_id.values():
            if _where(other) == _where(made):
                raise RefusalError(
                    409,
                    "Conflict",
                    f"A destination with arn {made.arn} already exists for the application "
                    f"{made.application}."
                    if made.arn
                    else "An EventBridge destination already exists for the AWS account "
                    f"{made.account_id}.",
                )
        self._by_id[made.id] = made
        return Answer(body={"payload": made.shown()})

    def _list(self, call: Call) -> Answer:
        return Answer(
            body={
                "payload": [
                    destination.shown()
                    for destination in self._by_id.values()
                    if destination.application == call.caller.application
                ]
            }
        )

    def _delete(self, call: Call) -> Answer:
        destination = self._called(call)
        if self.in_use(destination.id):
            raise RefusalError(
                403,
                "Unauthorized",
                "Access to requested resource is denied.",
                "Destination has subscriptions",
            )
        del self._by_id[destination.id]
        return Answer(body={})

    def _called(self, call: Call) -> Destination:
        destination_id = call.arguments["destinationId"]
        found = self.of(call.caller.application, destination_id)
        if found is None:
            raise not_found("destination", destination_id)
        return found


def _where(destination: Destination) -> tuple[str, ...]:
    """Return what no two destinations share: a queue per application, a bus per account."""
    if destination.arn is not None:
        return destination.application, destination.arn
    return destination.region, destination.account_id, ""


def _read(application: str, name: str, specification: Any) -> Destination:
    if not isinstance(specification, dict):
        raise bad_input("resourceSpecification is required.", "resourceSpecification")
    sqs, bus = specification.get("sqs"), specification.get("eventBridge")
    if (sqs is None) is (bus is None):
        raise bad_input("resourceSpecification takes one of sqs and eventBridge.")
    new_id = str(uuid.uuid4())
    if sqs is not None:
        arn = sqs.get("arn") if isinstance(sqs, dict) else None
        if not isinstance(arn, str) or not _ARN.fullmatch(arn):
            raise bad_input("The ARN of the queue is invalid.", str(arn))
        if arn.endswith(".fifo"):
            raise bad_input("FIFO queues are not supported.", arn)
        return Destination(id=new_id, application=application, name=name, arn=arn)
    if not isinstance(bus, dict):
        raise bad_input("eventBridge must be an object.")
    return Destination(
        id=new_id,
        application=application,
        name=name,
        region=needed_text(bus, "region"),
        account_id=needed_text(bus, "accountId"),
    )
