import pytest

from gateway.errors import StoreUnavailableError
from gateway.usage import UsageCounter
from tests.support.clock import FakeClock

LAST_SECOND_MS = 1_800_057_599_000  # 2027-01-15T23:59:59Z


class Sink:
    def __init__(self):
        self.sets = []
        self.down = False

    async def add(self, counts):
        if self.down:
            raise StoreUnavailableError("away")
        self.sets.append(
            {(c.called.day, c.called.seller_id, c.called.outcome): c.calls for c in counts}
        )


@pytest.fixture
def clock():
    return FakeClock(LAST_SECOND_MS)


@pytest.fixture
def sink():
    return Sink()


@pytest.fixture
def counter(sink, clock):
    return UsageCounter(sink, clock)


def count(counter, seller_id="S1", outcome="ok"):
    counter.count(
        application_id="app",
        region="eu",
        seller_id=seller_id,
        operation="orders.v0.getOrder",
        method="GET",
        outcome=outcome,
    )


async def test_a_thousand_calls_are_one_set(counter, sink):
    for _ in range(1000):
        count(counter)
    count(counter, outcome="throttled")
    count(counter, seller_id=None)
    await counter.flush()
    await counter.flush()

    assert sink.sets == [
        {
            ("2027-01-15", "S1", "ok"): 1000,
            ("2027-01-15", "S1", "throttled"): 1,
            ("2027-01-15", "", "ok"): 1,
        }
    ]


async def test_a_day_ends_at_midnight_utc(counter, sink, clock):
    count(counter)
    clock.advance(1)
    count(counter)
    clock.advance(24 * 3600)
    count(counter)
    await counter.flush()

    assert [day for day, _, _ in sink.sets[0]] == ["2027-01-15", "2027-01-16", "2027-01-17"]


async def test_counts_that_could_not_be_kept_are_kept_later(counter, sink):
    sink.down = True
    count(counter)
    with pytest.raises(StoreUnavailableError):
        await counter.flush()
    count(counter)
    sink.down = False
    await counter.flush()

    assert sink.sets == [{("2027-01-15", "S1", "ok"): 2}]
