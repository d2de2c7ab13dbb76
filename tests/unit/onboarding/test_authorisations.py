"""How long authorisations last, and what Amazon's answers mean. Pure."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.authorisations import DAY_MS, WARNED_DAYS, Verdict, days_left, due_warning, judge

AT_MS = 1_800_000_000_000


@pytest.mark.parametrize(
    ("days", "warned", "due"),
    [
        (0, None, None),
        (334, None, None),
        (335, None, 30),
        (335, 30, None),
        (350.9, 30, None),
        (351, 30, 14),
        (351, None, 14),
        (362, 14, 3),
        (362, None, 3),
        (362, 3, None),
        (365, 3, None),
        (900, 14, 3),
    ],
)
def test_when_an_end_is_told_of(days: float, warned: int | None, due: int | None) -> None:
    assert due_warning(AT_MS, warned, AT_MS + round(days * DAY_MS)) == due


@given(looks=st.lists(st.integers(min_value=0, max_value=500 * DAY_MS), max_size=60))
def test_each_warning_is_told_once_whenever_somebody_looks(looks: list[int]) -> None:
    warned, told = None, []
    for after_ms in sorted(looks):
        due = due_warning(AT_MS, warned, AT_MS + after_ms)
        if due is not None:
            assert days_left(AT_MS, AT_MS + after_ms) <= due
            told.append(due)
            warned = due
    assert told == sorted(set(told), reverse=True)
    assert set(told) <= set(WARNED_DAYS)
    if looks and max(looks) >= 362 * DAY_MS:
        assert told[-1] == 3


def test_days_are_counted_whole() -> None:
    assert days_left(AT_MS, AT_MS) == 365
    assert days_left(AT_MS, AT_MS + 1) == 365
    assert days_left(AT_MS, AT_MS + 365 * DAY_MS - 1) == 1
    assert days_left(AT_MS, AT_MS + 365 * DAY_MS) == 0
    assert days_left(AT_MS, AT_MS + 999 * DAY_MS) == 0


@pytest.mark.parametrize(
    ("region", "declared", "seen", "verdict", "fault"),
    [
        ("eu", (), {"eu": ["B", "A"]}, Verdict(region="eu", marketplace_ids=["A", "B"]), None),
        ("eu", ("A",), {"eu": ["A", "B"]}, Verdict(region="eu", marketplace_ids=["A", "B"]), None),
        ("eu", ("C",), {"eu": ["A"]}, Verdict(region="eu", marketplace_ids=["A"]), "part in C"),
        ("eu", (), {"eu": []}, Verdict(region="eu"), "no marketplace of region eu"),
        (
            "eu",
            ("A",),
            {"eu": None, "na": ["U"]},
            Verdict(region="na", marketplace_ids=["U"], elsewhere=True),
            "wrong region: the authorisation is for na",
        ),
        (
            "eu",
            ("A",),
            {"eu": None, "na": None, "fe": None},
            Verdict(region="eu", marketplace_ids=("A",)),
            "lacks the role",
        ),
        (None, (), {"na": None, "eu": ["A"]}, Verdict(region="eu", marketplace_ids=["A"]), None),
        (None, (), {"na": None, "eu": None, "fe": None}, Verdict(region="na"), "lacks the role"),
    ],
)
def test_what_amazons_answers_mean(
    region: str | None,
    declared: tuple[str, ...],
    seen: dict[str, list[str] | None],
    verdict: Verdict,
    fault: str | None,
) -> None:
    found = judge(region, declared, seen)
    assert (found.region, list(found.marketplace_ids), found.elsewhere) == (
        verdict.region,
        list(verdict.marketplace_ids),
        verdict.elsewhere,
    )
    assert (found.fault is None) == (fault is None)
    assert fault is None or fault in (found.fault or "")
