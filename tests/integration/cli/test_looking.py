"""The commands that look: one notification's whole way, in a real SQLite file."""

from __future__ import annotations

import asyncio
import json
import shlex
from dataclasses import dataclass

import pytest

from gateway.cli.app import call
from gateway.clock import SystemClock
from gateway.model import (
    Arrival,
    Attempt,
    AttemptResult,
    DeliveryState,
    Envelope,
    HandlingState,
    IdPrefix,
    NewEvent,
    Origin,
    Owed,
    Unreadable,
    new_id,
)
from gateway.results import HandlingResult
from gateway.service.opening import open_store_for
from gateway.service.signals import Signals
from gateway.settings import load
from gateway.store import Store
from tests.integration.cli.conftest import LOCAL, Gateway

CLOCK = SystemClock()
NOW_MS = CLOCK.now_ms()
BODY = b'{"Payload": {"buyer": "Jane Doe", "refreshToken": "Atzr|hidden-token"}}'


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    notification: str
    event: str
    quarantined: str
    endpoint: str


def arrival(number: int) -> Arrival:
    envelope = Envelope(
        identity=f"n-{number}",
        type="ORDER_CHANGE",
        payload_version="1.0",
        body=BODY,
        seller_id="A1",
        event_time_ms=NOW_MS,
    )
    return Arrival(
        id=new_id(IdPrefix.NOTIFICATION, NOW_MS + number),
        envelope=envelope,
        source="q",
        origin=Origin.SQS,
        received_at_ms=NOW_MS,
        owed=[Owed(handler="order_change")],
    )


async def fill(store: Store) -> tuple[str, str, str]:
    """Take one notification all the way to a failed attempt, leave two behind."""
    unreadable = Unreadable(
        id=new_id(IdPrefix.QUARANTINE, NOW_MS),
        source="q",
        message_id="m",
        body=b"{broken\xff",
        reason="no JSON",
        received_at_ms=NOW_MS,
    )
    arrivals = [arrival(number) for number in range(3)]
    await store.inbox.accept([*arrivals, unreadable])
    claims = await store.handlings.claim(room={"order_change": 1}, limit=1, lease_ms=60_000)
    (claimed,) = claims.items
    event = NewEvent(
        id=new_id(IdPrefix.EVENT, NOW_MS),
        type="order.changed",
        occurred_at_ms=NOW_MS,
        seller_id="A1",
        marketplace_id=None,
        body=b'{"type":"order.changed"}',
    )
    result = HandlingResult(
        id=claimed.id, token=claimed.token, state=HandlingState.HANDLED, tries=0, events=[event]
    )
    await store.handlings.settle([result])
    deliveries = await store.deliveries.claim(room=lambda _: 1, limit=1, lease_ms=60_000)
    (delivery,) = deliveries.items
    attempt = Attempt(
        id=new_id(IdPrefix.ATTEMPT, NOW_MS),
        number=1,
        started_at_ms=NOW_MS,
        duration_ms=12,
        status=500,
        error_class="http_5xx",
        error="answered 500",
        answer=b"oh no",
        address="127.0.0.1:9",
        signature="v1,c2lnbmVk",
        sent_headers='{"Authorization": "Bearer [masked]"}',
        connect_ms=3,
        first_byte_ms=8,
    )
    await store.deliveries.settle(
        [
            AttemptResult(
                id=delivery.id,
                token=delivery.token,
                endpoint_id=delivery.endpoint_id,
                attempt=attempt,
                state=DeliveryState.DEAD,
                reason="no attempts left",
            )
        ]
    )
    return claimed.notification.id, event.id, unreadable.id


@pytest.fixture
def way(gateway: Gateway) -> Way:
    endpoint = gateway("endpoints", "add", "http://127.0.0.1:9/hook")["id"]

    async def work() -> tuple[str, str, str]:
        settings = load(None, LOCAL).settings
        async with await open_store_for(settings, clock=CLOCK, signals=Signals()) as store:
            return await fill(store)

    notification, event, quarantined = asyncio.run(work())
    return Way(notification=notification, event=event, quarantined=quarantined, endpoint=endpoint)


