"""Every question of list, filter, trace and replay selection, as commands and routes ask it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from gateway.identifiers import ReferenceKind
from gateway.model import DeliveryState, HandlingState, NotificationState
from gateway.operations import OperationKind, Selection
from gateway.replay.starting import looking, preview, start_of
from gateway.store import Store
from tests.support.history import (
    BIG_ENDPOINT,
    BIG_SELLER,
    RARE_ENDPOINT,
    RARE_EVENT,
    RARE_HANDLER,
    RARE_SELLER,
    RARE_TYPE,
    History,
)

Ask = Callable[[Store], Awaitable[Any]]


def questions(history: History) -> Mapping[str, Ask]:
    """Return the questions by what they are called."""
    return {**_lists(history), **_filters(history), **_traces(history), **_selections(history)}


def _lists(history: History) -> Mapping[str, Ask]:
    after = history.middle
    return {
        "list notifications": lambda s: s.lists.notifications(),
        "list notifications, from the middle": lambda s: s.lists.notifications(
            after=history.id("ntf", after), limit=500
        ),
        "list handlings": lambda s: s.lists.handlings(),
        "list events": lambda s: s.lists.events(),
        "list deliveries": lambda s: s.lists.deliveries(),
        "list deliveries, from the middle": lambda s: s.lists.deliveries(
            after=history.id("dlv", after), limit=500
        ),
        "list quarantine": lambda s: s.lists.quarantine(),
        "list jobs": lambda s: s.jobs.list(),
        "list events of a tenant": lambda s: s.tenancy.events(after=None, limit=50, tenant="t"),
        "list deliveries of a tenant": lambda s: s.tenancy.deliveries(
            after=None, limit=50, tenant="t"
        ),
        "show a notification": lambda s: s.queries.notification(history.id("ntf", after)),
        "show an event": lambda s: s.queries.event(history.id("evt", after)),
        "show a delivery": lambda s: s.queries.delivery(history.id("dlv", after)),
    }


def _filters(history: History) -> Mapping[str, Ask]:
    order = (ReferenceKind.ORDER, f"902-{history.middle}")
    notifications: dict[str, dict[str, Any]] = {
        "the big seller": {"seller_id": BIG_SELLER},
        "a rare seller": {"seller_id": RARE_SELLER},
        "nobody": {"seller_id": "NOBODY"},
        "a common type": {"notification_type": "ORDER_CHANGE"},
        "a rare type": {"notification_type": RARE_TYPE},
        "a rare seller, common type": {
            "seller_id": RARE_SELLER,
            "notification_type": "ORDER_CHANGE",
        },
        "the big seller, rare type": {"seller_id": BIG_SELLER, "notification_type": RARE_TYPE},
        "ignored": {"state": NotificationState.IGNORED},
        "accepted": {"state": NotificationState.ACCEPTED},
        "ignored of a rare seller": {
            "state": NotificationState.IGNORED,
            "seller_id": RARE_SELLER,
        },
        "a marketplace": {"marketplace_id": "M3"},
        "an unknown marketplace": {"marketplace_id": "M99"},
        "an order": {"reference": order},
        "a common SKU": {"reference": (ReferenceKind.SKU, "SKU-1"), "limit": 500},
        "a common SKU elsewhere": {
            "reference": (ReferenceKind.SKU, "SKU-1"),
            "marketplace_id": "M99",
        },
        "a report": {"reference": (ReferenceKind.REPORT, "R1009")},
    }
    asked: dict[str, Ask] = {
        f"notifications of {name}": lambda s, how=how: s.lists.notifications(**how)  # type: ignore[misc]
        for name, how in notifications.items()
    }
    for state in HandlingState:
        asked[f"handlings {state}"] = lambda s, state=state: s.lists.handlings(state=state)  # type: ignore[misc]
    for state in DeliveryState:
        asked[f"deliveries {state}"] = lambda s, state=state: s.lists.deliveries(state=state)  # type: ignore[misc]
    return asked | {
        "handlings of a rare handler": lambda s: s.lists.handlings(handler=RARE_HANDLER),
        "events of the big seller": lambda s: s.lists.events(seller_id=BIG_SELLER),
        "events of a rare seller": lambda s: s.lists.events(seller_id=RARE_SELLER),
        "events of a rare type": lambda s: s.lists.events(event_type=RARE_EVENT),
        "events of a rare seller, common type": lambda s: s.lists.events(
            seller_id=RARE_SELLER, event_type="order.changed"
        ),
        "deliveries to the big endpoint": lambda s: s.lists.deliveries(endpoint_id=BIG_ENDPOINT),
        "deliveries to a rare endpoint": lambda s: s.lists.deliveries(endpoint_id=RARE_ENDPOINT),
        "dead deliveries to a rare endpoint": lambda s: s.lists.deliveries(
            endpoint_id=RARE_ENDPOINT, state=DeliveryState.DEAD
        ),
        "deliveries of an event": lambda s: s.lists.deliveries(
            event_id=history.id("evt", history.middle)
        ),
    }


def _traces(history: History) -> Mapping[str, Ask]:
    n = history.middle
    ids = {
        "a notification": history.id("ntf", n),
        "Amazon's id": f"amzn-{n}",
        "a handling": history.id("hdl", n),
        "an event": history.id("evt", n),
        "a delivery": history.id("dlv", n),
        "an attempt": history.id("att", n),
        "an order": f"902-{n}",
        "a report": "R1009",
        "an SQS message": f"sqs-{n}",
        "an SQS message that came again": f"again-{n}",
        "an SQS message in quarantine": "m500",
    }
    return {
        f"trace {name}": lambda s, one=one: s.traces.trace(one)  # type: ignore[misc]
        for name, one in ids.items()
    }


def _selections(history: History) -> Mapping[str, Ask]:
    span = {"from_ms": history.at_ms(0), "to_ms": history.at_ms(history.count) + 1}
    middle = history.at_ms(history.middle)
    replays: dict[str, dict[str, Any]] = {
        "everything": {},
        "the big seller": {"seller_id": BIG_SELLER},
        "a rare seller": {"seller_id": RARE_SELLER},
        "a common type": {"notification_type": "ORDER_CHANGE"},
        "a rare type": {"notification_type": RARE_TYPE},
        "a marketplace": {"marketplace_id": "M3"},
        "dead": {"state": "dead"},
        "dead of a handler": {"state": "dead", "handler": "order_change"},
        "skipped": {"state": "skipped"},
        "ignored": {"state": "ignored"},
        "quarantined": {"state": "quarantined"},
        "an order": {"order_id": f"902-{history.middle}"},
        "a SKU": {"sku": "SKU-1"},
        "a report": {"report_id": "R1009"},
        "one minute": {"from_ms": middle, "to_ms": middle + 60_000},
    }
    redeliveries: dict[str, dict[str, Any]] = {
        "failed": {"state": "failed"},
        "never": {"state": "never"},
        "all to a rare endpoint": {"endpoint_id": RARE_ENDPOINT},
        "an order": {"order_id": f"902-{history.middle}"},
        "a seller": {"seller_id": RARE_SELLER},
    }
    asked: dict[str, Ask] = {}
    for kind, selections in (
        (OperationKind.REPLAY, replays),
        (OperationKind.REDELIVER, redeliveries),
    ):
        for name, members in selections.items():
            selection = Selection(**{**span, **members})
            asked[f"{kind} --dry-run: {name}"] = _dry_run(kind, selection)
            asked[f"{kind}, a step's look: {name}"] = _look(kind, selection)
    return asked


def _dry_run(kind: OperationKind, selection: Selection) -> Ask:
    return lambda store: preview(looking(store, kind), kind, selection)


def _look(kind: OperationKind, selection: Selection) -> Ask:
    return lambda store: looking(store, kind).look(selection, start_of(kind, selection))


class OpenSealer:
    """Takes what lies in a made history for what it holds: none of it is sealed."""

    def seal(self, plain: bytes, *, context: str) -> bytes:
        del context
        return plain

    def open(self, sealed: bytes, *, context: str) -> bytes:
        del context
        return sealed

    def needs_reseal(self, sealed: bytes) -> bool:
        del sealed
        return False
