"""What is done once more by command, in a real SQLite file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gateway.cli.app import call
from tests.integration.cli.conftest import Gateway
from tests.support.world import order_change, pricing_health

MODULES = '["handlers.passthrough", "handlers.order_change"]'
ORDER = "902-0000001-0000001"


def inject(gateway: Gateway, folder: Path, *bodies: str) -> dict[str, int]:
    gateway.environ["SPGW_HANDLERS__MODULES"] = MODULES
    path = folder / "bodies.jsonl"
    path.write_text("\n".join(bodies))
    counts: dict[str, int] = gateway("notifications", "inject", str(path))
    return counts


def test_bodies_are_taken_in_once(gateway: Gateway, tmp_path: Path) -> None:
    bodies = [pricing_health("n-1"), order_change("n-2", ORDER)]
    assert inject(gateway, tmp_path, *bodies)["accepted"] == 2
    assert inject(gateway, tmp_path, *bodies)["duplicate"] == 2
    items = gateway("notifications", "list")["items"]
    assert {one["origin"] for one in items} == {"inject"}


def test_a_body_that_cannot_be_read_is_kept_and_told(
    gateway: Gateway, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    gateway.environ["SPGW_HANDLERS__MODULES"] = MODULES
    (tmp_path / "broken.jsonl").write_text(pricing_health("n-1") + "\nbroken\n")
    arguments = ("notifications", "inject", "broken.jsonl", "--json")
    assert call(arguments, environ=gateway.environ) == 1
    told = json.loads(capsys.readouterr().out)
    assert (told["accepted"], told["quarantined"]) == (1, 1)
    (kept,) = gateway("quarantine", "list")["items"]
    assert kept["message_id"] == "line 2"
    assert gateway("trace", kept["id"])["items"][0]["what"] == "quarantined"


def test_a_file_that_is_not_there_is_named(gateway: Gateway) -> None:
    assert "missing.jsonl" in gateway.fails(2, "notifications", "inject", "missing.jsonl")["detail"]


def test_the_story_of_an_order_is_told(gateway: Gateway, tmp_path: Path) -> None:
    inject(gateway, tmp_path, order_change("n-2", ORDER))
    items = gateway("trace", ORDER)["items"]
    assert [one["what"] for one in items] == ["received", "owed", "pending"]
    assert items == gateway("trace", "n-2")["items"]
    assert items == gateway("trace", items[0]["id"])["items"]
    assert items[0]["at"].endswith("Z")
    assert "identity=n-2" in gateway.said("trace", ORDER)
