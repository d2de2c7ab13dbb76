from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.jobs.slots import Schedule, jitter_ms, latest_slot_ms, next_slot_ms


def at(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


def shown(at_ms: int | None) -> str | None:
    return None if at_ms is None else f"{datetime.fromtimestamp(at_ms / 1000, UTC):%Y-%m-%d %H:%M}"


def cron(expression: str, zone: str = "UTC") -> Schedule:
    return Schedule(name="s", job="j", cron=expression, time_zone=zone)


@pytest.mark.parametrize(
    ("schedule", "now", "latest", "following"),
    [
        (cron("0 3 * * *"), "2026-11-24 02:59:59", "2026-11-23 03:00", "2026-11-24 03:00"),
        (cron("0 3 * * *"), "2026-11-24 03:00:00", "2026-11-24 03:00", "2026-11-25 03:00"),
        (cron("0 3 * * *"), "2026-11-24 03:00:01", "2026-11-24 03:00", "2026-11-25 03:00"),
        (cron("*/15 * * * *"), "2026-11-24 03:14:59", "2026-11-24 03:00", "2026-11-24 03:15"),
        (cron("0 0 1 1 *"), "2026-11-24 00:00:00", "2026-01-01 00:00", "2027-01-01 00:00"),
        # São Paulo is three hours behind UTC.
        (
            cron("0 3 * * *", "America/Sao_Paulo"),
            "2026-11-24 05:59:59",
            "2026-11-23 06:00",
            "2026-11-24 06:00",
        ),
        # Berlin skips 02:30 on 2026-03-29: it comes right after the gap, once.
        (
            cron("30 2 * * *", "Europe/Berlin"),
            "2026-03-29 01:00:00",
            "2026-03-29 01:00",
            "2026-03-30 00:30",
        ),
        # Berlin has 02:30 twice on 2026-10-25: it comes once.
        (
            cron("30 2 * * *", "Europe/Berlin"),
            "2026-10-25 01:45:00",
            "2026-10-25 00:30",
            "2026-10-26 01:30",
        ),
    ],
)
def test_slots_of_a_cron_expression(
    schedule: Schedule, now: str, latest: str, following: str
) -> None:
    assert shown(latest_slot_ms(schedule, at(now))) == latest
    assert shown(next_slot_ms(schedule, at(now))) == following


def test_an_interval_is_the_same_on_every_machine() -> None:
    schedule = Schedule(name="s", job="j", every_s=900)
    assert shown(latest_slot_ms(schedule, at("2026-11-24 03:14:59"))) == "2026-11-24 03:00"
    assert shown(next_slot_ms(schedule, at("2026-11-24 03:15:00"))) == "2026-11-24 03:30"


@given(
    st.sampled_from(["0 3 * * *", "*/7 * * * *", "30 2 * * 1-5", "0 0 1 * *"]),
    st.sampled_from(["UTC", "America/Sao_Paulo", "Europe/Berlin", "Asia/Kolkata"]),
    st.integers(at("2026-01-01 00:00:00"), at("2027-12-31 00:00:00")),
)
def test_the_latest_slot_is_followed_by_the_next(expression: str, zone: str, now_ms: int) -> None:
    schedule = cron(expression, zone)
    latest, following = latest_slot_ms(schedule, now_ms), next_slot_ms(schedule, now_ms)
    assert latest is not None
    assert following is not None
    assert latest <= now_ms < following
    assert latest_slot_ms(schedule, latest) == latest
    assert latest_slot_ms(schedule, following - 1) == latest


def test_jitter_is_ever_the_same_and_within_its_bound() -> None:
    schedule = Schedule(name="s", job="j", every_s=60, jitter_s=600)
    spread = [jitter_ms(schedule, f"A{number}") for number in range(500)]
    assert all(0 <= one < 600_000 for one in spread)
    assert spread == [jitter_ms(schedule, f"A{number}") for number in range(500)]
    assert max(spread) - min(spread) > 500_000
    assert jitter_ms(Schedule(name="s", job="j", every_s=60), "A1") == 0
