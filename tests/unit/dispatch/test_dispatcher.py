from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import orjson
import pytest

from gateway.answers import Event, Remember
from gateway.calls_made import CallLog, CallMade
from gateway.dispatch.dispatcher import Dispatcher, DispatchSettings, Kept
from gateway.dispatch.registry import Registry
from gateway.model import Claims, HandlingState, Seller, StoredNotification
from gateway.results import Settled
from gateway.routing import Router
from gateway.spapi.throttle import CallDeferred
from tests.support.clock import FakeClock
from tests.unit.dispatch.test_outcomes import claimed


class FakeStore:
    def __init__(self) -> None:
        self.asked: list[Mapping[str, int]] = []
        self.items: list[Any] = []

    async def claim(self, *, room: Mapping[str, int], limit: int, lease_ms: int) -> Claims[Any]:
        self.asked.append(dict(room))
        taken, self.items = self.items[:limit], self.items[limit:]
        return Claims(items=taken)

    async def settle(self, results: Sequence[Any]) -> Settled:
        return Settled(stale=frozenset(one.id for one in results))

    async def extend(self, claimed: Any, *, lease_ms: int) -> None: ...

    async def release(self, claimed: Any) -> None: ...


class FakeSellers:
    def __init__(self) -> None:
        self.slots: list[str | None] = []

    async def known(self, seller_id: str | None, marketplace_id: str | None) -> Seller | None:
        return (
            None
            if seller_id is None
            else Seller(id=seller_id, application_id="a", region="na", refresh_token="t")
        )

    async def application_calls(self, client_id: str, *, slot: str | None, log: CallLog) -> Any:
        return client_id, slot

    def calls(self, seller: Seller, *, slot: str | None, log: CallLog) -> Any:
        self.slots.append(slot)
        return log


class FakeMemories:
    async def recall(self, names: Sequence[Any]) -> Mapping[Any, bytes]:
        return {("h", "S1", "o1"): b'{"status":"SHIPPED"}'}


class FakeCoalesced:
    async def taken_along(self, handling_id: str) -> Sequence[str]:
        return [f"{handling_id}-{n}" for n in range(250)]

    async def notifications(self, ids: Sequence[str]) -> Sequence[StoredNotification]:
        assert len(ids) <= 100
        return [replace(claimed().notification, id=one) for one in ids]


class Recorder:
    def settled(self, handler: str, state: HandlingState, duration_s: float) -> None: ...

    def committed(self, settled: Settled) -> None: ...


def dispatcher(router: Router, store: FakeStore | None = None, **settings: Any) -> Dispatcher:
    return Dispatcher(
        Registry(router.handlers),
        store or FakeStore(),
        FakeSellers(),  # type: ignore[arg-type]
        DispatchSettings(schedule_s=(0, 10), **settings),
        clock=FakeClock(),
        recorder=Recorder(),
        kept=Kept(memories=FakeMemories(), coalesced=FakeCoalesced()),
    )


async def outcome(function: Any, **settings: Any) -> Any:
    router = Router()
    router.on("ORDER_CHANGE", name="h")(function)
    return await dispatcher(router, **settings).work(claimed())


async def test_an_event_is_handled() -> None:
    async def handler(notification: Any, ctx: Any) -> Event:
        return Event(type="x", data={"region": ctx.region, "id": notification.notification_id})

    result = await outcome(handler)
    assert result.state is HandlingState.HANDLED
    assert b'"id":"amazon-1"' in result.events[0].body


async def test_what_a_handler_raises_is_tried_again() -> None:
    async def handler(notification: Any, ctx: Any) -> None:
        raise KeyError("order")

    result = await outcome(handler)
    assert (result.state, result.error) == (HandlingState.PENDING, "KeyError: 'order'")


CALL = CallMade(at_ms=1, operation="orders.2026-01-01.getOrder", method="GET", outcome="ok")


@pytest.mark.parametrize("ends", ["well", "badly", "deferred"])
async def test_the_calls_of_a_run_go_with_its_result_however_it_ends(ends: str) -> None:
    async def handler(notification: Any, ctx: Any) -> None:
        ctx.spapi.note(CALL)
        if ends == "badly":
            raise KeyError("order")
        if ends == "deferred":
            raise CallDeferred(until_ms=9, slot="s", operation="o")

    assert (await outcome(handler)).calls == (CALL,)


async def test_a_run_without_calls_has_none() -> None:
    async def handler(notification: Any, ctx: Any) -> None: ...

    assert (await outcome(handler)).calls == ()


