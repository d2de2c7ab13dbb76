"""The commands that need no database: init, config, handlers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gateway.cli.app import call
from tests.support.bodies import NOTIFICATION_ID, eventbridge, notification, text


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_init_writes_a_file_that_is_right(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(["init"], environ={}) == 0
    assert (tmp_path / "gateway.toml").exists()
    assert call(["config", "check"], environ={}) == 0
    assert "gateway.toml: no faults." in capsys.readouterr().out


def test_init_overwrites_only_when_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "gateway.toml").write_text("mine")
    assert call(["init"], environ={}) == 3
    assert (tmp_path / "gateway.toml").read_text() == "mine"
    assert call(["init", "--force", "--json"], environ={}) == 0
    assert json.loads(capsys.readouterr().out) == {"file": "gateway.toml"}
    assert call(["init", "other.toml"], environ={}) == 0
    assert (tmp_path / "other.toml").exists()
    assert call(["init", "absent/x.toml"], environ={}) == 4


def test_config_show(capsys: pytest.CaptureFixture[str]) -> None:
    environ = {"SPGW_STORE__URL": "postgresql://u:hunter2@db/x", "SPGW_SEALING__KEYS_FILE": "k"}
    assert call(["config", "show", "--json"], environ=environ) == 0
    listed = json.loads(capsys.readouterr().out)
    rows = {row["key"]: row for row in listed["items"]}
    assert listed["next_cursor"] is None
    assert rows["store.url"] == {
        "key": "store.url",
        "value": "postgresql://u:********@db/x",
        "origin": "SPGW_STORE__URL",
    }
    assert rows["service.drain_s"]["origin"] == "default"


def test_config_check_tells_every_fault(capsys: pytest.CaptureFixture[str]) -> None:
    Path("gateway.toml").write_text("[delivery]\ntimeout = 1\n[admin]\nport = -1\n")
    assert call(["config", "check", "--json"], environ={}) == 4
    captured = capsys.readouterr()
    assert captured.out == ""
    problem = json.loads(captured.err)
    assert {fault["where"] for fault in problem["faults"]} == {
        "gateway.toml: delivery.timeout",
        "gateway.toml: admin.port",
    }
    assert all(fault["mend"] for fault in problem["faults"])


def test_handlers_list(capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["handlers", "list", "--json"], environ={}) == 0
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)["items"]}
    assert rows["order_change"]["types"] == ["ORDER_CHANGE"]
    assert rows["passthrough"]["fallback"] is True


def test_a_team_s_module_beside_the_config_is_found(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.path", ["/nowhere"])
    (tmp_path / "acme_lines_for_test.py").write_text(
        "from gateway import Router\n"
        "router = Router()\n"
        "@router.on('REPORT_PROCESSING_FINISHED')\n"
        "async def line(notification, ctx): ...\n"
    )
    environ = {"SPGW_HANDLERS__MODULES": '["acme_lines_for_test"]'}
    assert call(["handlers", "check", "--json"], environ=environ) == 0
    assert json.loads(capsys.readouterr().out) == {"valid": True, "handlers": 1}


def test_handlers_check_tells_every_fault(capsys: pytest.CaptureFixture[str]) -> None:
    environ = {"SPGW_HANDLERS__MODULES": '["no_such_module", "json"]'}
    assert call(["handlers", "check", "--json"], environ=environ) == 4
    assert len(json.loads(capsys.readouterr().err)["faults"]) == 2


def test_events_schema(capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["events", "schema", "--json"], environ={}) == 0
    listed = json.loads(capsys.readouterr().out)
    assert listed["next_cursor"] is None
    rows = {row["type"]: row for row in listed["items"]}
    assert list(rows) == sorted(rows)
    assert call(["events", "schema", "endpoint.test", "--json"], environ={}) == 0
    assert json.loads(capsys.readouterr().out) == rows["endpoint.test"]["schema"]
    assert call(["events", "schema", "notification.anything"], environ={}) == 0
    assert json.loads(capsys.readouterr().out) == rows["notification.*"]["schema"]
    assert call(["events", "schema", "nobody.knows"], environ={}) == 1
    assert "nobody.knows" in capsys.readouterr().err


def written(tmp_path: Path, name: str, body: str) -> str:
    (tmp_path / name).write_text(body)
    return name


def test_notifications_types(capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["notifications", "types", "--json"], environ={}) == 0
    listed = json.loads(capsys.readouterr().out)
    rows = {row["type"]: row for row in listed["items"]}
    assert listed["next_cursor"] is None
    assert rows["ORDER_CHANGE"]["event_filter"] == "required"
    assert rows["ORDER_CHANGE"]["places"]["order"] == "OrderChangeNotification.AmazonOrderId"
    assert rows["MFN_ORDER_STATUS_CHANGE"]["standing"] == "withdrawn"
    assert rows["SHIPPING_CHARGE_NOTIFICATION"]["typed"] is False


def test_notifications_parse_one_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = written(tmp_path, "one.json", text(eventbridge(notification())))
    assert call(["notifications", "parse", file, "--json"], environ={}) == 0
    row = json.loads(capsys.readouterr().out)
    assert row["type"] == "ORDER_CHANGE"
    assert row["payload_version"] == "1.0"
    assert row["notification_id"] == NOTIFICATION_ID
    assert (row["seller"], row["order"]) == ("ASELLER1", "123-1234567-1234567")
    assert row["typed"]["amazon_order_id"] == "123-1234567-1234567"
    assert row["typed"]["summary"]["order_items"][0]["seller_sku"] == "MUG-BLUE"
    assert row["fault"] is None


def test_notifications_parse_several_files(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    deep = "1"
    for _ in range(400):
        deep = f'{{"x": {deep}}}'
    listing = f'{{"Sku": "MUG", "Deep": {deep}}}'
    files = [
        written(tmp_path, "bad.json", "<html>"),
        written(tmp_path, "order.json", text(notification(payload={"Order": 1}))),
        written(tmp_path, "new.json", text(notification("SOMETHING_NEW", {"SellerId": "A1"}))),
        written(
            tmp_path,
            "deep.json",
            f'{{"NotificationType": "LISTINGS_ITEM_STATUS_CHANGE", "Payload": {listing}}}',
        ),
    ]
    assert call(["notifications", "parse", *files, "--json"], environ={}) == 0
    listed = json.loads(capsys.readouterr().out)
    bad, order, new, deeper = listed["items"]
    assert listed["next_cursor"] is None
    assert (bad["type"], bad["typed"]) == (None, None)
    assert bad["fault"].startswith("body: is not JSON")
    assert order["fault"] == "Payload.OrderChangeNotification: missing"
    assert (new["seller"], new["typed"], new["fault"]) == ("A1", None, None)
    assert new["untyped_for"] == "unknown_type"
    assert deeper["sku"] == "MUG"
    assert "can't be shown" in deeper["fault"]


def test_notifications_parse_shows_no_secret(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    inner = {"clientId": "c", "newClientSecret": "hunter2", "NewThing": {"newClientSecret": "s3"}}
    payload = {"applicationOAuthClientNewSecret": inner}
    body = notification("APPLICATION_OAUTH_CLIENT_NEW_SECRET", payload, PayloadVersion="2023-11-30")
    file = written(tmp_path, "secret.json", text(body))
    for options in ([], ["--json"]):
        assert call(["notifications", "parse", file, *options], environ={}) == 0
        shown = capsys.readouterr().out
        assert "ApplicationOAuthClientNewSecret" in shown
        assert "hunter2" not in shown
        assert '"s3"' not in shown


def test_notifications_parse_of_a_file_that_is_not_there(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert call(["notifications", "parse", "absent.json", "--json"], environ={}) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "absent.json" in json.loads(captured.err)["detail"]
