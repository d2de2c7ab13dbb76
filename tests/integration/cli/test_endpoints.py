"""Endpoints by command, on a real SQLite file."""

from __future__ import annotations

import base64
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from standardwebhooks import Webhook

from gateway.cli.app import call
from tests.integration.cli.conftest import LOCAL, Gateway

URL = "http://127.0.0.1:9/hook"


def test_an_endpoint_from_add_to_delete(gateway: Gateway) -> None:
    added = gateway("endpoints", "add", URL, "--events", "order.*", "--events", "offer.changed",
                    "--seller", "A1", "--description", "ERP", "--concurrency", "2",
                    "--timeout-s", "5", "--header", "X-Tenant: blue")  # fmt: skip
    assert added["id"].startswith("ep_")
    prefix, _, key = added["secret"].partition("_")
    assert prefix == "whsec"
    assert len(base64.b64decode(key)) == 32
    assert added["event_types"] == ["order.*", "offer.changed"]
    assert added["created_at"].endswith("Z")

    listed = gateway("endpoints", "list")
    assert [row["id"] for row in listed["items"]] == [added["id"]]
    assert listed["next_cursor"] is None

    shown = gateway("endpoints", "show", added["id"])
    health = shown.pop("health")
    assert (health["consecutive_failures"], health["open_until"]) == (0, None)
    assert {**shown, "secret": added["secret"]} == added

    updated = gateway("endpoints", "update", added["id"], "--all-sellers", "--disable")
    assert (updated["seller_ids"], updated["state"]) == ([], "disabled")
    assert updated["disabled_reason"]
    assert updated["event_types"] == added["event_types"]
    assert gateway("endpoints", "update", added["id"], "--enable")["disabled_reason"] is None

    assert gateway("endpoints", "delete", added["id"]) == {"id": added["id"], "deleted": True}
    assert gateway("endpoints", "list") == {"items": [], "next_cursor": None}


def test_the_list_goes_on_behind_its_cursor(gateway: Gateway) -> None:
    ids = [gateway("endpoints", "add", URL)["id"] for _ in range(3)]
    first = gateway("endpoints", "list", "--limit", "2")
    second = gateway("endpoints", "list", "--limit", "2", "--after", first["next_cursor"])
    assert [row["id"] for row in first["items"] + second["items"]] == ids
    assert second["next_cursor"] is None


def test_the_secret_is_shown_once_only(gateway: Gateway) -> None:
    added = gateway("endpoints", "add", URL)
    key = added["secret"].removeprefix("whsec_")
    assert key not in gateway.said("endpoints", "show", added["id"])
    assert key not in gateway.said("endpoints", "list")
    stored = b"".join(file.read_bytes() for file in Path().glob("gateway.db*"))
    assert base64.b64decode(key) not in stored


def test_credentials_in_headers_are_masked(gateway: Gateway) -> None:
    added = gateway("endpoints", "add", URL, "--header", "Authorization: Basic aGk=")
    assert added["headers"] == {"Authorization": "********"}


@pytest.mark.parametrize(
    "arguments",
    [
        ["add", "http://10.0.0.1/x"],
        ["add", "ftp://127.0.0.1/x"],
        ["add", "http://user:pw@127.0.0.1/x"],
        ["add", URL, "--events", "order*"],
        ["add", URL, "--header", "webhook-id: 1"],
        ["add", URL, "--header", "nonsense"],
        ["add", URL, "--concurrency", "0"],
    ],
)
def test_what_is_refused_is_not_added(gateway: Gateway, arguments: list[str]) -> None:
    assert gateway.fails(2, "endpoints", *arguments)["exit_code"] == 2
    assert gateway("endpoints", "list")["items"] == []


def test_an_update_to_a_forbidden_address_changes_nothing(gateway: Gateway) -> None:
    added = gateway("endpoints", "add", URL)
    gateway.fails(2, "endpoints", "update", added["id"], "--url", "http://169.254.169.254/")
    assert gateway("endpoints", "show", added["id"])["url"] == URL


@pytest.mark.parametrize("command", ["show", "update", "delete", "test"])
def test_an_unknown_endpoint(gateway: Gateway, command: str) -> None:
    problem = gateway.fails(1, "endpoints", command, "ep_0")
    assert problem["type"] == "urn:gateway:problem:not-found"


class Receiver(BaseHTTPRequestHandler):
    got: list[tuple[dict[str, str], bytes]] = []  # noqa: RUF012 one server, one test

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.got.append((dict(self.headers.items()), body))
        self.send_response(500 if self.path == "/broken" else 204)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def receiver() -> Iterator[str]:
    Receiver.got = []
    with HTTPServer(("127.0.0.1", 0), Receiver) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_a_test_event_is_signed_and_its_answer_shown(gateway: Gateway, receiver: str) -> None:
    added = gateway("endpoints", "add", f"{receiver}/ok")
    result = gateway("endpoints", "test", added["id"])
    assert (result["delivered"], result["status"]) == (True, 204)
    ((headers, body),) = Receiver.got
    told = Webhook(added["secret"]).verify(body.decode(), headers)
    assert told["type"] == "endpoint.test"
    assert headers["webhook-id"] == result["event_id"]