async def test_a_run_has_a_time_limit() -> None:
    async def handler(notification: Any, ctx: Any) -> None:
        await asyncio.Event().wait()

    result = await outcome(handler, timeout_s=0.01)
    assert result.error == "the run took longer than its time limit"


@pytest.mark.parametrize(("coalesce", "count"), [(True, 250), (False, 0)])
async def test_a_handler_that_coalesces_sees_what_it_took_along(coalesce: bool, count: int) -> None:
    async def handler(notification: Any, ctx: Any) -> Event:
        ids = [one.id async for one in ctx.taken_along()]
        return Event(type="x", data={"ids": ids})

    router = Router()
    router.on("ORDER_CHANGE", name="h", key=lambda _: "k", coalesce=True)(handler)
    item = replace(claimed(), coalesce=coalesce)
    result = await dispatcher(router).work(item)
    ids = orjson.loads(result.events[0].body)["data"]["ids"]
    assert ids == [f"{item.id}-{n}" for n in range(count)]


async def test_a_call_that_waits_gives_the_worker_back() -> None:
    async def handler(notification: Any, ctx: Any) -> None:
        try:
            raise CallDeferred(until_ms=99, slot="bucket", operation="o")
        except Exception:  # an author's broad catch must not swallow it
            raise AssertionError from None

    result = await outcome(handler)
    assert (result.state, result.due_at_ms, result.slot) == (HandlingState.PENDING, 99, "bucket")
    assert result.tries == 0


async def test_calls_that_wait_in_a_task_group_wait_for_the_last() -> None:
    async def wait(until_ms: int) -> None:
        raise CallDeferred(until_ms=until_ms, slot=f"bucket-{until_ms}", operation="o")

    async def handler(notification: Any, ctx: Any) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(wait(5))
            group.create_task(wait(7))

    result = await outcome(handler)
    assert result.due_at_ms in {5, 7}
    assert result.state is HandlingState.PENDING
    assert result.tries == 0


async def test_a_task_group_of_failures_is_a_failure() -> None:
    async def fail() -> None:
        raise ValueError("boom")

    async def handler(notification: Any, ctx: Any) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(fail())

    result = await outcome(handler)
    assert result.state is HandlingState.PENDING
    assert result.tries == 1


async def test_a_cancelled_run_is_no_answer() -> None:
    started = asyncio.Event()

    async def handler(notification: Any, ctx: Any) -> None:
        started.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(outcome(handler))
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_busy_handler_takes_no_others_places() -> None:
    router = Router()
    blocked = asyncio.Event()

    async def slow(notification: Any, ctx: Any) -> None:
        await blocked.wait()

    async def quick(notification: Any, ctx: Any) -> None: ...

    router.on("ORDER_CHANGE", name="h", concurrency=1)(slow)
    router.on("PRICING_HEALTH", name="quick", concurrency=5)(quick)
    store = FakeStore()
    store.items = [claimed()]
    stage = dispatcher(router, store)
    [item] = (await stage.claim(10)).items
    running = asyncio.create_task(stage.work(item))
    await stage.claim(10)
    assert store.asked == [{"h": 1, "quick": 5}, {"quick": 5}]
    blocked.set()
    await running
    await stage.claim(10)
    assert store.asked[-1].keys() == {"h", "quick"}


async def test_runs_of_one_handler_never_exceed_its_concurrency() -> None:
    router = Router()
    running = most = 0

    async def handler(notification: Any, ctx: Any) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0)
        running -= 1

    router.on("ORDER_CHANGE", name="h", concurrency=2)(handler)
    store = FakeStore()
    stage = dispatcher(router, store)
    for _ in range(3):
        store.items = [claimed() for _ in range(8)]
        items = (await stage.claim(8)).items
        await asyncio.gather(*(stage.work(item) for item in items))
    assert most == 2
    assert stage.running == 0
    assert [room["h"] for room in store.asked] == [2, 8, 8], "once known to be quick: ahead"


async def test_a_handler_is_told_what_it_remembers() -> None:
    async def handler(notification: Any, ctx: Any) -> list[Any]:
        known = await ctx.remembered("o1"), await ctx.remembered("o2")
        return [Event(type="x", data={"known": known}), Remember(name="o1", value={"n": 1})]

    result = await outcome(handler)
    assert b'"known":[{"status":"SHIPPED"},null]' in result.events[0].body
    assert [(one.name, one.value) for one in result.memories] == [("o1", b'{"n":1}')]


async def test_a_memory_that_is_no_json_is_an_authors_fault() -> None:
    async def handler(notification: Any, ctx: Any) -> list[Any]:
        return [Remember(name="o1", value=object())]

    result = await outcome(handler)
    assert result.state is HandlingState.DEAD
    assert "JSON" in str(result.error)
