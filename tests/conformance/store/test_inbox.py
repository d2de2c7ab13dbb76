from __future__ import annotations

from collections import Counter

import pytest

from gateway.errors import SealError, StoreUnavailableError
from gateway.model import HandlingState, NotificationState, Owed, Verdict
from gateway.store import Store
from tests.conformance.store.world import HANDLER, START_MS, World


async def test_verdicts_come_in_the_order_of_the_batch(world: World) -> None:
    first, ignored = world.arrival("a"), world.arrival("b", owed=())
    again, unreadable = world.arrival("a"), world.unreadable("m1")
    verdicts = await world.accept(first, unreadable, again, ignored, world.unreadable("m1"))
    assert verdicts == [
        Verdict.ACCEPTED,
        Verdict.QUARANTINED,
        Verdict.DUPLICATE,
        Verdict.IGNORED,
        Verdict.DUPLICATE,
    ]
    assert await world.accept(world.arrival("a"), world.unreadable("m1")) == [Verdict.DUPLICATE] * 2
    assert len((await world.claim()).items) == 1
    assert await world.accept() == []


async def test_the_same_id_with_another_body_is_another_unreadable_message(world: World) -> None:
    assert (
        await world.accept(world.unreadable("m", b"\xff"), world.unreadable("m", b"\xfe"))
        == [Verdict.QUARANTINED] * 2
    )


async def test_a_duplicate_keeps_what_came_first(world: World, store: Store) -> None:
    first = world.arrival("a", body=b"1")
    await world.accept(first, world.arrival("a", body=b"2"))
    detail = await store.queries.notification(first.id)
    assert detail.notification.body == b"1"
    assert [h.state for h in detail.handlings] == [HandlingState.PENDING]


async def test_each_handler_owed_gets_one_handling(world: World, store: Store) -> None:
    arrival = world.arrival(owed=[Owed(handler="x"), Owed(handler="y", key="k")])
    await world.accept(arrival)
    detail = await store.queries.notification(arrival.id)
    assert Counter((h.handler, h.run, h.key) for h in detail.handlings) == {
        ("x", 0, None): 1,
        ("y", 0, "k"): 1,
    }


async def test_the_seller_is_found_by_the_subscription(world: World, store: Store) -> None:
    await store.subscriptions.put("sub-1", seller_id="A9")
    known = world.arrival(seller=None, subscription="sub-1")
    unknown = world.arrival(seller=None, subscription="sub-2")
    none = world.arrival(seller=None)
    await world.accept(known, unknown, none)
    sellers = {c.notification.id: c.notification.seller_id for c in (await world.claim()).items}
    assert sellers == {known.id: "A9", unknown.id: None, none.id: None}


async def test_secret_bodies_are_sealed_before_they_are_stored(world: World, store: Store) -> None:
    secret = b'{"newClientSecret":"amzn1.oa2-cs.v1.x"}'
    arrival = world.arrival(secret=True, body=secret)
    await world.accept(arrival)
    ((body,),) = await world.rows("SELECT body FROM notifications")
    assert b"amzn1" not in body
    assert (await world.claim()).items[0].notification.body == secret


async def test_quarantined_bytes_are_always_sealed(world: World, store: Store) -> None:
    item = world.unreadable(body=b"who knows: amzn1.oa2-cs")
    await world.accept(item)
    ((body,),) = await world.rows("SELECT body FROM quarantine")
    assert b"amzn1" not in body
    assert await store.queries.quarantined_body(item.id) == item.body


async def test_a_sealed_body_that_cant_be_opened_holds_up_no_other(
    world: World, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret, plain = world.arrival(secret=True), world.arrival()
    await world.accept(secret, plain)
    sealer = store.handlings._picker._sealer
    monkeypatch.setattr(sealer, "open", _refuse)
    claims = await world.claim()
    assert [c.notification.id for c in claims.items] == [plain.id]
    (handling,) = [h for h in await store.lists.handlings() if h.notification_id == secret.id]
    assert (handling.state, handling.error) == (HandlingState.PENDING, "no key")
    assert handling.due_at_ms > world.clock.at_ms
    monkeypatch.undo()
    world.clock.at_ms = handling.due_at_ms
    assert [c.notification.id for c in (await world.claim()).items] == [secret.id]


def _refuse(sealed: bytes, *, context: str) -> bytes:
    raise SealError("no key")


async def test_states_and_times_are_kept(world: World, store: Store) -> None:
    accepted, ignored = world.arrival(event_time_ms=START_MS - 5), world.arrival(owed=())
    await world.accept(accepted, ignored)
    views = {n.id: n for n in await store.lists.notifications()}
    assert views[accepted.id].state is NotificationState.ACCEPTED
    assert views[accepted.id].event_time_ms == START_MS - 5
    assert views[ignored.id].state is NotificationState.IGNORED
    assert views[ignored.id].event_time_ms is None
    assert (await store.lists.handlings())[0].handler == HANDLER


async def test_a_closed_store_says_so(world: World, store: Store) -> None:
    await store.close()
    with pytest.raises(StoreUnavailableError):
        await world.accept(world.arrival())
