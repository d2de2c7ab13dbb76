"""Which operations are refused, and what a replay costs by the usage plans."""

from __future__ import annotations

import pytest

from gateway.errors import InvalidInputError
from gateway.model import IdPrefix, new_id
from gateway.operations import OperationKind, Preview, Selection, first_id, time_of
from gateway.replay.starting import calls_ahead, new_operation
from gateway.spapi.catalog import Catalog

SPAN = Selection(from_ms=1, to_ms=2)


@pytest.mark.parametrize(
    ("selection", "pace"),
    [
        (Selection(from_ms=2, to_ms=2), {}),
        (Selection(from_ms=1, to_ms=2, state="quarantined", handler="h"), {}),
        (Selection(from_ms=1, to_ms=2, state="quarantined", to_endpoints=()), {}),
        (SPAN, {"rate_per_s": 0.0}),
        (SPAN, {"rate_per_s": float("nan")}),
        (SPAN, {"concurrency": 0}),
    ],
)
def test_what_makes_no_sense_is_refused(selection: Selection, pace: dict[str, float]) -> None:
    with pytest.raises(InvalidInputError):
        new_operation(OperationKind.REPLAY, selection, 0, **pace)  # type: ignore[arg-type]


def test_a_selection_survives_being_kept() -> None:
    for selection in (SPAN, Selection(from_ms=1, to_ms=2, to_endpoints=(), seller_id="A1")):
        assert Selection.of_json(selection.as_json()) == selection
    assert Selection.of_json({**SPAN.as_json(), "of_a_later_release": 1}) == SPAN


def test_ids_and_times_lead_to_each_other() -> None:
    at_ms = 1_800_000_000_123
    made = new_id(IdPrefix.EVENT, at_ms)
    assert time_of(made) == at_ms
    assert first_id("evt", at_ms) < made < first_id("evt", at_ms + 1)


def test_follow_up_calls_last_as_long_as_the_slowest_seller() -> None:
    found = Preview(
        count=330,
        by_type_and_seller={
            ("ORDER_CHANGE", "A1"): 230,
            ("ORDER_CHANGE", "A2"): 70,
            ("UNHEARD_OF", "A1"): 30,
        },
    )
    (calls,) = calls_ahead(found, Catalog.load())
    assert calls.operation == "getOrder"
    assert calls.calls == 300
    assert calls.seconds == pytest.approx((230 - calls.burst) / calls.rate_per_s)
    assert calls_ahead(Preview(), Catalog.load()) == []
