import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.model import UsagePlan
from gateway.spapi.catalog import Catalog
from gateway.spapi.directory import Caller
from gateway.spapi.plans import UsagePlans
from gateway.spapi.regions import Region
from gateway.spapi.throttle import CallDeferred, Throttle, bucket_key
from tests.support.buckets import AmazonsBucket, MemoryBuckets
from tests.support.virtual_time import VirtualClock

CATALOG = Catalog.load()
GET_ORDER = CATALOG.find("orders.2026-01-01.getOrder")
SEARCH_CATALOG = CATALOG.find("catalogItems.2022-04-01.searchCatalogItems")
CALLER = Caller(application_id="app", region=Region.EU, seller_id="S1")
KEY = bucket_key(GET_ORDER, CALLER)
FOREVER = float("inf")


class Replica:
    """One process's throttle; several may share clock and buckets."""

    def __init__(self, clock, buckets=None, plan=None):
        self.clock = clock
        self.buckets = buckets or MemoryBuckets(clock)
        self.throttle = Throttle(
            buckets=self.buckets,
            plans=UsagePlans(CATALOG, {"getOrder": plan} if plan else {}),
            clock=clock,
            jitter=lambda: 0.5,
        )

    async def take(self, **options):
        return await self.throttle.take(GET_ORDER, CALLER, **options)


@pytest.fixture
def clock():
    return VirtualClock()


async def test_a_burst_passes_at_once_and_the_next_is_deferred(clock):
    replica = Replica(clock)
    got = await clock.run(*(replica.take() for _ in range(31)))

    assert got[:29] == [0] * 29
    late = got[29:]
    assert {type(exc) for exc in late} == {CallDeferred}
    assert [exc.slot for exc in late] == [KEY, KEY]
    # The slots of two callers stand one token apart: 1 / (0.5 * 0.98) s.
    assert late[1].until_ms - late[0].until_ms == pytest.approx(2041, abs=3)


async def test_an_authors_except_does_not_swallow_a_deferral(clock):
    replica = Replica(clock)
    await clock.run(*(replica.take() for _ in range(29)))

    async def careless():
        try:
            await replica.take()
        except Exception:
            return "swallowed"

    (got,) = await clock.run(careless())
    assert isinstance(got, CallDeferred)


async def test_a_short_wait_is_slept_through(clock):
    replica = Replica(clock, plan=UsagePlan(rate_per_s=5, burst=2))
    got = await clock.run(*(replica.take() for _ in range(3)))

    assert got == pytest.approx([0, 0.205, 0.409], abs=0.01)
    assert [promised for _, _, promised in replica.buckets.takes] == [False, False, True, True]


async def test_patience_may_be_endless(clock):
    replica = Replica(clock)
    got = await clock.run(*(replica.take(patience_s=FOREVER) for _ in range(33)))

    assert max(got) == pytest.approx(4 * 2.041, abs=0.05)


async def test_who_comes_back_for_its_slot_goes_before_newcomers(clock):
    replica = Replica(clock, plan=UsagePlan(rate_per_s=0.5, burst=1))
    *_, deferred = await clock.run(replica.take(), replica.take())

    async def at_the_slot():
        await clock.sleep((deferred.until_ms - clock.now_ms()) / 1000)
        newcomer = Replica(clock, replica.buckets, UsagePlan(rate_per_s=0.5, burst=1))
        with pytest.raises(CallDeferred):
            await newcomer.take()
        return await replica.take(slot=deferred.slot)

    assert await clock.run(at_the_slot()) == [0]


async def test_a_hundred_callers_ask_the_store_twice(clock):
    replica = Replica(clock)
    await clock.run(*(replica.take() for _ in range(100)))

    assert [want for _, want, _ in replica.buckets.takes] == [1, 99]


async def test_the_applications_own_limit_is_kept_beside_the_sellers(clock):
    replica = Replica(clock)
    callers = [
        Caller(application_id="app", region=Region.EU, seller_id=f"S{n}") for n in range(600)
    ]
    got = await clock.run(
        *(replica.throttle.take(SEARCH_CATALOG, caller, patience_s=FOREVER) for caller in callers)
    )

    assert sum(waited == 0 for waited in got) == 499
    # Each seller asks for itself, and promises stand on whole milliseconds.
    assert 101 / (500 * 0.98) <= max(got) <= 101 * 0.003 + 0.01


async def test_grantless_calls_share_the_applications_bucket(clock):
    replica = Replica(clock)
    operation = CATALOG.find("getDestinations")
    caller = Caller(application_id="app", region=Region.EU)
    await clock.run(replica.throttle.take(operation, caller))

    assert list(replica.buckets.buckets) == ["app/eu/GET:notifications.v1.getDestinations"]


def test_no_two_callers_share_a_bucket_by_their_spelling():
    names = [("a/b", "c"), ("a", "b/c"), ("a", "b"), ("a/eu", "b")]
    keys = {
        bucket_key(
            GET_ORDER, Caller(application_id=application, region=Region.EU, seller_id=seller)
        )
        for application, seller in names
    }

    assert len(keys) == len(names)


async def test_a_rate_that_amazon_names_reaches_the_shared_bucket(clock):
    replica = Replica(clock)
    await clock.run(replica.take())
    await replica.throttle.learn(GET_ORDER, CALLER, "2.0")

    assert replica.buckets.buckets[KEY].plan == UsagePlan(rate_per_s=1.96, burst=29)
    await clock.run(Replica(clock, replica.buckets).take())  # one that has not heard of it
    assert replica.buckets.buckets[KEY].plan == UsagePlan(rate_per_s=1.96, burst=29)