def test_notifications(gateway: Gateway, way: Way) -> None:
    listed = gateway("notifications", "list", "--limit", "2")
    rest = gateway("notifications", "list", "--limit", "2", "--after", listed["next_cursor"])
    assert len({row["id"] for row in listed["items"] + rest["items"]}) == 3
    assert rest["next_cursor"] is None
    assert listed["items"][0]["received_at"].endswith("Z")
    assert listed["items"][0]["state"] == "accepted"
    assert gateway("notifications", "list", "--state", "ignored")["items"] == []
    assert gateway("notifications", "list", "--seller", "A2")["items"] == []
    assert len(gateway("notifications", "list", "--type", "ORDER_CHANGE")["items"]) == 3

    shown = gateway("notifications", "show", way.notification)
    assert [handling["state"] for handling in shown["handlings"]] == ["handled"]
    assert gateway.fails(1, "notifications", "show", "ntf_0")["type"].endswith("not-found")


def test_customer_data_is_shown_on_a_deliberate_look_and_credentials_never(
    gateway: Gateway, way: Way
) -> None:
    assert "Jane" not in gateway.said("notifications", "show", way.notification)
    looked = gateway.said("notifications", "show", way.notification, "--body")
    assert "Jane" in looked
    assert "hidden-token" not in looked


def test_handlings(gateway: Gateway, way: Way) -> None:
    states = [row["state"] for row in gateway("handlings", "list")["items"]]
    assert sorted(states) == ["handled", "pending", "pending"]
    (handled,) = gateway("handlings", "list", "--state", "handled")["items"]
    assert handled["notification_id"] == way.notification
    assert gateway("handlings", "list", "--handler", "other")["items"] == []


def test_events_and_deliveries(gateway: Gateway, way: Way) -> None:
    (event,) = gateway("events", "list", "--type", "order.changed")["items"]
    assert event["id"] == way.event
    shown = gateway("events", "show", way.event, "--body")
    assert shown["body"] == {"type": "order.changed"}
    (delivery,) = shown["deliveries"]

    listed = gateway("deliveries", "list", "--state", "dead", "--endpoint", way.endpoint)
    assert [row["id"] for row in listed["items"]] == [delivery["id"]]
    detail = gateway("deliveries", "show", delivery["id"])
    (attempt,) = detail["attempts_made"]
    assert (attempt["status"], attempt["answer"], attempt["duration_ms"]) == (500, "oh no", 12)
    assert attempt["started_at"].endswith("Z")
    assert (attempt["next_reason"], attempt["next_due"]) == ("no attempts left", None)
    assert (attempt["connect_ms"], attempt["dns_ms"], attempt["first_byte_ms"]) == (3, None, 8)
    headers = attempt["request_headers"]
    assert headers["webhook-id"] == way.event
    assert headers["webhook-timestamp"] == str(NOW_MS // 1000)
    assert headers["Authorization"] == "Bearer [masked]"
    curl = shlex.split(attempt["curl"])
    assert curl[:3] == ["gateway", "deliveries", "body"]
    assert "http://127.0.0.1:9/hook" in curl
    assert "webhook-signature: v1,c2lnbmVk" in curl
    assert gateway.said("deliveries", "body", delivery["id"]) == '{"type":"order.changed"}'


def test_a_delivery_is_sent_again(gateway: Gateway, way: Way, capsys) -> None:
    (delivery,) = gateway("deliveries", "list")["items"]
    assert gateway("deliveries", "resend", delivery["id"]) == {
        "resent": [delivery["id"]],
        "refused": {},
    }
    (again,) = gateway("deliveries", "list")["items"]
    assert (again["state"], again["attempts"], again["attempts_before"]) == ("pending", 1, 1)
    assert gateway("audit", "list")["items"][0]["action"] == "delivery.resend"
    gateway("endpoints", "delete", way.endpoint)
    assert call(["deliveries", "resend", delivery["id"], "--json"], environ=LOCAL) == 1
    assert json.loads(capsys.readouterr().out)["refused"][delivery["id"]] == "its endpoint is gone"


def test_quarantine(gateway: Gateway, way: Way) -> None:
    (row,) = gateway("quarantine", "list")["items"]
    assert (row["id"], row["reason"]) == (way.quarantined, "no JSON")
    assert gateway("quarantine", "show", way.quarantined)["body"] == "{broken\\xff"


def test_a_state_that_does_not_exist_is_a_usage_fault(gateway: Gateway) -> None:
    assert "dead" in gateway.fails(2, "deliveries", "list", "--state", "gone")["detail"]
