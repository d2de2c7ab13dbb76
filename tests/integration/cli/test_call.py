"""`gateway call` over HTTP: what arrives at Amazon, what is printed, and whose usage plan it uses."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path

import pytest

from gateway.cli.context import opened_store
from gateway.cli.invocation import Invocation
from gateway.service.calls import open_client
from gateway.service.sellers import SellerBook
from gateway.settings import load
from gateway.spapi.throttle import CallDeferred
from tests.conformance.spapi.recorder import Recorder, recording_server
from tests.integration.cli.conftest import Gateway
from tests.support.spapi import CountedCalls


@pytest.fixture
def amazon() -> Iterator[Recorder]:
    """A recording server in a thread with a loop of its own."""
    ready: Future[Recorder] = Future()
    stop: Future[None] = Future()

    async def serve() -> None:
        async with recording_server() as recorder:
            ready.set_result(recorder)
            await asyncio.wrap_future(stop)

    thread = threading.Thread(target=asyncio.run, args=(serve(),), name="recorder")
    thread.start()
    try:
        yield ready.result(60)
    finally:
        stop.set_result(None)
        thread.join()


@pytest.fixture
def known(gateway: Gateway, amazon: Recorder) -> Gateway:
    """A gateway with one seller in its settings; nothing has been written to its store yet."""
    Path("gateway.toml").write_text(
        f"""
[spapi]
endpoint = "{amazon.url}"
lwa_endpoint = "{amazon.url}/auth/o2/token"
usage_plans.getReport = {{ rate = 0.0001, burst = 3 }}

[[applications]]
id = "main"
client_id = "c"
client_secret = "app-secret"

