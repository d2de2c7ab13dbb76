"""Sources, precedence, provenance and the faults of settings."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gateway.errors import ConfigurationError, Fault
from gateway.settings import EXAMPLE, load
from gateway.settings.load import known_keys

FULL = """
[store]
url = "sqlite:///var/gateway.db"

[[queues]]
url = "https://sqs.eu-west-1.amazonaws.com/123456789012/notifications"

[[applications]]
id = "main"
client_id = "amzn1.application-oa2-client.x"
client_secret = "app-secret"

[[sellers]]
id = "A1"
application = "main"
region = "eu"
refresh_token = "Atzr|token"
marketplaces = ["A1PA6795UKMFR9"]

[spapi]
endpoints = { na = "http://127.0.0.1:9000/" }

[spapi.usage_plans]
getOrder = { rate = 0.5, burst = 30 }

[handlers]
modules = ["handlers", "acme.orders:router"]

[handlers.order_change]
personal_data = true

[delivery]
allowed_ports = [443, "8000-8999"]
schedule = [0, 1.5]
"""


def write(folder: Path, text: str) -> Path:
    file = folder / "gateway.toml"
    file.write_text(text, "utf-8")
    return file


def faults(folder: Path, text: str = "", environ: dict[str, str] | None = None) -> dict[str, Fault]:
    """Return the faults by the last part of their place."""
    with pytest.raises(ConfigurationError) as caught:
        load(write(folder, text), environ or {})
    return {
        fault.where.removeprefix(f"{folder / 'gateway.toml'}: "): fault
        for fault in caught.value.faults
    }


def test_nothing_set_gives_the_defaults() -> None:
    settings = load(None, {}).settings
    assert settings.store.url == "sqlite:///gateway.db"
    assert settings.delivery.schedule == (
        0,
        5,
        300,
        1800,
        7200,
        18000,
        36000,
        50400,
        72000,
        86400,
    )
    assert (settings.admin.host, settings.admin.port) == ("127.0.0.1", 8787)
    assert settings.handlers.modules == ("handlers",)
    assert settings.service.drain_s == 25
    assert settings.keys_file() == Path("gateway.db.keys")


def test_a_full_file(tmp_path: Path) -> None:
    settings = load(write(tmp_path, FULL), {}).settings
    queue = settings.queues[0]
    assert (queue.concurrency, queue.wait_s, queue.visibility_s) == (4, 20, 120)
    assert queue.adapter == "lean"
    assert settings.sellers[0].refresh_token.get_secret_value() == "Atzr|token"
    assert settings.spapi.endpoints == {"na": "http://127.0.0.1:9000"}
    assert settings.spapi.usage_plans["getOrder"].burst == 30
    assert settings.handlers.modules == ("handlers", "acme.orders:router")
    assert settings.handlers.tables == {"order_change": {"personal_data": True}}
    assert settings.delivery.port_ranges() == ((443, 443), (8000, 8999))
    assert settings.database_file() == Path("var/gateway.db")
    assert settings.keys_file() == Path("var/gateway.db.keys")


def test_secrets_stay_out_of_the_repr(tmp_path: Path) -> None:
    text = repr(load(write(tmp_path, FULL), {}).settings)
    assert "app-secret" not in text
    assert "Atzr|token" not in text


def test_the_example_loads_as_it_is_and_changes_nothing(tmp_path: Path) -> None:
    assert load(write(tmp_path, EXAMPLE), {}).settings == load(None, {}).settings


def test_the_example_loads_with_every_line_in_force(tmp_path: Path) -> None:
    """What is commented out is right too, save the lines that need files or another store."""
    (tmp_path / "secret").write_text("s3cret")
    lines = []
    for line in EXAMPLE.splitlines():
        code = line.removeprefix("# ")
        is_key = line.startswith("# ") and ("=" in code.split(" ")[1:2] or code.startswith("["))
        skipped = "postgresql" in code or code.startswith("url_file")
        lines.append(line if not is_key or skipped else code)
    text = "\n".join(lines).replace("/run/secrets/client_secret", str(tmp_path / "secret"))
    text = text.replace("/run/secrets/refresh_token", str(tmp_path / "secret"))
    settings = load(write(tmp_path, text), {}).settings
    plain = load(None, {}).settings
    assert settings.sellers[0].application == settings.applications[0].id
    assert settings.spapi.usage_plans
    straight = settings.delivery.model_copy(update={"ca_file": None, "proxy_url": None})
    assert (settings.dispatch, straight) == (plain.dispatch, plain.delivery)
    assert (settings.admin, settings.logging) == (plain.admin, plain.logging)


def test_the_example_names_every_key() -> None:
    places = ["store", "queues", "applications", "sellers", "spapi", "handlers", "dispatch"]
    places += [
        "destinations",
        "subscriptions",
        "reconcile",
        "schedules",
        "onboarding",
        "sweep",
        "delivery",
        "documents",
        "archive",
        "retention",
        "admin",
        "service",
        "sealing",
        "logging",
        "doctor",
    ]
    assert sorted(places) == sorted(known_keys(()))
    for place in places:
        for key in known_keys((place,)):
            secret_by_file = f"{key}_file" in known_keys((place,))
            assert f"{key} =" in EXAMPLE or f"{key}]" in EXAMPLE or secret_by_file, (place, key)


def test_a_variable_wins_over_the_file(tmp_path: Path) -> None:
    environ = {
        "SPGW_ADMIN__PORT": "9999",
        "SPGW_DELIVERY__ALLOW_HTTP": "true",
        "SPGW_DELIVERY__ALLOWED_PORTS": '[80, "9000-9001"]',
        "SPGW_HANDLERS__ORDER_CHANGE__PERSONAL_DATA": "false",
        "SPGW_HANDLERS__ORDER_CHANGE__NOTE": "plain text",
        "SPGW_SELLERS__0__REGION": "fe",
        "SPGW_SPAPI__USAGE_PLANS": '{"getOrder": {"rate": 1, "burst": 2}}',
        "SPGW_CONFIG": "elsewhere.toml",
        "UNRELATED": "x",
    }
    settings = load(write(tmp_path, FULL), environ).settings
    assert settings.admin.port == 9999
    assert settings.delivery.allow_http is True
    assert settings.delivery.allowed_ports == (80, "9000-9001")
    assert settings.handlers.tables == {
        "order_change": {"personal_data": False, "note": "plain text"}
    }
    assert settings.sellers[0].region == "fe"
    assert settings.spapi.usage_plans["getOrder"].rate == 1


def test_a_whole_list_comes_from_one_variable() -> None:
    queues = [{"url": "http://127.0.0.1:9324/000000000000/q", "region": "eu-west-1"}]
    loaded = load(None, {"SPGW_QUEUES": json.dumps(queues), "SPGW_QUEUES__0__CONCURRENCY": "8"})
    assert loaded.settings.queues[0].concurrency == 8
    assert str(loaded.origin(("queues", 0, "url"))) == "SPGW_QUEUES"
    assert str(loaded.origin(("queues", 0, "concurrency"))) == "SPGW_QUEUES__0__CONCURRENCY"


def test_each_value_knows_its_origin(tmp_path: Path) -> None:
    secret = tmp_path / "token"
    secret.write_text("Atzr|from-a-file\n")
    environ = {"SPGW_ADMIN__PORT": "1", "SPGW_SELLERS__0__REFRESH_TOKEN_FILE": str(secret)}
    file = write(tmp_path, FULL)
    loaded = load(file, environ)
    assert loaded.settings.sellers[0].refresh_token.get_secret_value() == "Atzr|from-a-file"
    assert str(loaded.origin(("store", "url"))) == str(file)
    assert str(loaded.origin(("admin", "port"))) == "SPGW_ADMIN__PORT"
    assert str(loaded.origin(("sellers", 0, "refresh_token"))) == str(secret)
    assert str(loaded.origin(("sellers", 0, "id"))) == str(file)
    assert str(loaded.origin(("logging", "level"))) == "default"


def test_the_database_url_may_come_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "url").write_text("postgres://u:p@db/gateway\n")
    environ = {
        "SPGW_STORE__URL_FILE": str(tmp_path / "url"),
        "SPGW_SEALING__KEYS_FILE": "/keys.json",
    }
    settings = load(None, environ).settings
    assert settings.store.url == "postgresql://u:p@db/gateway"
    assert settings.database_file() is None
    assert settings.keys_file() == Path("/keys.json")


def test_every_fault_is_reported_at_once(tmp_path: Path) -> None:
    text = """
    [delivery]
    timeout = 15
    schedule = []
    allow_private_cidrs = ["10.0.0.1/8"]
    allowed_ports = [0, "90-80"]
    [admin]
    port = "eighty"
    [[queues]]
    url = "https://sqs.eu-west-1.amazonaws.com/123456789012/orders.fifo"
    [[sellers]]
    id = "A1"
    application = "mian"
    region = "us"
    [logging]
    level = "loud"
    [telemetri]
    x = 1
    """
    found = faults(tmp_path, text, {"SPGW_SERVICE__DRAIN": "1", "SPGW_STORE__POOL_SIZE": "many"})
    assert set(found) == {
        "delivery.timeout",
        "delivery.schedule",
        "delivery.allow_private_cidrs[0]",
        "delivery.allowed_ports[0]",
        "delivery.allowed_ports[1]",
        "admin.port",
        "queues[0].url",
        "sellers[0].application",
        "sellers[0].region",
        "sellers[0].refresh_token",
        "logging.level",
        "telemetri",
        "SPGW_SERVICE__DRAIN",
        "SPGW_STORE__POOL_SIZE",
    }
    assert found["delivery.timeout"].mend == 'did you mean "timeout_s"?'
    assert "FIFO" in found["queues[0].url"].what
    assert found["admin.port"].mend == "write a whole number"
    assert found["sellers[0].region"].mend == "write 'na', 'eu' or 'fe'"
    assert "refresh_token_file" in found["sellers[0].refresh_token"].mend
    assert found["SPGW_SERVICE__DRAIN"].mend == 'did you mean "drain_s"?'
    assert "known here: store, queues" in found["telemetri"].mend


def test_a_refused_secret_is_not_repeated(tmp_path: Path) -> None:
    text = '[[applications]]\nid = "a"\nclient_id = "c"\nclient_secret = 12345678\n'
    found = faults(tmp_path, text + '[store]\nurl = "mysql://root:hunter2@db/x"\n')
    assert set(found) == {"applications[0].client_secret", "store.url", "sealing.keys_file"}
    assert "12345678" not in str(found["applications[0].client_secret"])
    assert "hunter2" not in str(found["store.url"])


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ('[handlers]\nmodule = ["x"]', "handlers.module"),
        ("[handlers]\ntables = 3", "handlers"),
        ("delivery = 3", "delivery"),
        ('[[sellers]]\nname = "x"', "sellers[0].name"),
        (
            "[spapi.usage_plans]\ngetOrder = { rate = 0, burst = 1 }",
            "spapi.usage_plans.getOrder.rate",
        ),
        ('[spapi]\nendpoints = { us = "https://x" }', "spapi.endpoints.us"),
        ('[spapi]\nendpoint = "https://user:pw@host"', "spapi.endpoint"),
        ('[store]\nurl = "sqlite:///"', "store.url"),
        ('[[queues]]\nurl = "arn:aws:sqs:eu-west-1:123456789012:q"', "queues[0].url"),
        ('[[queues]]\nurl = "https://host:x/q"', "queues[0].url"),
        ("[delivery]\ntimeout_s = inf", "delivery.timeout_s"),
        ("[delivery]\ntimeout_s = 90", "delivery.timeout_s"),
        ("[dispatch]\nlease_s = 60", "dispatch.lease_s"),
        ("[delivery]\npull_days = 31", "retention.payload_days"),
        ("[retention]\npersonal_data_days = 29", "retention.personal_data_days"),
        ('[store]\nurl = "postgresql://db/x"', "sealing.keys_file"),
    ],
)
def test_a_fault_names_its_place(tmp_path: Path, text: str, place: str) -> None:
    assert place in faults(tmp_path, text)


def test_contradictions_between_values(tmp_path: Path) -> None:
    text = (
        FULL
        + """
