"""`gateway call`: what its arguments mean, and how it waits."""

from __future__ import annotations

import io
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from gateway.cli.app import call
from gateway.cli.arguments import read_body, read_headers, read_parameters
from gateway.cli.call import Patience
from gateway.cli.invocation import Invocation
from gateway.cli.output import Output
from gateway.errors import InvalidInputError, SpApiRequestError
from gateway.spapi.calls import SellerCalls
from gateway.spapi.pagination import PageNotReadyError
from gateway.spapi.requests import Repeated
from gateway.spapi.throttle import CallDeferred
from tests.support.clock import FakeClock


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_parameters_are_texts_and_repeated_keys_lists() -> None:
    read = read_parameters(["a=1", "b=x=y", "c=", "list=1,2", "twice=1", "twice=2"])
    assert read == {"a": "1", "b": "x=y", "c": "", "list": "1,2", "twice": ("1", "2")}
    assert isinstance(read["twice"], Repeated)


@pytest.mark.parametrize("argument", ["a", "=1", "", "body={}", "headers=x", "start=1"])
def test_what_is_no_parameter_is_refused(argument: str) -> None:
    with pytest.raises(InvalidInputError):
        read_parameters([argument])


def test_headers_are_names_and_values() -> None:
    assert read_headers(["X-A: b:c", "x-d:"]) == {"X-A": "b:c", "x-d": ""}
    for wrong in ("x", ": a"):
        with pytest.raises(InvalidInputError, match="--header"):
            read_headers([wrong])


def test_a_body_is_json_from_anywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("body.json").write_text('{"ü": 1}', "utf-8")
    monkeypatch.setattr("sys.stdin", io.StringIO("[1]"))
    assert read_body(None) is None
    assert read_body('{"a": 1}') == {"a": 1}
    assert read_body("@body.json") == {"ü": 1}
    assert read_body("-") == [1]


@pytest.mark.parametrize("argument", ["{", "@absent.json", "@.", "text"])
def test_what_is_no_body_is_named(argument: str) -> None:
    with pytest.raises(InvalidInputError, match="--body"):
        read_body(argument)


@pytest.mark.parametrize(
    ("arguments", "kind", "said"),
    [
        (["getOrder", "--seller", "S"], "usage", "orders.v0.getOrder"),
        (["nothing", "--seller", "S"], "usage", "unknown"),
        (["feeds.2020-09-04.getFeeds", "--seller", "S"], "removed", "2024-06-27"),
        (["getReport"], "usage", "--seller"),
        (["getReport", "--seller", "S", "--application", "a"], "usage", "--seller"),
        (["getDestinations", "--application", "a"], "usage", "--region"),
        (
            ["getDestinations", "--application", "a", "--region", "eu", "--restricted"],
            "usage",
            "--restricted",
        ),
        (["getReport", "--seller", "S", "reportId"], "usage", "KEY=VALUE"),
        (["createReport", "--seller", "S", "--body", "{"], "usage", "--body"),
    ],
)
def test_what_cant_be_right_is_told_before_anything_is_opened(
    capsys: pytest.CaptureFixture[str], arguments: list[str], kind: str, said: str
) -> None:
    assert call(["call", *arguments, "--json"], environ={}) == 2
    captured = capsys.readouterr()
    problem = json.loads(captured.err)
    assert captured.out == ""
    assert problem["type"] == f"urn:gateway:problem:{kind}"
    assert said in problem["detail"]
    assert list(Path().iterdir()) == []


async def test_it_waits_for_its_usage_plan_and_says_so() -> None:
    clock, stderr = FakeClock(), io.StringIO()
    invocation = Invocation(
        json=True, config=None, environ={}, stdout=io.StringIO(), stderr=stderr, clock=clock
    )
    patience = Patience(output=Output(invocation), clock=clock)
    calls = cast("SellerCalls", SimpleNamespace(slot=None))
    steps: list[Any] = [
        CallDeferred(until_ms=clock.now_ms() + 90_000, slot="bucket", operation="getReports"),
        PageNotReadyError("query 1 is IN_QUEUE", operation="x", retry_after_s=60),
        "done",
    ]
    started_ms = clock.now_ms()

    async def step() -> str:
        if isinstance(steps[0], BaseException):
            raise steps.pop(0)
        return str(steps[0])

    assert await patience.wait_out(step, calls) == "done"
    assert calls.slot == "bucket"
    assert clock.now_ms() - started_ms == 150_000
    first, second = stderr.getvalue().splitlines()
    assert first == "getReports waits for its usage plan: 90 s, until 2027-01-15T08:01:30.000Z."
    assert second.startswith("query 1 is IN_QUEUE: 60 s")

    async def fails() -> str:
        raise SpApiRequestError("no", operation="x")

    with pytest.raises(SpApiRequestError):
        await patience.wait_out(fails, calls)
