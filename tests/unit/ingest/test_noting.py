"""What ingest notes of what came in: the newest, once in a while, and only what was committed."""

from __future__ import annotations

from dataclasses import replace

from gateway.envelope import read_envelope
from gateway.ingest.noting import ArrivalNotes
from gateway.model import Arrival, Origin
from tests.unit.ingest.test_receiver import message

NOW_MS = 1_800_000_000_000


def arrival(
    number: int, notes: ArrivalNotes, *, at_ms: int = NOW_MS, seller: str = "S1"
) -> Arrival:
    envelope = replace(read_envelope(message(number).body), seller_id=seller)
    noted, seller_noted = notes.due(envelope, at_ms)
    return Arrival(
        id=f"ntf_{number}",
        envelope=envelope,
        source="q",
        origin=Origin.SQS,
        received_at_ms=at_ms,
        noted=noted,
        seller_noted=seller_noted,
    )


def said(one: Arrival) -> tuple[bool, bool]:
    return one.noted, one.seller_noted


def test_a_type_is_noted_once_in_a_while() -> None:
    notes = ArrivalNotes(every_ms=10_000)
    first = arrival(1, notes)
    assert said(first) == (True, False)
    assert arrival(2, notes).noted  # the first may yet be lost
    notes.committed([first])
    assert said(arrival(3, notes, at_ms=NOW_MS + 9_999)) == (False, False)
    assert said(arrival(4, notes, at_ms=NOW_MS + 10_000)) == (True, False)


def test_sellers_are_noted_where_they_are_listened_for() -> None:
    notes = ArrivalNotes(every_ms=10_000, seller_types=["ORDER_CHANGE"], seller_every_ms=60_000)
    first = arrival(1, notes)
    assert said(first) == (True, True)
    notes.committed([first])
    assert said(arrival(2, notes, seller="S2")) == (False, True)
    assert said(arrival(3, notes, at_ms=NOW_MS + 10_000)) == (True, False)
    assert said(arrival(4, notes, at_ms=NOW_MS + 60_000)) == (True, True)


def test_a_flood_of_sellers_is_noted_more_often_instead_of_filling_memory() -> None:
    notes = ArrivalNotes(every_ms=10_000, seller_types=["ORDER_CHANGE"], seller_every_ms=60_000)
    one = arrival(1, notes)
    notes.committed(
        replace(one, envelope=replace(one.envelope, seller_id=f"S{n}")) for n in range(100_001)
    )
    assert len(notes._noted) < 100_000
    assert said(arrival(2, notes)) == (False, True)