async def test_a_plan_of_the_settings_replaces_what_the_bucket_held(clock):
    buckets = MemoryBuckets(clock)
    await clock.run(Replica(clock, buckets).take())
    replica = Replica(clock, buckets, UsagePlan(rate_per_s=4, burst=3))
    await clock.run(replica.take())

    assert buckets.buckets[KEY].plan == UsagePlan(rate_per_s=4 * 0.98, burst=2)


async def test_a_429_closes_the_bucket_for_all_replicas_and_longer_each_time(clock):
    buckets = MemoryBuckets(clock)
    replica, other = Replica(clock, buckets), Replica(clock, buckets)
    await clock.run(replica.take())
    until = []
    for _ in range(3):
        await replica.throttle.block(GET_ORDER, CALLER)
        await replica.throttle.block(GET_ORDER, CALLER)  # a sibling's answer, already known
        until.append(buckets.buckets[KEY].blocked_until_ms - clock.now_ms())
        (deferred,) = await clock.run(other.take())
        assert deferred.until_ms >= buckets.buckets[KEY].blocked_until_ms
        await clock.run(clock.sleep(until[-1] / 1000))

    assert until == [2000, 4000, 8000]
    await replica.throttle.learn(GET_ORDER, CALLER, None)
    await replica.throttle.block(GET_ORDER, CALLER)
    assert buckets.buckets[KEY].blocked_until_ms - clock.now_ms() == 2000


@pytest.mark.parametrize("patience_s", [None, FOREVER], ids=["comes back", "waits"])
async def test_callers_of_one_operation_are_served_in_the_order_they_came(clock, patience_s):
    replicas = [Replica(clock)]
    replicas.append(Replica(clock, replicas[0].buckets))
    served = []

    async def caller(number):
        await clock.sleep(number * 0.05)
        slot = None
        while True:
            try:
                await replicas[number % 2].take(slot=slot, patience_s=patience_s)
                break
            except CallDeferred as exc:
                slot = exc.slot
                await clock.sleep(max(0, exc.until_ms - clock.now_ms()) / 1000)
        served.append(number)

    await clock.run(*(caller(number) for number in range(90)))

    assert sorted(served) == list(range(90))
    # Whoever comes between two tokens can't overtake more than one who waits for the next.
    assert all(abs(place - number) <= 1 for place, number in enumerate(served))


# ── never above the plan, and little below it ────────────────────────────────────────────────────


async def _one_call(replica, amazon, transit_s):
    """Call as a handling does: give the worker back when told to, and come again."""
    slot = None
    while True:
        try:
            await replica.take(slot=slot)
            break
        except CallDeferred as exc:
            slot = exc.slot
            await replica.clock.sleep((exc.until_ms - replica.clock.now_ms()) / 1000)
    await replica.clock.sleep(transit_s)
    return amazon.request()


PLANS = sorted(
    {operation.plan for operation in CATALOG.operations if operation.plan},
    key=lambda plan: (plan.rate_per_s, plan.burst),
)


@settings(max_examples=30, deadline=None)
@given(data=st.data(), plan=st.sampled_from(PLANS), replicas=st.integers(1, 3))
async def test_amazons_count_is_never_exceeded_and_nearly_used_up(data, plan, replicas):
    clock = VirtualClock()
    buckets = MemoryBuckets(clock, turns=data.draw(st.integers(1, 3)))
    processes = [Replica(clock, buckets, plan) for _ in range(replicas)]
    amazon = AmazonsBucket(plan, clock)
    # The spare token covers calls that travel up to a token's time; with a burst of one there is
    # none to spare, and only the unused share of the rate is left.
    longest_s = (0.9 if plan.burst > 1 else 0.015) / plan.rate_per_s
    transits = data.draw(st.lists(st.floats(0, longest_s), min_size=40, max_size=80))
    calls = len(transits) + plan.burst

    served = await clock.run(
        *(
            _one_call(processes[n % replicas], amazon, transits[n % len(transits)])
            for n in range(calls)
        )
    )

    assert all(served), f"{amazon.refused} of {calls} were refused"
    after_the_burst = calls - max(1, plan.burst - 1)
    spent_s = clock.monotonic_s() - longest_s
    assert after_the_burst / (plan.rate_per_s * spent_s) >= 0.95


@pytest.mark.parametrize(
    "plan", [UsagePlan(rate_per_s=0.5, burst=30), UsagePlan(rate_per_s=10, burst=2)]
)
async def test_a_slow_burst_with_quick_calls_behind_it_is_no_excess(clock, plan):
    replica = Replica(clock, plan=plan)
    amazon = AmazonsBucket(plan, clock)
    transits = [0.9 / plan.rate_per_s] * plan.burst + [0.0] * 20

    assert all(await clock.run(*(_one_call(replica, amazon, transit) for transit in transits)))


async def test_a_backlog_that_met_a_429_takes_turns(clock):
    replica = Replica(clock)
    deferred = [exc for exc in await clock.run(*(replica.take() for _ in range(69))) if exc]
    await replica.throttle.block(GET_ORDER, CALLER)
    asked = len(replica.buckets.takes)

    async def come_back(exc):
        runs = 0
        while True:
            await clock.sleep(max(0, exc.until_ms - clock.now_ms()) / 1000)
            runs += 1
            try:
                await replica.take(slot=exc.slot)
            except CallDeferred as again:
                exc = again
            else:
                return runs

    runs = await clock.run(*(come_back(exc) for exc in deferred))

    assert len(runs) == 40
    assert max(runs) <= 3
    assert len(replica.buckets.takes) - asked <= 3 * 40
    assert clock.monotonic_s() == pytest.approx(41 / 0.49, rel=0.05)
