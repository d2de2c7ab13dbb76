"""What is done once more by command, in a real SQLite file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

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


def begun(gateway: Gateway, *arguments: str) -> dict[str, Any]:
    operation: dict[str, Any] = gateway(*arguments)
    assert operation["state"] == "running"
    return operation


def test_a_dry_run_shows_what_it_costs_and_does_nothing(gateway: Gateway, tmp_path: Path) -> None:
    inject(gateway, tmp_path, order_change("n-1", ORDER), pricing_health("n-2"))
    found = gateway("replay", "start", "--from", "1h", "--dry-run")
    assert (found["count"], found["complete"], len(found["sample"])) == (2, True, 2)
    assert found["by_type"] == {"ORDER_CHANGE": 1, "PRICING_HEALTH": 1}
    calls = {one["operation"]: one for one in found["follow_up_calls_at_most"]}
    assert calls["getOrder"]["calls"] == 1
    assert gateway("replay", "list")["items"] == []


def test_an_operation_is_begun_shown_paused_and_cancelled(gateway: Gateway, tmp_path: Path) -> None:
    inject(gateway, tmp_path, pricing_health("n-2"))
    arguments = ("--state", "dead", "--handler", "passthrough", "--to-endpoint", "none")
    operation = begun(gateway, "replay", "start", "--from", "1h", *arguments, "--rate", "0.5")
    assert operation["selection"]["to_endpoints"] == []
    assert gateway("replay", "pause", operation["id"])["state"] == "paused"
    assert gateway("replay", "resume", operation["id"])["state"] == "running"
    assert gateway("replay", "cancel", operation["id"])["state"] == "cancelled"
    gateway.fails(3, "replay", "resume", operation["id"])
    assert gateway("replay", "show", operation["id"])["handlings"] == {}
    actions = [one["action"] for one in gateway("audit", "list")["items"]]
    assert actions == [
        "operation.cancelled",
        "operation.running",
        "operation.paused",
        "operation.replay",
    ]


def test_events_are_sent_again_and_endpoints_backfilled(gateway: Gateway) -> None:
    endpoint = gateway("endpoints", "add", "http://127.0.0.1:9/hook")["id"]
    begun(gateway, "redeliver", "--since", "2d", "--state", "failed", "--endpoint", endpoint)
    backfill = begun(gateway, "endpoints", "backfill", endpoint, "--from", "2026-01-31T09:00Z")
    assert (backfill["kind"], backfill["selection"]["state"]) == ("backfill", "never")
    kinds = [one["kind"] for one in gateway("replay", "list")["items"]]
    assert kinds == ["backfill", "redeliver"]


@pytest.mark.parametrize(
    "arguments",
    [
        ("replay", "start", "--from", "yesterday"),
        ("replay", "start", "--from", "1h", "--to", "2h"),
        ("replay", "start", "--from", "1h", "--handler", "unheard_of"),
        ("replay", "start", "--from", "1h", "--to-endpoint", "none", "--to-endpoint", "ep_1"),
        ("replay", "start", "--from", "1h", "--rate", "0"),
        ("redeliver",),
        ("redeliver", "--event", "nonsense"),
    ],
)
def test_what_makes_no_sense_is_refused(gateway: Gateway, arguments: tuple[str, ...]) -> None:
    gateway.environ["SPGW_HANDLERS__MODULES"] = MODULES
    assert gateway.fails(2, *arguments)["detail"]


def test_names_that_nobody_knows_are_refused(gateway: Gateway) -> None:
    unknown = "0" * 32
    for arguments in (
        ("replay", "start", "--from", "1h", "--to-endpoint", f"ep_{unknown}"),
        ("redeliver", "--event", f"evt_0{unknown[1:]}"),
        ("endpoints", "backfill", f"ep_{unknown}", "--from", "1h"),
        ("replay", "show", f"op_{unknown}"),
    ):
        assert unknown[1:] in str(gateway.fails(1, *arguments)["detail"])


def test_what_is_about_one_order_is_listed_and_selected(gateway: Gateway, tmp_path: Path) -> None:
    inject(gateway, tmp_path, order_change("n-1", ORDER), order_change("n-2", "902-2"))
    (listed,) = gateway("notifications", "list", "--order", ORDER)["items"]
    assert listed["identity"] == "n-1"
    assert gateway("notifications", "list", "--report", ORDER)["items"] == []
    found = gateway("replay", "start", "--from", "1h", "--order", ORDER, "--dry-run")
    assert (found["count"], found["looked"], found["sample"]) == (1, 1, [listed["id"]])
    operation = begun(gateway, "redeliver", "--since", "1h", "--order", ORDER)
    assert operation["selection"]["order_id"] == ORDER
    gateway.fails(2, "notifications", "list", "--order", ORDER, "--sku", "MUG-BLUE")
