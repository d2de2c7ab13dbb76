from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.model import IdPrefix, new_id
from gateway.retention.rules import DAY_MS, MEASURED, Kept, rules
from gateway.store.retention_sql import Walk
from tests.support.retention import KEPT

NOW_MS = 1_800_000_000_000


def _days(kept: Kept) -> dict[Walk, int]:
    return {rule.walk: rule.days for rule in rules(kept, NOW_MS)}


def test_what_hangs_on_others_goes_first() -> None:
    order = [rule.walk for rule in rules(KEPT, NOW_MS)]
    chain = [Walk.ATTEMPTS, Walk.DELIVERIES, Walk.EVENTS, Walk.HANDLINGS, Walk.NOTIFICATIONS]
    assert [walk for walk in order if walk in chain] == chain


def test_an_id_is_too_old_by_the_time_in_it() -> None:
    rule = rules(KEPT, NOW_MS)[0]
    assert rule.walk is Walk.MESSAGES
    end_ms = NOW_MS - 30 * DAY_MS
    assert new_id(IdPrefix.NOTIFICATION, end_ms - 1) < rule.before
    assert new_id(IdPrefix.NOTIFICATION, end_ms) > rule.before


def test_personal_data_goes_sooner_than_what_it_stands_in() -> None:
    kept = replace(
        KEPT,
        message_days=60,
        payload_days=90,
        attempt_days=90,
        quarantine_days=90,
        impersonal_types=frozenset({"ANY_OFFER_CHANGED"}),
    )
    days = _days(kept)
    assert (days[Walk.PERSONAL_MESSAGES], days[Walk.MESSAGES]) == (30, 60)
    assert (days[Walk.PERSONAL_PAYLOADS], days[Walk.PAYLOADS]) == (30, 90)
    assert days[Walk.ATTEMPTS] == days[Walk.QUARANTINE] == 30
    spared = {rule.walk for rule in rules(kept, NOW_MS) if rule.spared}
    assert spared == {Walk.PERSONAL_MESSAGES, Walk.PERSONAL_PAYLOADS}


@pytest.mark.parametrize("days", [30, 31])
def test_a_walk_that_would_come_too_late_is_left_out(days: int) -> None:
    assert Walk.PERSONAL_MESSAGES not in _days(replace(KEPT, personal_data_days=days))


def test_a_notification_is_known_as_long_as_its_handlings() -> None:
    assert _days(KEPT)[Walk.NOTIFICATIONS] == 90
    assert _days(replace(KEPT, deduplication_days=120))[Walk.NOTIFICATIONS] == 120


def test_each_kind_is_measured_once() -> None:
    assert len(MEASURED) == len(Walk) - 2


def test_a_message_stays_until_it_is_archived() -> None:
    archived_ms = NOW_MS - 100 * DAY_MS
    ends = {one.walk: one for one in rules(KEPT, NOW_MS, archived_before_ms=archived_ms)}
    held = new_id(IdPrefix.NOTIFICATION, archived_ms)
    for walk in (Walk.MESSAGES, Walk.NOTIFICATIONS):
        assert new_id(IdPrefix.NOTIFICATION, archived_ms - 1) < ends[walk].before < held
    unread = ends[Walk.QUARANTINE].before
    assert new_id(IdPrefix.QUARANTINE, archived_ms - 1) < unread
    assert unread < new_id(IdPrefix.QUARANTINE, archived_ms)
    unheld = {one.walk: one for one in rules(KEPT, NOW_MS)}
    assert ends[Walk.EVENTS] == unheld[Walk.EVENTS]
    late = {one.walk: one for one in rules(KEPT, NOW_MS, archived_before_ms=NOW_MS)}
    assert late == unheld
