"""What archives take out of the store and put back, on both databases."""

from __future__ import annotations

from dataclasses import replace

from gateway.envelope import read_envelope
from gateway.identifiers import ReferenceKind
from gateway.model import IdPrefix, NotificationState, new_id
from gateway.operations import first_id
from tests.conformance.store.world import START_MS, World
from tests.support.world import order_change

ALL = {
    "after": first_id(IdPrefix.NOTIFICATION, 0),
    "before": new_id(IdPrefix.NOTIFICATION, 1 << 46),
}


async def test_notifications_come_in_order_with_their_sizes(world: World) -> None:
    batch = [world.arrival(f"n-{number}", body=b"{" + b" " * number + b"}") for number in range(5)]
    await world.store.inbox.accept(batch)
    found = await world.store.archiving.look(**ALL, limit=10)
    assert [(one.id, one.size_bytes) for one in found] == [
        (one.id, len(one.envelope.body)) for one in batch
    ]
    behind = await world.store.archiving.look(after=batch[1].id, before=batch[3].id, limit=10)
    assert [one.id for one in behind] == [batch[2].id]
    assert len(await world.store.archiving.look(**ALL, limit=2)) == 2


async def test_what_is_put_back_is_what_was_taken_out(world: World) -> None:
    store = world.store
    batch = [
        world.arrival("n-1", event_time_ms=START_MS - 5, subscription="sub-1"),
        world.arrival("n-2", seller=None, owed=()),
        world.arrival("n-3", secret=True, body=b'{"newClientSecret":"x"}'),
    ]
    await store.inbox.accept(batch)
    taken = await store.archiving.whole([one.id for one in batch])
    assert [one.secret for one in taken] == [False, False, True]
    assert taken[2].notification.body == b'{"newClientSecret":"x"}'
    assert taken[1].notification.state is NotificationState.IGNORED
    await world.change("DELETE FROM handlings")
    await world.change("DELETE FROM notifications")
    assert await store.archiving.restore(taken[:2]) == 2
    assert await store.archiving.restore([*taken, taken[2]]) == 1
    assert await store.archiving.whole([one.id for one in batch]) == taken
    assert await world.rows("SELECT count(*) FROM handlings") == [(0,)]
    [(sealed,)] = await world.rows("SELECT body FROM notifications WHERE identity = 'n-3'")
    assert b"newClientSecret" not in bytes(sealed)  # type: ignore[arg-type]
    assert await store.archiving.restore([]) == 0


async def test_one_that_came_again_meanwhile_is_left_as_it_is(world: World) -> None:
    store = world.store
    first = world.arrival("n-1", body=b'{"n":1}')
    await store.inbox.accept([first])
    taken = await store.archiving.whole([first.id])
    await world.change("DELETE FROM handlings")
    await world.change("DELETE FROM notifications")
    again = world.arrival("n-1", body=b'{"n":1}')
    await store.inbox.accept([again])
    assert await store.archiving.restore(taken) == 0
    assert await world.rows("SELECT id FROM notifications") == [(again.id,)]


async def test_what_is_put_back_is_found_by_what_it_is_about(world: World) -> None:
    store = world.store
    order = "902-0000001-0000001"
    body = order_change("n-1", order).encode()
    first = replace(world.arrival(), envelope=read_envelope(body))
    await store.inbox.accept([first])
    taken = await store.archiving.whole([first.id])
    await world.change("DELETE FROM handlings")
    await world.change("DELETE FROM notifications")
    assert await store.archiving.restore(taken) == 1  # its references were still there
    await world.change("DELETE FROM notifications")
    await world.change("DELETE FROM notification_refs")
    assert await store.archiving.restore(taken) == 1
    reference = (ReferenceKind.ORDER, order)
    found = await store.lists.notifications(reference=reference)
    assert [one.id for one in found] == [first.id]


async def test_what_retention_has_emptied_is_passed_over_and_filled_again(world: World) -> None:
    store = world.store
    batch = [
        world.arrival("n-1", body=b'{"n":1}'),
        world.arrival("n-2", secret=True, body=b'{"newClientSecret":"x"}'),
    ]
    await store.inbox.accept(batch)
    taken = await store.archiving.whole([one.id for one in batch])
    await world.change("UPDATE notifications SET body = substr(body, 1, 0), body_sealed = false")
    assert await store.archiving.look(**ALL, limit=10) == []
    assert await store.archiving.restore(taken) == 2
    assert await store.archiving.restore(taken) == 0
    assert await store.archiving.whole([one.id for one in batch]) == taken
