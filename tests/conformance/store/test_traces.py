"""The story of one thing, from whichever id of it somebody has at hand."""

from __future__ import annotations

import pytest

from gateway.errors import NotFoundError
from gateway.identifiers import ReferenceKind
from gateway.model import DeliveryState, HandlingState, Owed
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


async def test_what_nobody_stored_is_not_found(world: World) -> None:
    for unknown in ("evt_" + "0" * 32, "hdl_" + "0" * 32, "ntf_" + "0" * 32, "902-1", "qtn_1"):
        with pytest.raises(NotFoundError):
            await story(world, unknown)
