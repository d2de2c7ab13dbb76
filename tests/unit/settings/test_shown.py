"""What `gateway config show` may show."""

from __future__ import annotations

from pathlib import Path

from gateway.settings import load, shown

TEXT = """
[store]
url = "postgresql://gateway:hunter2@db/x"
[sealing]
keys_file = "/keys.json"
[[applications]]
id = "main"
client_id = "c"
client_secret = "app-secret"
[handlers.reports]
api_key = "hidden-key"
limits = { rows = 5 }
"""


def test_every_value_with_its_origin_and_no_secret(tmp_path: Path) -> None:
    file = tmp_path / "gateway.toml"
    file.write_text(TEXT)
    rows = {row.key: row for row in shown(load(file, {"SPGW_ADMIN__PORT": "1"}))}
    assert rows["store.url"].value == "postgresql://gateway:********@db/x"
    assert rows["applications[0].client_secret"].value == "********"
    assert rows["applications[0].client_id"].value == "c"
    assert rows["handlers.reports.api_key"].value == "********"
    assert rows["handlers.reports.limits.rows"].value == 5
    assert rows["sealing.keys_file"].value == "/keys.json"
    assert rows["queues"].value == []
    assert rows["spapi.endpoints"].value == {}
    assert (rows["admin.port"].value, rows["admin.port"].origin) == (1, "SPGW_ADMIN__PORT")
    assert rows["admin.host"].origin == "default"
    assert rows["store.url"].origin == str(file)
    text = repr(rows)
    for secret in ("hunter2", "app-secret", "hidden-key"):
        assert secret not in text


def test_what_nobody_set_is_a_default_though_its_table_stands_in_the_file(tmp_path):
    file = tmp_path / "gateway.toml"
    file.write_text(
        '[delivery]\nallow_http = true\n[[queues]]\nurl = "https://sqs.eu-west-1.amazonaws.com/1/q"\n'
    )
    origins = {one.key: one.origin for one in shown(load(file, {}))}
    assert origins["delivery.allow_http"] == str(file)
    assert origins["delivery.timeout_s"] == "default"
    assert origins["spapi.endpoint"] == "default"
    assert origins["queues[0].wait_s"] == "default"
    assert origins["queues[0].url"] == str(file)
