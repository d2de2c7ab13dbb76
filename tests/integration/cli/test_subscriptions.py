"""`gateway subscriptions` and `gateway destinations` against the local SP-API."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

from gateway.cli.app import call
from gateway.model import UsagePlan
from gateway.simulator.server import Simulator
from tests.integration.cli.conftest import Gateway
from tests.support.processes import toml

OPERATIONS = (
    "getSubscriptions",
    "createSubscription",
    "deleteSubscriptionById",
    "getDestinations",
    "createDestination",
    "deleteDestination",
)
PLANS = {name: UsagePlan(rate_per_s=1000, burst=10_000) for name in OPERATIONS}
ARN = "arn:aws:sqs:us-east-1:123456789012:notifications"
DECLARED = f"""
[[destinations]]
name = "main"
arn = "{ARN}"

[[subscriptions]]
type = "ORDER_CHANGE"
sellers = ["A1SIMULATORNA1", "A1SIMULATOREU1"]
filter = {{ order_change_types = ["OrderStatusChange"] }}
destination = "main"
"""


@pytest.fixture
def amazon() -> Iterator[Simulator]:
    """A local SP-API in a thread with a loop of its own."""
    ready: Future[Simulator] = Future()
    stop: Future[None] = Future()

    async def serve() -> None:
        async with Simulator(usage_plans=PLANS, strict=True) as simulator:
            ready.set_result(simulator)
            await asyncio.wrap_future(stop)

    thread = threading.Thread(target=asyncio.run, args=(serve(),), name="local SP-API")
    thread.start()
    try:
        yield ready.result(60)
    finally:
        stop.set_result(None)
        thread.join()


@pytest.fixture
def declared(gateway: Gateway, amazon: Simulator) -> Gateway:
    told = amazon.describe()
    fast = {"rate": 1000.0, "burst": 10_000}
    lines = [
        "[spapi]",
        f'endpoint = "{told["spapi"]}"',
        f'lwa_endpoint = "{told["lwa"]}"',
        f"usage_plans = {toml(dict.fromkeys(OPERATIONS, fast))}",
        "[[applications]]",
        'id = "main"',
        *(
            f"{key} = {toml(told['applications'][0][key])}"
            for key in ("client_id", "client_secret")
        ),
    ]
    for one in told["sellers"]:
        lines.extend(["[[sellers]]", 'application = "main"'])
        lines.extend(f"{key} = {toml(value)}" for key, value in one.items())
    Path("gateway.toml").write_text("\n".join(lines) + DECLARED)
    return gateway


def actions(printed: Any, of: str = "subscription") -> list[str]:
    return [one["action"] for one in printed["items"] if one["object"] == of]


def test_plan_apply_and_list(declared: Gateway, amazon: Simulator) -> None:
    planned = declared("subscriptions", "plan")
    assert actions(planned) == ["create", "create"]
    assert actions(planned, "destination") == ["create", "create"]
    assert not amazon.apis.subscriptions.all()
    applied = declared("subscriptions", "apply")
    assert actions(applied) == ["created", "created"]
    assert applied["summary"]["looked_at"] == 2
    assert declared("subscriptions", "plan")["items"] == []
    shown = declared("subscriptions", "apply", "--all")
    assert actions(shown) == ["leave", "leave"]
    listed = declared("subscriptions", "list", "--seller", "A1SIMULATORNA1")["items"]
    (there,) = [one for one in amazon.apis.subscriptions.all() if one.seller == "A1SIMULATORNA1"]
    assert [one["id"] for one in listed] == [there.id]
    assert listed[0]["directive"]["eventFilter"]["orderChangeTypes"] == ["OrderStatusChange"]


def test_a_changed_filter_is_planned_with_its_gap_and_replaced(
    declared: Gateway, amazon: Simulator
) -> None:
    declared("subscriptions", "apply")
    before = {one.id for one in amazon.apis.subscriptions.all()}
    config = Path("gateway.toml")
    config.write_text(config.read_text().replace("OrderStatusChange", "BuyerRequestedChange"))
    planned = declared("subscriptions", "plan", "--seller", "A1SIMULATOREU1")["items"]
    (replaced,) = [one for one in planned if one["object"] == "subscription"]
    assert (replaced["action"], replaced["gap"]) == ("replace", True)
    assert replaced["reason"] == "another filter; nothing arrives in between"
    applied = declared("subscriptions", "apply")
    assert actions(applied) == ["replaced", "replaced"]
    assert not before & {one.id for one in amazon.apis.subscriptions.all()}
    assert "no sweep looks for it" in applied["items"][0]["reason"]


def test_a_refusal_is_told_and_fails_the_command(
    declared: Gateway, amazon: Simulator, capsys: pytest.CaptureFixture[str]
) -> None:
    amazon.faults.add(
        "status=403", operation="createSubscription", seller="A1SIMULATOREU1", times=2
    )
    assert call(["subscriptions", "apply", "--json"], environ=declared.environ) == 1
    items = json.loads(capsys.readouterr().out)["items"]
    told = {one["seller_id"]: one for one in items if one["object"] == "subscription"}
    assert told["A1SIMULATORNA1"]["action"] == "created"
    assert told["A1SIMULATOREU1"]["action"] == "refused"
    assert "lacks the role" in told["A1SIMULATOREU1"]["reason"]
    assert actions(declared("subscriptions", "apply")) == ["created"]


def test_a_person_reads_a_table_and_a_summary(
    declared: Gateway, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(["subscriptions", "apply"], environ=declared.environ) == 0
    said = capsys.readouterr()
    assert said.out.splitlines()[0].split("\t")[:3] == ["action", "region", "seller_id"]
    assert "2 looked at: 2 create." in said.err


def test_faults_are_told_by_config_check_and_before_any_call(
    declared: Gateway, amazon: Simulator
) -> None:
    config = Path("gateway.toml")
    text = config.read_text().replace("filter =", "# filter =")
    config.write_text(text + '\n[[subscriptions]]\ntype = "ORDER_CHANGED"\ndestination = "x"\n')
    for command in (("config", "check"), ("subscriptions", "plan"), ("subscriptions", "apply")):
        faults = declared.fails(4, *command)["faults"]
        assert {one["where"] for one in faults} == {
            "subscriptions[0].filter",
            "subscriptions[1].type",
            "subscriptions[1].destination",
        }
    assert amazon.calls == {}


def test_delete_takes_what_is_known_and_apply_brings_it_back(
    declared: Gateway, amazon: Simulator
) -> None:
    declared("subscriptions", "apply")
    lost = amazon.apis.subscriptions.all()[0]
    deleted = declared("subscriptions", "delete", lost.id)["items"]
    assert deleted == [{"id": lost.id, "seller_id": lost.seller, "type": "ORDER_CHANGE"}]
    assert [one.id for one in amazon.apis.subscriptions.all()] != [lost.id]
    assert "--seller ID --type TYPE" in declared.fails(2, "subscriptions", "delete", "x")["detail"]
    assert actions(declared("subscriptions", "apply")) == ["created"]
    assert len(amazon.apis.subscriptions.all()) == 2


def test_destinations_are_made_taken_over_listed_and_deleted(
    declared: Gateway, amazon: Simulator
) -> None:
    made = declared("destinations", "create", "main", "--region", "eu")["items"]
    assert [one["created"] for one in made] == [True]
    again = declared("destinations", "create", "main", "--region", "eu")["items"]
    assert [(one["id"], one["created"]) for one in again] == [(made[0]["id"], False)]
    bus = declared(
        "destinations", "create", "bus", "--aws-region", "us-east-1",
        "--aws-account", "123456789012", "--region", "na",
    )["items"]  # fmt: skip
    assert bus[0]["kind"] == "eventBridge"
    listed = declared("destinations", "list", "--region", "eu")["items"]
    assert {(one["kind"], one["place"], one["declared"]) for one in listed} == {
        ("sqs", ARN, "main"),
        ("eventBridge", "123456789012/us-east-1", None),
    }
    declared("subscriptions", "apply")
    refused = declared.fails(1, "destinations", "delete", made[0]["id"], "--region", "eu")
    assert "Destination has subscriptions" in refused["detail"]
    assert "--with-subscriptions" in refused["detail"]
    gone = declared(
        "destinations", "delete", made[0]["id"], "--region", "eu", "--with-subscriptions"
    )
    assert gone["deleted"]
    assert len(gone["subscription_ids"]) == 2
    assert not amazon.apis.subscriptions.all()
    assert [one.event_bridge for one in amazon.apis.destinations.all()] == [True]
    assert "no destination" in declared.fails(1, "destinations", "delete", "x")["detail"]


def test_a_destination_that_amazon_would_refuse_is_not_asked_for(
    declared: Gateway, amazon: Simulator
) -> None:
    told = declared.fails(
        4, "destinations", "create", "q", "--arn", f"{ARN}.fifo", "--region", "eu"
    )
    assert "FIFO" in told["faults"][0]["what"]
    assert "--arn" in declared.fails(2, "destinations", "create", "other")["detail"]
    assert amazon.calls == {}


def test_what_is_changed_at_amazon_is_in_the_audit_log(
    declared: Gateway, amazon: Simulator, capsys: pytest.CaptureFixture[str]
) -> None:
    declared("subscriptions", "apply")
    made = {one.id: one for one in amazon.apis.subscriptions.all()}
    log = declared("audit", "list")["items"]
    assert sorted(one["action"] for one in log) == [
        "destination.create",
        *["subscription.apply"] * 2,
    ]
    assert all(one["actor"].startswith("cli:") for one in log)
    applied = {one["object_id"]: one["changes"] for one in log if "seller" in one["changes"]}
    assert {one: told["created"] for one, told in applied.items()} == {one: [one] for one in made}
    assert {told["seller"] for told in applied.values()} == {one.seller for one in made.values()}
    declared("subscriptions", "apply")
    assert declared("audit", "list")["items"] == log  # nothing was changed

    amazon.faults.add("status=400", operation="createSubscription", times=1)
    config = Path("gateway.toml")
    config.write_text(config.read_text().replace("OrderStatusChange", "BuyerRequestedChange"))
    assert call(["subscriptions", "apply", "--json"], environ=declared.environ) == 1
    capsys.readouterr()
    news = declared("audit", "list")["items"][:2]
    for told in (one["changes"] for one in news):  # one was replaced, one put back
        assert set(told["deleted"]) <= set(made)
        assert len(told["deleted"]) == len(told["created"]) == 1

    (destination, *_) = {
        one["destination_id"] for one in declared("subscriptions", "list")["items"]
    }
    declared("destinations", "delete", destination, "--region", "eu", "--with-subscriptions")
    assert [one["action"] for one in declared("audit", "list")["items"][:3]] == [
        "destination.delete",
        "subscription.delete",
        "subscription.delete",
    ]
