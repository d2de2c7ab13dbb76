"""docs/simulator.md names what there is."""

import re
from dataclasses import fields
from pathlib import Path

import pytest

from gateway.simulator.server import Simulator
from gateway.simulator.spapi.faults import NO_OPERATIONS, FaultKind
from gateway.simulator.work import CHARSETS, KINDS, OUTCOMES, Recipe

PAGE = (Path(__file__).parents[3] / "docs" / "simulator.md").read_text()


def test_every_control_route_is_named():
    for method, path in Simulator()._control.routes:
        rows = [row for row in PAGE.splitlines() if f"/_simulator{path}`" in row]
        assert any(re.search(rf"\b{method}\b", row) for row in rows), f"{method} {path}"


@pytest.mark.parametrize(
    "name",
    [
        *FaultKind,
        *NO_OPERATIONS,
        *CHARSETS,
        *KINDS,
        *OUTCOMES,
        *(one.name for one in fields(Recipe)),
    ],
)
def test_every_word_of_the_control_is_named(name):
    assert re.search(rf"`{re.escape(str(name))}(=\w)?`", PAGE)


def test_every_api_that_is_played_is_named():
    played = {name.split(".")[0] for name in Simulator().apis.answers}
    words = {re.sub(r"\W", "", word.lower()) for word in re.findall(r"[A-Z][\w ]+", PAGE)}
    for api in played:
        assert any(api.lower() in word for word in words), api
