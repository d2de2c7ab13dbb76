from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import pytest

from gateway.answers import Later
from gateway.clock import rfc3339
from gateway.model import Arrival, Origin, Owed, Verdict
from gateway.sweep.kinds import SweptType, subject_of
from gateway.sweep.sweeping import SweepDesk, SweepSettings, sweep_router
from gateway.testing import FakeClock, FakeSpApi, run_job
from gateway.testing.running import Ran

SELLER = "A2EXAMPLESELLER"
HOUR_MS = 3_600_000


class Store:
    """What came in, and where sweeps ended."""

    def __init__(self) -> None:
        self.sightings: dict[str, int] = {}
        self.arrivals: dict[str, Arrival] = {}
        self.swept_to: int | None = None
        self.ends: list[tuple[int, int]] = []

    async def accept(self, batch: Sequence[Arrival]) -> Sequence[Verdict]:
        new = [one.envelope.identity not in self.arrivals for one in batch]
        for one in batch:
            self.arrivals[one.envelope.identity] = one
            self.sightings[one.subject or ""] = one.envelope.event_time_ms or 0
        return [Verdict.ACCEPTED if each else Verdict.DUPLICATE for each in new]

    async def swept_to_ms(self, seller_id: str, swept: str) -> int | None:
        return self.swept_to

    async def seen(self, seller_id: str, swept: str, subjects: Sequence[str]) -> Mapping[str, int]:
        return {one: self.sightings[one] for one in subjects if one in self.sightings}

    async def ended(
        self, seller_id: str, swept: str, *, swept_to_ms: int, checked: int, found: int
    ) -> None:
        self.swept_to = swept_to_ms
        self.ends.append((checked, found))


class Counted:
    def __init__(self) -> None:
        self.pages: list[tuple[int, int]] = []

    def swept(self, swept: str, *, checked: int, found: int) -> None:
        self.pages.append((checked, found))


def order(number: int, at_ms: int) -> dict[str, Any]:
    return {
        "orderId": f"902-0000000-{number:07d}",
        "lastUpdatedTime": rfc3339(at_ms),
        "salesChannel": {"marketplaceId": "ATVPDKIKX0DER"},
        "fulfillment": {"fulfillmentStatus": "SHIPPED"},
    }


class Sweep:
    """Sweeps over fakes."""

    def __init__(self) -> None:
        self.store, self.counted, self.clock = Store(), Counted(), FakeClock()
        self.api = FakeSpApi()
        self.router = sweep_router(
            SweepDesk(
                inbox=self.store,
                sweeps=self.store,
                owed=lambda _: [Owed(handler="order_change")],
                recorder=self.counted,
                clock=self.clock,
                settings=SweepSettings(
                    kinds={SweptType.REPORT_PROCESSING_FINISHED: ["GET_A", "GET_B"]}
                ),
            )
        )

    async def run(self, swept: str = "ORDER_CHANGE", **options: Any) -> Ran:
        given = {"type": swept, **options}
        return await run_job(self.router, "sweep", given, spapi=self.api, clock=self.clock)


@pytest.fixture
def sweep() -> Sweep:
    return Sweep()


async def test_a_sweep_that_is_asked_for_ahead_of_its_time_waits_for_it(sweep: Sweep) -> None:
    began_ms = sweep.clock.now_ms()
    sweep.api.answers("searchOrders", {"orders": []})
    options = {"type": "ORDER_CHANGE", "since": rfc3339(began_ms - HOUR_MS)}
    await run_job(sweep.router, "sweep", options, spapi=sweep.api, clock=sweep.clock, due_in_s=300)
    assert sweep.clock.now_ms() == began_ms + 300_000
    assert sweep.store.swept_to == began_ms  # five minutes of grace before the time it was for


async def test_only_what_never_came_in_is_put_into_the_inbox(sweep: Sweep) -> None:
    at_ms = sweep.clock.now_ms() - HOUR_MS
    sweep.store.sightings["902-0000000-0000001"] = at_ms
    orders = [order(number, at_ms) for number in range(3)]
    sweep.api.answers("searchOrders", {"orders": orders})
    await sweep.run()
    (first, second) = sweep.store.arrivals.values()
    assert [first.subject, second.subject] == ["902-0000000-0000000", "902-0000000-0000002"]
    assert first.origin is Origin.SWEEP
    assert first.envelope.seller_id == SELLER
    assert first.envelope.marketplace_id == "ATVPDKIKX0DER"
    assert first.envelope.event_time_ms == at_ms
    assert [one.handler for one in first.owed] == ["order_change"]
    assert subject_of(first.envelope) == first.subject
    assert sweep.store.ends == [(3, 2)]


