"""What is silent: whole types, single sellers, and how much of it an operator hears."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from gateway.gateway_events import GATEWAY_EVENTS
from gateway.store.silences import HeardSeller, WatchState
from gateway.subscriptions.declaration import Declaration, DeclaredDestination
from gateway.subscriptions.desired import Declared
from gateway.subscriptions.silence import Look, Watch, change_of, judge, watches_of
from tests.support.events import assert_as_declared

NOW_MS = 1_800_000_000_000
HOUR_MS = 3_600_000
LONG_AGO_MS = NOW_MS - 1_000 * HOUR_MS
DECLARATION = Declaration(where="subscriptions[0]", types=("PRICING_HEALTH",), destination="main")
WATCH = Watch(
    type="PRICING_HEALTH",
    declaration=DECLARATION,
    after_ms=HOUR_MS,
    seller_after_ms=24 * HOUR_MS,
)


def seller(
    seller_id: str, hours_ago: float | None, *, subscribed: float | None = 500, region: str = "eu"
) -> HeardSeller:
    return HeardSeller(
        seller_id=seller_id,
        application_id="main",
        region=region,
        newest_at_ms=_ago(hours_ago),
        subscribed_since_ms=_ago(subscribed),
    )


def _ago(hours: float | None) -> int | None:
    return None if hours is None else NOW_MS - round(hours * HOUR_MS)


def look(
    *sellers: HeardSeller, slack_ms: int = 0, newest: float | None = None, **state: Any
) -> Look:
    return Look(
        state=WatchState(**{"since_ms": LONG_AGO_MS, **state}),
        sellers=sellers,
        newest_at_ms=_ago(newest),
        now_ms=NOW_MS,
        slack_ms=slack_ms,
    )


def test_a_type_that_comes_is_no_news() -> None:
    assert not judge(WATCH, look(seller("A1", 0.5), seller("A2", 0.9)))
    assert not judge(WATCH, look())


def test_a_type_that_stops_is_told_once_as_a_whole_however_many_sellers_it_has() -> None:
    thousands = [seller(f"A{n}", 30 + n / 1000) for n in range(3_000)]
    (news,) = judge(WATCH, look(*thousands))
    assert (news.sellers, news.listened, news.since_ms) == (None, 3_000, NOW_MS - 30 * HOUR_MS)
    assert not judge(WATCH, look(*thousands, silent_since_ms=NOW_MS - 30 * HOUR_MS))


def test_a_quiet_seller_of_a_busy_type_is_noticed() -> None:
    (news,) = judge(WATCH, look(seller("A1", 0.1), seller("A2", 25), seller("A3", 23)))
    assert news.sellers == {"A2": NOW_MS - 25 * HOUR_MS}
    known = look(seller("A1", 0.1), seller("A2", 25), silent_sellers={"A2": NOW_MS - 1})
    assert not judge(WATCH, known)


def test_thousands_of_quiet_sellers_are_one_event_with_the_first_of_them() -> None:
    quiet = [seller(f"A{n:04d}", 30 + n / 1000) for n in range(3_000)]
    (news,) = judge(WATCH, look(seller("B1", 0.1), *quiet))
    body = body_of(news)
    assert body["data"]["sellers"] == 3_000
    assert [one["seller"] for one in body["data"]["examples"][:2]] == ["A2999", "A2998"]
    assert len(body["data"]["examples"]) == 20
    assert len(json.dumps(body)) < 20_000


def test_single_sellers_are_told_of_once_an_hour_at_most() -> None:
    sellers = (seller("A1", 0.1), seller("A2", 25))
    assert not judge(WATCH, look(*sellers, told_at_ms=NOW_MS - HOUR_MS + 1))
    assert len(judge(WATCH, look(*sellers, told_at_ms=NOW_MS - HOUR_MS))) == 1


def test_a_new_subscription_has_its_first_window() -> None:
    assert not judge(WATCH, look(seller("A1", None, subscribed=0.9)))
    (news,) = judge(WATCH, look(seller("A1", None, subscribed=1.1)))
    assert (news.newest_at_ms, news.since_ms) == (None, _ago(1.1))
    new = seller("A2", None, subscribed=23)
    assert not judge(WATCH, look(seller("A1", 0.1), new))
    assert (
        len(judge(WATCH, look(seller("A1", 0.1), replace(new, subscribed_since_ms=_ago(25))))) == 1
    )


def test_a_seller_that_nothing_is_known_of_is_not_missed() -> None:
    assert not judge(WATCH, look(seller("A1", 0.1), seller("A2", None, subscribed=None)))


def test_silence_is_counted_from_when_somebody_listened() -> None:
    assert not judge(WATCH, look(seller("A1", 5), since_ms=NOW_MS - HOUR_MS))
    (news,) = judge(WATCH, look(seller("A1", 5), since_ms=NOW_MS - HOUR_MS - 1))
    assert news.since_ms == NOW_MS - HOUR_MS - 1


def test_no_alarm_comes_early_because_times_are_noted_once_in_a_while() -> None:
    assert not judge(WATCH, look(seller("A1", 1), slack_ms=60_000))
    assert not judge(WATCH, look(seller("A1", 1 + 1 / 60), slack_ms=60_000))
    assert len(judge(WATCH, look(seller("A1", 1.1), slack_ms=60_000))) == 1


def test_what_comes_again_is_told() -> None:
    (news,) = judge(WATCH, look(seller("A1", 0.1), seller("A2", 50), silent_since_ms=_ago(2)))
    assert (news.silent, news.sellers, news.newest_at_ms) == (False, None, _ago(0.1))
    body_of(news)
    again = look(seller("A1", 0.1), seller("A2", 0.2), silent_sellers={"A2": _ago(30)})
    (news,) = judge(WATCH, again)
    assert (news.silent, news.sellers) == (False, {"A2": _ago(30)})
    assert body_of(news)["data"]["examples"][0]["newest"] is not None


def test_a_seller_who_is_paused_or_gone_is_not_silent_any_more_and_nobody_is_told() -> None:
    (news,) = judge(WATCH, look(seller("A1", 0.1), silent_sellers={"A2": _ago(30)}))
    change = change_of(news)
    assert (change.silent, change.sellers, change.event) == (False, {"A2": _ago(30)}, None)


def test_what_names_no_seller_counts_for_a_type_of_all_sellers_alone() -> None:
    of_all = replace(WATCH, seller_after_ms=None)
    assert not judge(of_all, look(seller("A1", None), newest=0.1))
    of_eu = replace(of_all, declaration=replace(DECLARATION, region="eu"))
    assert len(judge(of_eu, look(seller("A1", None), newest=0.1))) == 1


def test_a_region_that_stops_is_noticed_while_another_goes_on() -> None:
    of_eu = replace(WATCH, declaration=replace(DECLARATION, region="eu"))
    (news,) = judge(of_eu, look(seller("A1", 2), seller("A2", 0.1, region="na"), newest=0.1))
    assert (news.listened, body_of(news)["data"]["region"]) == (1, "eu")


def test_a_declaration_by_tag_hears_those_who_have_one() -> None:
    big = replace(WATCH, declaration=replace(DECLARATION, tags=("big", "vip")))
    sellers = [seller("A1", 0.1), replace(seller("A2", 2), tags=("vip",))]
    (news,) = judge(big, look(*sellers))
    assert (news.sellers, news.listened) == (None, 1)
    assert big.key != WATCH.key


def test_what_the_doctor_found_stands_in_the_event() -> None:
    (news,) = judge(WATCH, look(seller("A1", 2)))
    found = {"fault": None, "looked_at": 3, "findings": []}
    body = body_of(news, found)
    assert body["data"]["doctor"] == found
    assert (body["data"]["whole"], body["data"]["silent_after_s"]) == (True, 3_600)


def test_each_type_of_a_declaration_with_a_window_is_listened_for() -> None:
    many = replace(DECLARATION, types=("PRICING_HEALTH", "FEE_PROMOTION"), silent_after_s=60.0)
    narrow = replace(many, seller_ids=("A1",), silent_after_s=None, seller_silent_after_s=90.0)
    queue = DeclaredDestination(name="main", arn="arn:aws:sqs:eu-west-1:123456789012:q")
    declared = Declared(destinations=[queue], subscriptions=[DECLARATION, many, narrow])
    watches = watches_of(declared)
    assert [(one.type, one.shortest_ms) for one in watches] == [
        ("PRICING_HEALTH", 60_000),
        ("FEE_PROMOTION", 60_000),
        ("PRICING_HEALTH", 90_000),
        ("FEE_PROMOTION", 90_000),
    ]
    assert len({one.key for one in watches}) == 4
    moved = replace(narrow, where="subscriptions[7]")
    again = watches_of(Declared(destinations=[queue], subscriptions=[moved, many]))
    assert {one.key for one in again} == {one.key for one in watches}


def body_of(news: Any, findings: Any = None) -> dict[str, Any]:
    event = change_of(news, findings).event
    assert event is not None
    body: dict[str, Any] = json.loads(event.body(NOW_MS))
    assert_as_declared(body, GATEWAY_EVENTS)
    return body
