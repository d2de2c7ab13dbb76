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
