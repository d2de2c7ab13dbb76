"""What archives take out of the store and put back, on both databases."""

from __future__ import annotations

from dataclasses import replace

from gateway.envelope import read_envelope
from gateway.identifiers import ReferenceKind
from gateway.model import IdPrefix, NotificationState, new_id
from gateway.operations import first_id
from gateway.store.archived import MESSAGE_MAX, ArchivedMessage, position
from tests.conformance.store.world import START_MS, World
from tests.support.world import order_change, pricing_health

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


async def test_messages_of_the_quarantine_stand_where_they_came(world: World) -> None:
    archiving = world.store.archiving
    first, lost, last, later = (
        world.arrival("n-1"),
        world.unreadable("m-1"),
        world.arrival("n-2"),
        world.unreadable("m-2", body=b"not read"),
    )
    await world.accept(first, lost, last, later)
    found = await archiving.look(**ALL, limit=10)
    assert [one.id for one in found] == [first.id, lost.id, last.id, later.id]
    assert [(one.type, one.size_bytes) for one in found if one.id == later.id] == [
        ("quarantine", 8)
    ]
    between = await archiving.look(after=first.id, before=position(later.id), limit=10)
    assert [one.id for one in between] == [lost.id, last.id]
    behind = await archiving.look(after=position(lost.id), before=ALL["before"], limit=10)
    assert [one.id for one in behind] == [last.id, later.id]
    until = f"{position(later.id)}~"
    assert len(await archiving.look(after=ALL["after"], before=until, limit=10)) == 4
    assert [one.id for one in await archiving.look(**ALL, limit=2)] == [first.id, lost.id]
    whole = await archiving.whole([later.id, last.id, lost.id])
    assert [(one.id, one.body) for one in whole] == [
        (lost.id, lost.body),
        (last.id, last.envelope.body),
        (later.id, b"not read"),
    ]


async def test_a_message_larger_than_any_queue_carries_is_passed_over(world: World) -> None:
    large = world.unreadable("m-1", body=b"x" * (MESSAGE_MAX + 1))
    fits = world.unreadable("m-2", body=b"x" * MESSAGE_MAX)
    await world.accept(large, fits)
    whole = await world.store.archiving.whole([large.id, fits.id])
    assert [one.id for one in whole] == [fits.id]
    assert [one.id for one in await world.store.archiving.look(**ALL, limit=10)] == [fits.id]


async def test_what_still_cannot_be_read_is_in_quarantine_again_as_it_was(world: World) -> None:
    store = world.store
    await world.accept(world.unreadable("m-1", body=b"Jane \xff"), world.unreadable("m-2"))
    every = "SELECT id, identity, source, message_id, size_bytes, received_at_ms FROM quarantine"
    before = await world.rows(f"{every} ORDER BY id")
    taken = await store.archiving.whole([str(row[0]) for row in before])
    assert await store.archiving.restore(taken) == 0
    await world.change("DELETE FROM quarantine")
    assert await store.archiving.restore(taken) == 2
    assert await store.archiving.restore(taken) == 0
    assert await world.rows(f"{every} ORDER BY id") == before
    assert await store.archiving.whole([one.id for one in taken]) == taken
    assert await store.queries.quarantined_body(taken[0].id) == b"Jane \xff"
    assert await world.rows("SELECT count(*) FROM notifications") == [(0,)]
    reasons = {str(row[0]) for row in await world.rows("SELECT reason FROM quarantine")}
    assert all("is not UTF-8" in one for one in reasons)
    bodies = await world.rows("SELECT body FROM quarantine")
    assert all(b"Jane" not in bytes(row[0]) for row in bodies)  # type: ignore[arg-type]


async def test_what_can_be_read_by_now_comes_back_as_a_notification_once(world: World) -> None:
    store = world.store
    order = "902-0000001-0000001"
    lost = world.unreadable("m-1", body=order_change("n-1", order).encode())
    secret = world.unreadable(
        "m-2", body=pricing_health("n-2").replace("{", '{"newClientSecret":"x",', 1).encode()
    )
    await world.accept(lost, secret)
    taken = await store.archiving.whole([lost.id, secret.id])
    assert all(isinstance(one, ArchivedMessage) for one in taken)
    assert await store.archiving.restore(taken) == 0  # they are in quarantine still
    assert await world.rows("SELECT count(*) FROM notifications") == [(0,)]
    await world.change("DELETE FROM quarantine")
    assert await store.archiving.restore(taken) == 2
    assert await store.archiving.restore([*taken, *taken]) == 0
    [found] = await store.lists.notifications(reference=(ReferenceKind.ORDER, order))
    assert (found.id, found.received_at_ms) == (position(lost.id), lost.received_at_ms)
    assert await world.rows(
        "SELECT identity, state, source FROM notifications ORDER BY identity"
    ) == [("n-1", "ignored", "queue"), ("n-2", "ignored", "queue")]
    [(sealed,)] = await world.rows("SELECT body FROM notifications WHERE identity = 'n-2'")
    assert b"newClientSecret" not in bytes(sealed)  # type: ignore[arg-type]
    for table in ("quarantine", "handlings"):
        assert await world.rows(f"SELECT count(*) FROM {table}") == [(0,)]


async def test_one_that_was_read_out_of_quarantine_keeps_the_id_it_got(world: World) -> None:
    store = world.store
    body = order_change("n-1", "902-0000001-0000001").encode()
    lost = world.unreadable("m-1", body=body)
    await world.accept(lost)
    message = await store.archiving.whole([lost.id])
    read = replace(world.arrival(), envelope=read_envelope(body))
    await world.accept(read)
    notification = await store.archiving.whole([read.id])
    for table in ("quarantine", "handlings", "notifications"):
        await world.change(f"DELETE FROM {table}")
    assert await store.archiving.restore([*message, *notification]) == 1
    assert await world.rows("SELECT id FROM notifications") == [(read.id,)]
