"""A gateway that is well from end to end, to be broken: the local SP-API, AWS at an emulator."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3

from gateway.model import UsagePlan
from gateway.simulator.server import Simulator
from tests.integration.cli.conftest import Gateway
from tests.support.processes import toml

ACCOUNT = "000000000000"
REGION = "eu-west-1"
REGIONS = ("na", "eu", "fe")
ARN = f"arn:aws:sqs:{REGION}:{ACCOUNT}:orders"
OPERATIONS = (
    "getSubscriptions",
    "createSubscription",
    "deleteSubscriptionById",
    "getDestinations",
    "createDestination",
    "getMarketplaceParticipations",
)
DECLARED = f"""
[[destinations]]
name = "main"
arn = "{ARN}"

[[destinations]]
name = "bus"
aws_region = "{REGION}"
aws_account = "{ACCOUNT}"

[[subscriptions]]
type = "ORDER_CHANGE"
filter = {{ order_change_types = ["OrderStatusChange"] }}
destination = "main"

[[subscriptions]]
type = "LISTINGS_ITEM_STATUS_CHANGE"
destination = "bus"
"""


@contextmanager
def local_spapi() -> Iterator[Simulator]:
    """Run a strict local SP-API in a thread with a loop of its own."""
    ready: Future[Simulator] = Future()
    stop: Future[None] = Future()
    plans = {name: UsagePlan(rate_per_s=1000, burst=10_000) for name in OPERATIONS}

    async def serve() -> None:
        async with Simulator(usage_plans=plans, strict=True) as simulator:
            ready.set_result(simulator)
            await asyncio.wrap_future(stop)

    thread = threading.Thread(target=asyncio.run, args=(serve(),), name="local SP-API")
    thread.start()
    try:
        yield ready.result(60)
    finally:
        stop.set_result(None)
        thread.join()


@dataclass
class World:
    """The gateway, and what it depends on."""

    gateway: Gateway
    amazon: Simulator
    listener: socket.socket

    @property
    def endpoint_url(self) -> str:
        host, port = self.listener.getsockname()
        return f"http://{host}:{port}/hook"

    @property
    def source(self) -> str:
        application = self.amazon.describe()["applications"][0]["id"]
        return f"aws.partner/sellingpartnerapi.amazon.com/{ACCOUNT}/{application}"

    def edit(self, old: str, new: str) -> None:
        """Change the settings."""
        file = Path("gateway.toml")
        text = file.read_text()
        assert old in text
        file.write_text(text.replace(old, new, 1))

    def examined(self, code: int = 0, *arguments: str) -> list[dict[str, Any]]:
        """Return what the doctor finds amiss, which must end with `code`."""
        report = self.gateway.checks(code, "doctor", *arguments)
        findings: list[dict[str, Any]] = report["findings"]
        return [one for one in findings if one["level"] != "ok"]

    def mend(self, finding: dict[str, Any], *also: str) -> None:
        """Do what a finding says."""
        program, *words = finding["mend"].split()
        assert program == "gateway"
        self.gateway(*words, *also)


def settings(told: dict[str, Any], sqs: str, account: str = ACCOUNT) -> str:
    """Return settings for the sellers of a local SP-API, and a queue at an emulator."""
    fast = {name: {"rate": 1000.0, "burst": 10_000} for name in OPERATIONS}
    places = {region: f"{told['spapi']}/{region}" for region in REGIONS}
    application = told["applications"][0]
    lines = [
        "[doctor]",
        "time_limit_s = 120",
        "low_bytes = 0",
        "full_bytes = 0",
        "[spapi]",
        f"endpoints = {toml(places)}",
        f'lwa_endpoint = "{told["lwa"]}"',
        f"usage_plans = {toml(fast)}",
        "[[queues]]",
        f'url = "{sqs}/{account}/orders"',
        f'region = "{REGION}"',
        "[[applications]]",
        'id = "main"',
        *(f"{key} = {toml(application[key])}" for key in ("client_id", "client_secret")),
    ]
    for one in told["sellers"]:
        lines.extend(["[[sellers]]", 'application = "main"'])
        lines.extend(f"{key} = {toml(value)}" for key, value in one.items())
    return "\n".join(lines) + DECLARED.replace(ACCOUNT, account)


@contextmanager
def open_world(gateway: Gateway, sqs: str) -> Iterator[World]:
    """Open a gateway of which the doctor finds nothing amiss."""
    with local_spapi() as amazon, socket.create_server(("127.0.0.1", 0)) as listener:
        world = World(gateway=gateway, amazon=amazon, listener=listener)
        Path("gateway.toml").write_text(settings(amazon.describe(), sqs))
        gateway("db", "upgrade")
        gateway("aws", "setup", "--queue", "orders", "--region", REGION,
                "--event-source", world.source)  # fmt: skip
        gateway("subscriptions", "apply")
        gateway("endpoints", "add", world.endpoint_url)
        yield world


def aws(service: str) -> Any:
    return boto3.client(service, region_name=REGION)


def queue_url(name: str = "orders") -> str:
    url: str = aws("sqs").get_queue_url(QueueName=name)["QueueUrl"]
    return url


def set_attributes(**attributes: str) -> None:
    aws("sqs").set_queue_attributes(QueueUrl=queue_url(), Attributes=attributes)


def policy() -> dict[str, Any]:
    answer = aws("sqs").get_queue_attributes(QueueUrl=queue_url(), AttributeNames=["Policy"])
    found: dict[str, Any] = json.loads(answer["Attributes"]["Policy"])
    return found
