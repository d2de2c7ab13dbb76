"""What is one body in a file, and what becomes of each."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.model import Arrival, Envelope, Origin, Owed, Unreadable, Verdict
from gateway.replay.intake import Intake, bodies
from tests.conformance.store.world import FakeClock
from tests.support.world import pricing_health


class FakeInbox:
    def __init__(self) -> None:
        self.batches: list[Sequence[Arrival | Unreadable]] = []

    async def accept(self, batch: Sequence[Arrival | Unreadable]) -> Sequence[Verdict]:
        self.batches.append(batch)
        return [
            Verdict.QUARANTINED if isinstance(one, Unreadable) else Verdict.ACCEPTED
            for one in batch
        ]


def owed(envelope: Envelope) -> Sequence[Owed]:
    return [Owed(handler=envelope.type.lower())]


def test_one_body_may_be_written_over_many_lines() -> None:
    assert list(bodies([b"{\n", b'"a": 1\n', b"}\n"])) == [("file", b'{\n"a": 1\n}')]


def test_lines_are_bodies_and_empty_ones_are_none() -> None:
    lines = [b"\n", b'{"a":1}\n', b"  \n", b"nonsense\n", b'{"b":2}']
    assert list(bodies(lines)) == [
        ("line 2", b'{"a":1}'),
        ("line 4", b"nonsense"),
        ("line 5", b'{"b":2}'),
    ]


def test_a_first_line_that_is_broken_is_one_body_of_many() -> None:
    assert [place for place, _ in bodies([b'{"a":\n', b'{"b":2}\n'])] == ["line 1", "line 2"]
    assert list(bodies([])) == []


async def test_bodies_come_in_as_from_sqs_and_broken_ones_are_kept() -> None:
    inbox = FakeInbox()
    lines = [pricing_health(f"n-{n}").encode() + b"\n" for n in range(450)]
    counts = await Intake(owed, FakeClock()).take_in([*lines, b"broken\n"], inbox)
    assert counts == {Verdict.ACCEPTED: 450, Verdict.QUARANTINED: 1}
    assert [len(batch) for batch in inbox.batches] == [200, 200, 51]
    first, last = inbox.batches[0][0], inbox.batches[-1][-1]
    assert isinstance(first, Arrival)
    assert (first.origin, first.envelope.identity) == (Origin.INJECT, "n-0")
    assert first.owed == [Owed(handler="pricing_health")]
    assert isinstance(last, Unreadable)
    assert (last.message_id, last.body) == ("line 451", b"broken")