[[sellers]]
id = "A1"
application = "main"
region = "eu"
refresh_token = "Atzr|hidden-token"
"""
    )
    return gateway


def answers(amazon: Recorder, status: int, body: object) -> None:
    amazon.status, amazon.body = status, json.dumps(body).encode()


def test_everything_goes_where_it_belongs(known: Gateway, amazon: Recorder) -> None:
    answers(amazon, 200, {"shipmentId": "1"})
    Path("body.json").write_text('{"shipTo": {"name": "ü"}}', "utf-8")
    printed = known(
        "call", "shipping.v2.directPurchaseShipment", "--seller", "A1",
        "x-amzn-shipping-business-id=AmazonShipping_US", "a=1", "b=2", "b=3",
        "--header", "x-mine: yes", "--body", "@body.json",
    )  # fmt: skip
    assert printed == {"shipmentId": "1"}
    (arrived,) = amazon.arrived
    assert (arrived.method, arrived.path) == ("POST", "/shipping/v2/shipments/directPurchase")
    assert arrived.query == "a=1&b=2&b=3"
    assert arrived.headers["x-amzn-shipping-business-id"] == "AmazonShipping_US"
    assert arrived.headers["x-mine"] == "yes"
    assert json.loads(arrived.body) == {"shipTo": {"name": "ü"}}


def test_a_person_sees_json_with_line_breaks(known: Gateway, amazon: Recorder) -> None:
    answers(amazon, 200, {"order": {"orderId": "902-1"}})
    said = known.said(
        "call", "GET /orders/2026-01-01/orders/{orderId}", "orderId=902-1", "--seller", "A1"
    )
    assert json.loads(said) == {"order": {"orderId": "902-1"}}
    assert said.count("\n") > 3


def test_a_refusal_names_what_amazon_s_support_asks_for(known: Gateway, amazon: Recorder) -> None:
    answers(
        amazon,
        403,
        {"errors": [{"code": "Unauthorized", "message": "Access denied", "details": ""}]},
    )
    problem = known.fails(1, "call", "getFeed", "feedId=1", "--seller", "A1")
    assert problem["type"] == "urn:gateway:problem:access"
    assert problem["operation"] == "feeds.2021-06-30.getFeed"
    assert problem["seller_id"] == "A1"
    assert (problem["status"], problem["code"]) == (403, "Unauthorized")
    assert problem["request_id"] == "REQUEST-ID"
    assert "role" in problem["detail"]
    answers(amazon, 400, {"errors": [{"code": "InvalidInput", "message": "bad id"}]})
    assert known.fails(1, "call", "getFeed", "feedId=1", "--seller", "A1")["code"] == "InvalidInput"


def test_an_unknown_seller_is_named(known: Gateway, amazon: Recorder) -> None:
    assert "A2" in known.fails(1, "call", "getFeed", "feedId=1", "--seller", "A2")["detail"]
    assert amazon.arrived == []


def test_a_grantless_call_needs_no_seller(known: Gateway, amazon: Recorder) -> None:
    answers(amazon, 200, {"payload": []})
    assert known("call", "getDestinations", "--application", "main", "--region", "na") == {
        "payload": []
    }
    refused = known.fails(
        2, "call", "getFeed", "feedId=1", "--application", "main", "--region", "na"
    )
    assert "not grantless" in refused["detail"]


def test_personal_data_is_asked_for_when_told(known: Gateway, amazon: Recorder) -> None:
    answers(amazon, 200, {"restrictedDataToken": "Atz|restricted", "expiresIn": 3600})
    amazon.judges_tokens = True
    known(
        "call", "orders.v0.getOrder", "orderId=1", "--seller", "A1", "--data-element", "buyerInfo"
    )
    token, order = amazon.arrived
    assert json.loads(token.body)["restrictedResources"][0]["dataElements"] == ["buyerInfo"]
    assert order.headers["x-amz-access-token"] == "Atz|restricted"
    known("call", "orders.v0.getOrder", "orderId=1", "--seller", "A1")
    assert amazon.arrived[-1].headers["x-amz-access-token"] == "Atza|token"


def test_a_list_is_read_to_its_end_or_from_where_it_was_left(
    known: Gateway, amazon: Recorder
) -> None:
    answers(amazon, 200, {"reports": [1], "nextToken": "t"})
    listing = ("call", "getReports", "reportTypes=A,B", "--seller", "A1")
    assert known(*listing, "--all-pages", "--max-pages", "1") == {
        "items": [{"reports": [1], "nextToken": "t"}],
        "next_cursor": "t",
    }
    answers(amazon, 200, {"reports": [2]})
    rest = known(*listing, "--start", "t")
    assert rest == {"items": [{"reports": [2]}], "next_cursor": None}
    assert [one.query for one in amazon.arrived] == ["reportTypes=A%2CB", "nextToken=t"]
    assert known(*listing, "--all-pages")["next_cursor"] is None


async def left_over(gateway: Gateway) -> bool:
    """Tell whether a client beside the commands, as a running gateway's, may still call getReport."""
    invocation = Invocation(
        json=True,
        config=None,
        environ=gateway.environ,
        stdout=None,
        stderr=None,  # type: ignore[arg-type]
    )
    settings = load(invocation.config_file(), invocation.environ).settings
    async with (
        opened_store(invocation, settings) as store,
        open_client(
            settings,
            store,
            SellerBook(store.sellers, clock=invocation.clock),
            clock=invocation.clock,
            metrics=CountedCalls(),
        ) as client,
    ):
        try:
            await client.for_seller("A1").call("getReport", reportId="1")
        except CallDeferred:
            return False
        return True


@pytest.mark.parametrize(("commands", "allowed"), [(1, True), (2, False)])
def test_commands_and_a_gateway_share_one_usage_plan(
    known: Gateway, amazon: Recorder, commands: int, allowed: bool
) -> None:
    answers(amazon, 200, {"reportId": "1"})
    for _ in range(commands):
        known("call", "getReport", "reportId=1", "--seller", "A1")

    # Of a burst of three, one is left unused; the rate gives no other in hours.
    assert asyncio.run(left_over(known)) is allowed


def test_no_secret_is_printed_or_stored(known: Gateway, amazon: Recorder) -> None:
    answers(amazon, 200, {})
    said = known.said("call", "getFeed", "feedId=1", "--seller", "A1")
    stored = b"".join(file.read_bytes() for file in Path().glob("gateway.db*"))
    for secret in ("hidden-token", "app-secret", "Atza|token"):
        assert secret not in said
        assert secret.encode() not in stored


def test_a_call_is_put_to_the_sellers_account(known: Gateway, amazon: Recorder) -> None:
    answers(amazon, 200, {"payload": {}})
    known("call", "getReport", "--seller", "A1", "reportId=1")
    known("call", "getReport", "--seller", "A1", "reportId=2")
    (counted,) = known("usage")["items"]
    assert (counted["seller_id"], counted["outcome"], counted["calls"]) == ("A1", "ok", 2)
    assert counted["operation"] == "reports.2021-06-30.getReport"
