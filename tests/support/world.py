"""The outside world of an acceptance test: Amazon's side, the queues, the receivers, the senders."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
from aiobotocore.session import get_session

from gateway.model import UsagePlan
from gateway.simulator.server import Simulator
from tests.support.processes import GatewayFolder
from tests.support.truth import Receiver

QUEUE = "notifications"
_FAST = UsagePlan(rate_per_s=500, burst=5_000)


def pricing_health(notification_id: str, seller: str = "A1SIMULATORNA1") -> str:
    """A camelCase notification that is published without a follow-up call."""
    return orjson.dumps(
        {
            "notificationVersion": "1.0",
            "notificationType": "PRICING_HEALTH",
            "payloadVersion": "1.0",
            "eventTime": "2026-11-01T10:00:00.000Z",
            "payload": {
                "issueType": "BuyBoxDisqualification",
                "sellerId": seller,
                "offerChangeTrigger": {"marketplaceId": "ATVPDKIKX0DER", "asin": "B00TEST001"},
            },
            "notificationMetadata": {
                "applicationId": "amzn1.sellerapps.app.test",
                "subscriptionId": "sub-1",
                "publishTime": "2026-11-01T10:00:01.000Z",
                "notificationId": notification_id,
            },
        }
    ).decode()


def undescribed(notification_id: str, type_: str = "SHIPPING_CHARGE_NOTIFICATION") -> str:
    """A notification that no bundled handler but passthrough takes."""
    return orjson.dumps(
        {
            "notificationVersion": "1.0",
            "notificationType": type_,
            "payloadVersion": "1.0",
            "eventTime": "2026-11-01T10:00:00.000Z",
            "payload": {"sellerId": "A1SIMULATORNA1", "shippingCharge": {"id": "sc-1"}},
            "notificationMetadata": {"notificationId": notification_id},
        }
    ).decode()


def order_change(
    notification_id: str,
    order_id: str,
    seller: str = "A1SIMULATORNA1",
    event_time: str = "2026-11-01T10:00:00.000Z",
) -> str:
    """A PascalCase ORDER_CHANGE."""
    return orjson.dumps(
        {
            "NotificationVersion": "1.0",
            "NotificationType": "ORDER_CHANGE",
            "PayloadVersion": "1.0",
            "EventTime": event_time,
            "Payload": {
                "OrderChangeNotification": {
                    "NotificationLevel": "OrderLevel",
                    "SellerId": seller,
                    "AmazonOrderId": order_id,
                    "OrderChangeType": "OrderStatusChange",
                    "OrderChangeTrigger": {"TimeOfOrderChange": event_time},
                    "Summary": {"MarketplaceId": "ATVPDKIKX0DER", "OrderStatus": "Shipped"},
                }
            },
            "NotificationMetadata": {
                "ApplicationId": "amzn1.sellerapps.app.test",
                "SubscriptionId": "sub-2",
                "PublishTime": event_time,
                "NotificationId": notification_id,
            },
        }
    ).decode()


@dataclass
class World:
    """Amazon's side and the customers' side of one test."""

    simulator: Simulator
    receiver: Receiver
    folder: GatewayFolder
    sqs: Any
    queue_url: str
    endpoints: dict[str, dict[str, Any]] = field(default_factory=dict)

    def add_endpoint(self, path: str = "/hook", *arguments: str) -> dict[str, Any]:
        """Make an endpoint by the command line; its signatures are verified from now on."""
        added: dict[str, Any] = self.folder.cli(
            "endpoints", "add", f"{self.receiver.url}{path}", *arguments
        )
        self.receiver.received[path].secret = added["secret"]
        self.endpoints[path] = added
        return added

    async def send(self, bodies: Sequence[str]) -> None:
        """Put messages into the queue."""
        waiting = iter(bodies)
        while batch := list(itertools.islice(waiting, 10)):
            entries = [{"Id": str(n), "MessageBody": body} for n, body in enumerate(batch)]
            await self.sqs.send_message_batch(QueueUrl=self.queue_url, Entries=entries)

    def calls(self, operation: str) -> int:
        """How many calls of an operation the local SP-API counted."""
        return sum(
            calls.count
            for caller, calls in self.simulator.calls.items()
            if caller.operation.endswith(operation)
        )

    def throttled(self) -> int:
        """How many calls the local SP-API refused because a usage plan was exceeded."""
        return sum(calls.throttled for calls in self.simulator.calls.values())


@asynccontextmanager
async def open_world(
    tmp_path: Path,
    *,
    store_url: str | None = None,
    sqs_url: str | None = None,
    real_plans: bool = False,
    simulator_options: dict[str, Any] | None = None,
    **folder_options: Any,
) -> AsyncIterator[World]:
    """Start the world; the gateway's processes are the test's to start.

    Args:
        tmp_path: Where the gateway's folder is made.
        store_url: A SQLite file in the folder unless given.
        sqs_url: The simulator's own SQS unless given.
        real_plans: Amazon's plan for getOrder instead of one that never gets in the way.
        simulator_options: For `Simulator`.
        **folder_options: For `GatewayFolder`.
    """
    plans = {} if real_plans else {"getOrder": _FAST}
    name = f"{QUEUE}-{tmp_path.name[-40:]}"
    options = {"usage_plans": plans, "queues": [name], **(simulator_options or {})}
    async with Simulator(**options) as simulator, Receiver() as receiver:
        endpoint = sqs_url or simulator.sqs_url
        async with get_session().create_client(
            "sqs",
            region_name="us-east-1",
            endpoint_url=endpoint,
            aws_access_key_id="test",
            aws_secret_access_key="test",
        ) as sqs:
            made = await sqs.create_queue(QueueName=name)
            described = simulator.describe()
            spapi: dict[str, Any] = {
                "endpoint": described["spapi"],
                "lwa_endpoint": described["lwa"],
            }
            if not real_plans:
                spapi["usage_plans"] = {"getOrder": {"rate": 500.0, "burst": 5000}}
            folder = GatewayFolder(
                folder=tmp_path,
                store_url=store_url or f"sqlite:///{tmp_path / 'gateway.db'}",
                queue_urls=[made["QueueUrl"]],
                queue_endpoint=endpoint,
                spapi=spapi,
                applications=[
                    {"id": "main", **{k: v for k, v in one.items() if k != "id"}}
                    for one in described["applications"][:1]
                ],
                sellers=[{**one, "application": "main"} for one in described["sellers"]],
                **folder_options,
            )
            folder.write()
            yield World(simulator, receiver, folder, sqs, made["QueueUrl"])


def numbered(prefix: str, count: int) -> Iterator[str]:
    """Yield `count` ids."""
    return (f"{prefix}-{number:05d}" for number in range(count))


async def pause(delay_s: float) -> None:
    """Let real processes run; only where a test's subject is the passing of time."""
    await asyncio.sleep(delay_s)


async def until(true: Callable[[], bool], what: str) -> None:
    """Wait until something is so; a minute at most."""
    for _ in range(600):
        if true():
            return
        await pause(0.1)
    raise AssertionError(f"never came to pass: {what}")
