"""How far an operation is, as its bar shows it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.cli.bulk import part_done
from gateway.operations import OperationKind, Selection, first_id
from gateway.replay.starting import new_operation

BEGUN = new_operation(OperationKind.REPLAY, Selection(from_ms=1_000, to_ms=5_000), 6_000)


@pytest.mark.parametrize(("at_ms", "part"), [(1_000, 0.0), (2_000, 0.25), (5_000, 1.0)])
def test_the_part_is_that_of_its_time(at_ms: int, part: float) -> None:
    assert part_done(replace(BEGUN, cursor=first_id("ntf", at_ms))) == part


def test_nobody_knows_it_of_an_archive() -> None:
    selection = replace(BEGUN.selection, archive="folder")
    assert part_done(replace(BEGUN, selection=selection, cursor="part/1")) is None