def test_a_test_that_fails_ends_non_zero(
    gateway: Gateway, receiver: str, capsys: pytest.CaptureFixture[str]
) -> None:
    added = gateway("endpoints", "add", f"{receiver}/broken")
    assert call(["endpoints", "test", added["id"]], environ=LOCAL) == 1
    out = capsys.readouterr().out
    assert "http_5xx" in out
    assert "500" in out


def test_every_property_can_be_set(gateway: Gateway, tmp_path: Path) -> None:
    (tmp_path / "credentials.json").write_text(
        '{"auth": {"kind": "oauth2", "token_url": "http://127.0.0.1:9/t", "client_id": "c",'
        ' "client_secret": "hunter2"}}'
    )
    added = gateway("endpoints", "add", URL, "--marketplace", "A1PA6795UKMFR9",
                    "--filter", 'data.order.status == "SHIPPED"', "--set", "payload=thin",
                    "--set", "rate_per_s=10", "--set", "ordered=true", "--set", "max_age_s=3600",
                    "--set", 'tags=["eu"]', "--set", 'metadata={"owner":"a"}',
                    "--set", "tenant=t1", "--set", "operator=true",
                    "--set", "schedule_s=[0,5,60]", "--credentials", "credentials.json")  # fmt: skip
    assert (added["payload"], added["rate_per_s"], added["ordered"]) == ("thin", 10, True)
    assert (added["tags"], added["metadata"], added["tenant"]) == (["eu"], {"owner": "a"}, "t1")
    assert (added["auth"], added["schedule_s"]) == ("oauth2", [0, 5, 60])
    assert added["body_filter"] == 'data.order.status == "SHIPPED"'
    stored = b"".join(file.read_bytes() for file in Path().glob("gateway.db*"))
    assert b"hunter2" not in stored
    for command in (["show", added["id"]], ["list"]):
        assert "hunter2" not in gateway.said("endpoints", *command)
    (tmp_path / "none.json").write_text('{"auth": null}')
    changed = gateway("endpoints", "update", added["id"], "--set", "rate_per_s=null",
                      "--credentials", "none.json")  # fmt: skip
    assert (changed["rate_per_s"], changed["auth"], changed["ordered"]) == (None, None, True)
    entries = gateway("audit", "list")["items"]
    assert [entry["action"] for entry in entries] == ["endpoint.update", "endpoint.create"]
    assert "hunter2" not in str(entries)


@pytest.mark.parametrize(
    "arguments",
    [
        ["--filter", "data.x ="],
        ["--set", "nonsense=1"],
        ["--set", "ordered=maybe"],
        ["--set", "tags=eu"],
        ["--set", "payload=half"],
        ["--set", "rate_per_s=0"],
        ["--credentials", "missing.json"],
    ],
)
def test_a_property_that_cant_be_is_refused_before_anything_is_stored(
    gateway: Gateway, arguments: list[str]
) -> None:
    gateway.fails(2, "endpoints", "add", URL, *arguments)
    assert gateway("endpoints", "list")["items"] == []


def test_all_faults_come_at_once(gateway: Gateway) -> None:
    problem = gateway.fails(2, "endpoints", "add", "http://10.0.0.1/", "--filter", "x ==",
                            "--timeout-s", "9999", "--header", "host: me")  # fmt: skip
    where = sorted(fault["where"] for fault in problem["faults"])
    assert where == ["body_filter", "headers", "timeout_s", "url"]


def test_a_rotation_lets_old_and_new_keys_sign(gateway: Gateway, receiver: str) -> None:
    added = gateway("endpoints", "add", f"{receiver}/ok")
    rotated = gateway("endpoints", "rotate-secret", added["id"], "--overlap-s", "3600")
    paired = gateway("endpoints", "rotate-secret", added["id"], "--kind", "v1a")
    assert rotated["secret"] != added["secret"]
    assert paired["verifies_with"].startswith("whpk_")
    assert sum(secret["expires_at"] is None for secret in paired["secrets"]) == 2
    gateway("endpoints", "test", added["id"])
    ((headers, body),) = Receiver.got
    assert len(headers["webhook-signature"].split()) == 3
    for secret in (added["secret"], rotated["secret"]):
        Webhook(secret).verify(body.decode(), headers)
    Path("body.json").write_bytes(body)
    request = ["--id", headers["webhook-id"], "--timestamp", headers["webhook-timestamp"],
               "--signature", headers["webhook-signature"]]  # fmt: skip
    for key in (added["secret"], rotated["secret"], paired["verifies_with"]):
        found = gateway("webhooks", "verify", "body.json", *request, "--secret", key)
        assert found["valid"], found
    assert gateway("webhooks", "verify", "body.json", *request, "--endpoint", added["id"])["valid"]


def test_what_is_wrong_with_a_verification_is_said(
    gateway: Gateway, receiver: str, capsys: pytest.CaptureFixture[str]
) -> None:
    added = gateway("endpoints", "add", f"{receiver}/ok")
    gateway("endpoints", "test", added["id"])
    ((headers, body),) = Receiver.got
    Path("body.json").write_bytes(body + b"\n")
    code = call(
        ["webhooks", "verify", "body.json", "--id", headers["webhook-id"], "--timestamp",
         headers["webhook-timestamp"], "--signature", headers["webhook-signature"],
         "--endpoint", added["id"]],
        environ=LOCAL,
    )  # fmt: skip
    out = capsys.readouterr().out
    assert code == 1
    assert "Not valid: body" in out
    assert "white space at its end" in out