[[sellers]]
id = "A1"
application = "main"
region = "eu"
refresh_token = "y"
subscription_ids = ["sub-1"]
[[sellers]]
id = "A1"
application = "main"
region = "na"
refresh_token = "y"
[[sellers]]
id = "A2"
application = "main"
region = "na"
refresh_token = "z"
subscription_ids = ["sub-1"]
[[applications]]
id = "main"
client_id = "x"
client_secret = "y"
[[queues]]
url = "https://sqs.eu-west-1.amazonaws.com/123456789012/notifications"
"""
    )
    assert set(faults(tmp_path, text)) == {
        "sellers[1].id",
        "sellers[3].subscription_ids",
        "applications[1].id",
        "queues[1].url",
    }


def test_both_forms_of_a_secret_in_one_source(tmp_path: Path) -> None:
    text = FULL.replace('"Atzr|token"', '"Atzr|token"\nrefresh_token_file = "/nowhere"')
    assert set(faults(tmp_path, text)) == {"sellers[0].refresh_token_file"}
    environ = {"SPGW_SELLERS__0__REFRESH_TOKEN": "Atzr|variable"}
    loaded = load(write(tmp_path, text), environ)
    assert loaded.settings.sellers[0].refresh_token.get_secret_value() == "Atzr|variable"


@pytest.mark.parametrize("content", [None, b"", b"  \n", b"\xff\xfe", b"x" * 70_000])
def test_a_secret_file_that_is_no_use(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "token").write_bytes(content)
    text = FULL.replace(
        'refresh_token = "Atzr|token"', f'refresh_token_file = "{tmp_path / "token"}"'
    )
    found = faults(tmp_path, text)
    assert set(found) == {"sellers[0].refresh_token_file"}
    assert str(tmp_path / "token") in found["sellers[0].refresh_token_file"].what


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("SPGW_QUEUES", "[{"),
        ("SPGW_QUEUES__7__URL", "http://x/q"),
        ("SPGW_SPAPI__USAGE_PLANS__GETORDER__RATE", "1"),
        ("SPGW_STORE__URL__DEEP", "1"),
        ("SPGW_STOER__URL", "1"),
        ("SPGW_", "1"),
        ("SPGW___", "1"),
        ("SPGW_0", "1"),
    ],
)
def test_a_variable_that_can_not_be_used(tmp_path: Path, name: str, text: str) -> None:
    assert name in faults(tmp_path, '[store]\nurl = "sqlite:///x.db"', {name: text})


def test_files_that_can_not_be_read(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no such file"):
        load(tmp_path / "absent.toml", {})
    with pytest.raises(ConfigurationError, match="line 1"):
        load(write(tmp_path, "x = \n"), {})
    with pytest.raises(ConfigurationError, match="can't be read"):
        load(tmp_path, {})
    (tmp_path / "gateway.toml").write_bytes(b'x = "\xff"')
    with pytest.raises(ConfigurationError, match="UTF-8"):
        load(tmp_path / "gateway.toml", {})


@pytest.mark.parametrize(
    ("text", "place", "reason"),
    [
        ("deduplication_days = 28", "retention.deduplication_days", "14 days in a queue"),
        ("metadata_days = 20", "retention", "kept for 20 days"),
        ("message_days = 91", "retention", "kept for 90 days"),
        ("attempt_days = 91", "retention", "kept for 90 days"),
    ],
)
def test_days_that_contradict_each_other_are_refused_with_the_reason(
    tmp_path: Path, text: str, place: str, reason: str
) -> None:
    assert reason in str(faults(tmp_path, f"[retention]\n{text}\n")[place])