async def test_a_change_that_came_in_as_an_older_one_is_missing_too(sweep: Sweep) -> None:
    at_ms = sweep.clock.now_ms() - HOUR_MS
    sweep.store.sightings["902-0000000-0000001"] = at_ms - 121_000
    sweep.store.sightings["902-0000000-0000002"] = at_ms - 119_000
    orders = [order(number, at_ms) for number in (1, 2)]
    sweep.api.answers("searchOrders", {"orders": orders})
    await sweep.run()
    assert [one.subject for one in sweep.store.arrivals.values()] == ["902-0000000-0000001"]


async def test_sweeps_that_overlap_make_no_duplicates(sweep: Sweep) -> None:
    at_ms = sweep.clock.now_ms() - HOUR_MS
    sweep.api.answers("searchOrders", {"orders": [order(1, at_ms)]})
    await sweep.run()
    sweep.store.sightings.clear()  # as another replica that asked at the same moment saw it
    await sweep.run()
    assert len(sweep.store.arrivals) == 1
    assert [found for _, found in sweep.store.ends] == [1, 0]
    assert sweep.counted.pages == [(1, 1), (1, 0)]


async def test_each_sweep_goes_on_behind_the_last_with_some_overlap(sweep: Sweep) -> None:
    sweep.api.answers("searchOrders", {"orders": []})
    await sweep.run()
    sweep.clock.advance(3600)
    await sweep.run()
    first, second = (call.query for call in sweep.api.made("searchOrders"))
    now = FakeClock().now
    assert first["lastUpdatedAfter"][0].startswith((now - timedelta(days=1)).isoformat()[:19])
    assert first["lastUpdatedBefore"][0].startswith((now - timedelta(minutes=5)).isoformat()[:19])
    again = now - timedelta(minutes=15)
    assert second["lastUpdatedAfter"][0].startswith(again.isoformat()[:19])


async def test_pages_are_runs_of_their_own(sweep: Sweep) -> None:
    at_ms = sweep.clock.now_ms() - HOUR_MS
    sweep.api.answers(
        "searchOrders",
        {"orders": [order(1, at_ms)], "pagination": {"nextToken": "t"}},
        {"orders": [order(2, at_ms)]},
    )
    (job,) = sweep.router.handlers
    assert job.is_job
    ran = await sweep.run()
    assert ran.outcome is None
    assert not isinstance(ran.outcome, Later)
    assert sweep.store.ends == [(2, 2)]
    assert sweep.api.made("searchOrders")[1].query["paginationToken"] == ["t"]


async def test_reports_are_compared_by_their_id(sweep: Sweep) -> None:
    reports = [
        {
            "reportId": number,
            "reportType": "GET_A",
            "createdTime": "2026-11-24T10:00:00Z",
            "processingStatus": "DONE",
            "reportDocumentId": "d",
        }
        for number in ("1", "2")
    ]
    sweep.store.sightings["1"] = 0
    sweep.api.answers("getReports", {"reports": reports})
    await sweep.run("REPORT_PROCESSING_FINISHED")
    (found,) = sweep.store.arrivals.values()
    assert found.envelope.type == "REPORT_PROCESSING_FINISHED"
    assert subject_of(found.envelope) == "2"
    (call,) = sweep.api.made("getReports")
    assert call.query["reportTypes"] == ["GET_A,GET_B"]
    assert call.query["processingStatuses"] == ["DONE,CANCELLED,FATAL"]


async def test_feeds_are_compared_by_their_id(sweep: Sweep) -> None:
    feed = {
        "feedId": "7",
        "feedType": "JSON_LISTINGS_FEED",
        "createdTime": "2026-11-24T10:00:00Z",
        "processingStatus": "DONE",
    }
    sweep.api.answers("getFeeds", {"feeds": [feed]})
    await sweep.run("FEED_PROCESSING_FINISHED")
    (found,) = sweep.store.arrivals.values()
    assert subject_of(found.envelope) == "7"
