"""What notifications are about, and that they are found by it: in lists, replays, redeliveries."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from gateway.errors import InvalidInputError
from gateway.identifiers import Reference, ReferenceKind
from gateway.model import Envelope, HandlingState, IdPrefix, Owed
from gateway.operations import OperationKind, Selection, first_id
from gateway.replay.redeliveries import RedeliveryWork
from gateway.replay.replays import ReplayWork
from gateway.replay.starting import check_selection, preview
from gateway.store.references import WEEK_MS
from tests.conformance.store.world import HANDLER, START_MS, World

ORDER: Reference = (ReferenceKind.ORDER, "902-0000001-0000001")
SKU: Reference = (ReferenceKind.SKU, "MUG-BLUE")
REPORT: Reference = (ReferenceKind.REPORT, "700001")


def owed(envelope: Envelope) -> Sequence[Owed]:
    del envelope
    return [Owed(handler=HANDLER)]


async def over_weeks(world: World) -> list[str]:
    """Four notifications about the order, in four weeks of which one is empty, and some others."""
    ids = []
    for week in (0, 1, 3, 4):
        world.clock.at_ms = START_MS + week * WEEK_MS
        arrival = world.arrival(references=[ORDER, SKU], marketplace=f"M{week}")
        other = world.arrival(references=[(ReferenceKind.ORDER, "902-2"), SKU])
        await world.accept(arrival, other)
        ids.append(arrival.id)
    return ids


async def test_lists_find_them_newest_first_page_by_page(world: World) -> None:
    ids = await over_weeks(world)
    ask = world.store.lists.notifications
    assert [one.id for one in await ask(reference=ORDER)] == ids[::-1]
    page = await ask(reference=ORDER, limit=3)
    assert [one.id for one in page] == ids[:0:-1]
    assert [one.id for one in await ask(reference=ORDER, after=page[-1].id)] == ids[:1]
    assert [one.id for one in await ask(reference=ORDER, marketplace_id="M1")] == ids[1:2]
    assert len(await ask(reference=SKU)) == 8
    assert not await ask(reference=REPORT)
    assert not await ask(reference=(ReferenceKind.SKU, ORDER[1]))


async def test_a_duplicate_and_one_whose_row_is_gone_are_none(world: World) -> None:
    first = world.arrival("same", references=[REPORT])
    again = world.arrival("same", references=[REPORT])
    lost = world.arrival(references=[REPORT])
    await world.accept(first, lost)
    await world.accept(again)
    await world.change("DELETE FROM notifications WHERE id = $1", lost.id)
    assert [one.id for one in await world.store.lists.notifications(reference=REPORT)] == [first.id]


async def test_a_replay_looks_at_what_is_about_the_thing_only(world: World) -> None:
    ids = await over_weeks(world)
    work = ReplayWork(world.store.replays, owed, owed)
    chosen = Selection(from_ms=START_MS, to_ms=world.clock.at_ms + 1, order_id=ORDER[1])
    found = await work.look(chosen, first_id(IdPrefix.NOTIFICATION, chosen.from_ms))
    assert ([one[0] for one in found.things], found.looked, found.ended) == (ids, 4, True)
    later = Selection(from_ms=START_MS + WEEK_MS, to_ms=START_MS + 4 * WEEK_MS, order_id=ORDER[1])
    shown = await preview(work, OperationKind.REPLAY, later)
    assert (shown.count, shown.looked, shown.sample) == (2, 2, (ids[1], ids[2]))


async def test_a_redelivery_sends_the_events_of_one_order_again(world: World) -> None:
    await world.endpoint()
    arrival = world.arrival(references=[ORDER])
    await world.accept(arrival, world.arrival(references=[(ReferenceKind.ORDER, "902-2")]))
    events = {}
    for claimed in (await world.claim()).items:
        event = world.event()
        events[claimed.notification.id] = event.id
        await world.settle(world.result(claimed, HandlingState.HANDLED, events=[event]))
    for delivery in (await world.claim_deliveries()).items:
        await world.store.deliveries.settle([world.attempt(delivery)])
    chosen = Selection(from_ms=START_MS, to_ms=world.clock.at_ms + 1, order_id=ORDER[1])
    work = RedeliveryWork(world.store.redeliveries)
    found = await work.look(chosen, first_id(IdPrefix.EVENT, chosen.from_ms))
    assert [one[0] for one in found.things] == [events[arrival.id]]
    rest = await work.look(chosen, found.cursor)
    assert (rest.things, rest.ended) == ([], True)


@pytest.mark.parametrize(
    ("kind", "members"),
    [
        (OperationKind.REPLAY, {"order_id": "1", "sku": "2"}),
        (OperationKind.REDELIVER, {"sku": "2"}),
        (OperationKind.BACKFILL, {"order_id": "1", "state": "never", "endpoint_id": "ep_1"}),
    ],
)
def test_what_selects_nothing_is_refused(kind: OperationKind, members: dict[str, str]) -> None:
    with pytest.raises(InvalidInputError):
        check_selection(kind, Selection(from_ms=1, to_ms=2, **members))
