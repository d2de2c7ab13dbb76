"""The story of one thing, from whichever id of it somebody has at hand."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.calls_made import MOST_CALLS, CallMade
from gateway.errors import NotFoundError
from gateway.identifiers import ReferenceKind
from gateway.model import DeliveryState, HandlingState, Origin, Owed, Verdict
from gateway.store.receipts import MOST_RECEIPTS
from gateway.store.traces import TraceStep
from tests.conformance.store.world import HANDLER, World

ORDER = "902-0000001-0000001"


async def story(world: World, wanted: str) -> list[TraceStep]:
    return list(await world.store.traces.trace(wanted))


async def delivered(world: World) -> dict[str, str]:
    """Let one notification go all the way, failing once on it, and be sent again."""
    endpoint = await world.endpoint()
    arrival = world.arrival(
        "amazon-1",
        owed=[Owed(handler=HANDLER, key=ORDER)],
        references=[(ReferenceKind.ORDER, ORDER), (ReferenceKind.SKU, "MUG-BLUE")],
    )
    await world.accept(arrival)
    claimed = (await world.claim()).items[0]
    world.clock.at_ms += 10
    event = world.event()
    await world.settle(world.result(claimed, events=[event]))
    first = (await world.claim_deliveries()).items[0]
    world.clock.at_ms += 10
    failed = world.attempt(first, DeliveryState.PENDING, due_in_ms=5)
    await world.store.deliveries.settle([failed])
    world.clock.at_ms += 10
    second = (await world.claim_deliveries()).items[0]
    ended = world.attempt(second)
    await world.store.deliveries.settle([ended])
    assert ended.attempt is not None
    return {
        "notification": arrival.id,
        "identity": "amazon-1",
        "order": ORDER,
        "handling": claimed.id,
        "event": event.id,
        "delivery": first.id,
        "attempt": ended.attempt.id,
        "endpoint": endpoint.id,
    }


async def test_every_id_of_a_thing_leads_to_the_whole_story(world: World) -> None:
    ids = await delivered(world)
    await world.accept(world.arrival("amazon-2"))
    stories = [
        await story(world, ids[name])
        for name in (
            "notification",
            "identity",
            "order",
            "handling",
            "event",
            "delivery",
            "attempt",
        )
    ]
    assert all(one == stories[0] for one in stories)
    assert [(step.what, step.id) for step in stories[0]] == [
        ("received", ids["notification"]),
        ("owed", ids["handling"]),
        ("handled", ids["handling"]),
        ("published", ids["event"]),
        ("owed", ids["delivery"]),
        ("attempted", stories[0][5].id),
        ("delivered", ids["delivery"]),
        ("attempted", ids["attempt"]),
    ]
    assert [step.at_ms for step in stories[0]] == sorted(step.at_ms for step in stories[0])
    assert stories[0][0].details["identity"] == "amazon-1"
    assert stories[0][5].details["error_class"] == "server_error"
    assert stories[0][4].of == ids["event"]
    assert stories[0][3].of == ids["handling"]


async def test_what_is_sent_again_and_what_is_due_is_told(world: World) -> None:
    ids = await delivered(world)
    world.clock.at_ms += 10
    await world.store.deliveries.resend([ids["delivery"]])
    words = [(step.what, step.id) for step in await story(world, ids["event"])]
    assert words[-2:] == [("resent", ids["delivery"]), ("pending", ids["delivery"])]


async def test_a_failed_handling_says_when_it_runs_next(world: World) -> None:
    arrival = world.arrival()
    await world.accept(arrival)
    claimed = (await world.claim()).items[0]
    await world.settle(
        world.result(
            claimed, HandlingState.PENDING, due_in_ms=5_000, tries=1, error="no", slot="getOrder"
        )
    )
    last = (await story(world, arrival.id))[-1]
    assert (last.what, last.at_ms) == ("pending", world.clock.at_ms + 5_000)
    assert last.details["error"] == "no"
    assert last.details["waits_for"] == "getOrder"


async def test_a_message_in_quarantine_is_found_by_its_own_id_and_ours(world: World) -> None:
    unreadable = world.unreadable("sqs-message-1")
    await world.accept(unreadable)
    (step,) = await story(world, "sqs-message-1")
    assert (step.what, step.id, step.details["reason"]) == ("quarantined", unreadable.id, "no JSON")
    assert await story(world, unreadable.id) == [step]


async def test_each_message_of_a_notification_leads_to_its_story(world: World) -> None:
    first = world.arrival("amazon-1", message="sqs-1", owed=())
    await world.accept(first)
    again = [
        world.arrival("amazon-1", message="sqs-1"),
        world.arrival("amazon-1", message="sqs-2", origin=Origin.EVENTBRIDGE_REPLAY),
        world.arrival("amazon-1", origin=Origin.INJECT),
        world.arrival("amazon-1", origin=Origin.SWEEP),
    ]
    assert await world.accept(*again) == [Verdict.DUPLICATE] * 4
    stories = [await story(world, one) for one in (first.id, "sqs-1", "sqs-2", "amazon-1")]
    assert all(one == stories[0] for one in stories)
    received, *further = stories[0]
    assert (received.what, received.details["message_id"]) == ("received", "sqs-1")
    assert {(one.what, one.id) for one in further} == {("received_again", first.id)}
    assert [(one.at_ms, one.details) for one in further] == [
        (
            one.received_at_ms,
            {"message_id": one.message_id, "source": "queue", "origin": one.origin.value},
        )
        for one in again
    ]


async def test_duplicates_within_one_batch_are_told_too(world: World) -> None:
    batch = [world.arrival("amazon-1", message=f"sqs-{n}", owed=()) for n in range(3)]
    await world.accept(*batch)
    told = await story(world, "sqs-2")
    assert [(one.what, one.details["message_id"]) for one in told] == [
        ("received", "sqs-0"),
        ("received_again", "sqs-1"),
        ("received_again", "sqs-2"),
    ]


async def test_of_many_duplicates_the_first_are_told(world: World) -> None:
    await world.accept(world.arrival("amazon-1", message="first", owed=()))
    for lot in range(4):
        await world.accept(*[world.arrival("amazon-1", message=f"m{lot}-{n}") for n in range(7)])
    told = [one.details["message_id"] for one in (await story(world, "first"))[1:]]
    assert len(told) == MOST_RECEIPTS
    assert told == [f"m{n // 7}-{n % 7}" for n in range(MOST_RECEIPTS)]


async def test_neither_jobs_nor_a_commit_that_nobody_heard_of_are_receipts(world: World) -> None:
    arrival = world.arrival("amazon-1", message="sqs-1", owed=())
    await world.accept(arrival)
    await world.accept(arrival, world.arrival("amazon-1", origin=Origin.SCHEDULE))
    assert [one.what for one in await story(world, "sqs-1")] == ["received"]


def _call(at_ms: int, outcome: str = "ok", **values: Any) -> CallMade:
    return CallMade(
        at_ms=at_ms, operation="orders.2026-01-01.getOrder", method="GET", outcome=outcome, **values
    )


async def test_the_calls_of_each_run_are_told_in_the_order_of_time(world: World) -> None:
    arrival = world.arrival()
    await world.accept(arrival)
    claimed = (await world.claim()).items[0]
    at_ms = world.clock.at_ms
    world.clock.at_ms += 10
    first = _call(at_ms + 1, "throttled", status=429, requests=1, duration_ms=4, request_id="r-1")
    put_off = _call(at_ms + 6, "deferred", until_ms=at_ms + 20)
    await world.settle(
        world.result(claimed, HandlingState.PENDING, due_in_ms=5, calls=[first, put_off])
    )
    world.clock.at_ms += 10
    claimed = (await world.claim()).items[0]
    world.clock.at_ms += 10
    last = _call(at_ms + 21, status=200, requests=1, duration_ms=7, waited_ms=3, request_id="r-2")
    await world.settle(world.result(claimed, calls=[last]))
    told = await story(world, arrival.id)
    assert [one.what for one in told] == [
        "received",
        "owed",
        "called",
        "deferred",
        "called",
        "handled",
    ]
    assert {(one.id, one.of) for one in told[2:5]} == {(claimed.id, arrival.id)}
    assert told[2].details["request_id"] == "r-1"
    assert told[3].details["until_ms"] == at_ms + 20
    assert told[4].at_ms == at_ms + 21
    assert told[4].details == {
        "operation": "orders.2026-01-01.getOrder",
        "method": "GET",
        "outcome": "ok",
        "status": 200,
        "requests": 1,
        "duration_ms": 7,
        "waited_ms": 3,
        "until_ms": None,
        "request_id": "r-2",
    }


async def test_a_handling_that_calls_for_ever_keeps_the_newest(world: World) -> None:
    arrival = world.arrival()
    await world.accept(arrival)
    for run in range(6):
        claimed = (await world.claim()).items[0]
        calls = [
            _call(world.clock.at_ms, status=200, request_id=f"{run}-{n}-" + "x" * 30)
            for n in range(MOST_CALLS)
        ]
        await world.settle(world.result(claimed, HandlingState.PENDING, calls=calls))
    assert (await world.rows("SELECT length(calls) FROM handlings")) == [(10_000,)]
    told = [
        one.details["request_id"] for one in await story(world, arrival.id) if one.what == "called"
    ]
    assert told[-1].startswith(f"5-{MOST_CALLS - 1}-")
    assert 25 < len(told) < MOST_CALLS * 2


async def test_what_nobody_stored_is_not_found(world: World) -> None:
    for unknown in ("evt_" + "0" * 32, "hdl_" + "0" * 32, "ntf_" + "0" * 32, "902-1", "qtn_1"):
        with pytest.raises(NotFoundError):
            await story(world, unknown)
