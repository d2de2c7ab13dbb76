"""The world of a measurement as one process of its own: local SQS, LWA, SP-API and the sink.

Commands come as JSON lines on stdin, answers go as JSON lines to stdout:
    {"do": "send", "count": N, "rate": R or null, "type": "plain" | "order", "first": K}
    {"do": "wait", "count": N, "timeout_s": T}     → {"done": n, "repeats": r, "delays_ms": […]}
    {"do": "queue", "name": NAME}                  → {"queue_url": …}, and the sink starts anew
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import Any

import orjson
import uvloop

from benchmarks.sink import Sink, SinkProtocol
from gateway.model import UsagePlan
from gateway.simulator.server import Simulator

_PADDING = "x" * 900


def _notification(number: int, kind: str) -> str:
    identity = f"bench-{number}-{time.monotonic_ns()}"
    if kind == "order":
        payload: dict[str, Any] = {
            "OrderChangeNotification": {
                "NotificationLevel": "OrderLevel",
                "SellerId": "A1SIMULATORNA1",
                "AmazonOrderId": f"902-{number:07d}-0000001",
                "OrderChangeType": "OrderStatusChange",
                "OrderChangeTrigger": {"TimeOfOrderChange": "2026-11-01T10:00:00.000Z"},
                "Summary": {"MarketplaceId": "ATVPDKIKX0DER", "Note": _PADDING},
            }
        }
        type_ = "ORDER_CHANGE"
    else:
        payload = {"SellerId": "A1SIMULATORNA1", "MarketplaceId": "ATVPDKIKX0DER", "Note": _PADDING}
        type_ = "SHIPPING_CHARGE_NOTIFICATION"  # passes as it came
    return orjson.dumps(
        {
            "NotificationVersion": "1.0",
            "NotificationType": type_,
            "PayloadVersion": "1.0",
            "EventTime": "2026-11-01T10:00:00.000Z",
            "Payload": payload,
            "NotificationMetadata": {
                "ApplicationId": "amzn1.sellerapps.app.bench",
                "SubscriptionId": "bench",
                "PublishTime": "2026-11-01T10:00:00.000Z",
                "NotificationId": identity,
            },
        }
    ).decode()


class Emulator:
    def __init__(self, simulator: Simulator, sink: Sink) -> None:
        self._simulator = simulator
        self._sink = sink
        self._queue = ""

    async def run(self, command: dict[str, Any]) -> dict[str, Any]:
        if command["do"] == "send":
            await self._send(command)
            return {}
        if command["do"] == "wait":
            return await self._wait(command["count"], command["timeout_s"])
        self._sink.reset()
        self._queue = command["name"]
        self._simulator.sqs.queues.create(self._queue)
        return {"queue_url": self._simulator.queue_url(self._queue)}

    async def _send(self, command: dict[str, Any]) -> None:
        """Put messages straight into the queue: whole bursts, or evenly at a rate."""
        base_url = self._simulator.sqs_url
        url = self._simulator.queue_url(self._queue)
        rate = command.get("rate")
        started_s = time.monotonic()
        for number in range(command["first"], command["first"] + command["count"], 10):
            ahead = (number - command["first"]) / rate if rate else 0.0
            if (wait_s := started_s + ahead - time.monotonic()) > 0:
                await asyncio.sleep(wait_s)
            entries = [
                {"Id": str(one), "MessageBody": _notification(number + one, command["type"])}
                for one in range(10)
            ]
            await self._send_batch(url, base_url, entries)

    async def _send_batch(self, url: str, base_url: str, entries: list[dict[str, Any]]) -> None:
        from gateway.simulator.sqs.parameters import Parameters

        await self._simulator.sqs.run(
            "SendMessageBatch", Parameters({"QueueUrl": url, "Entries": entries}), base_url
        )

    async def _wait(self, count: int, timeout_s: float) -> dict[str, Any]:
        deadline = time.monotonic() + timeout_s
        while len(self._sink.numbers) < count and time.monotonic() < deadline:
            await asyncio.sleep(0.01)
        return {
            "done": len(self._sink.numbers),
            "repeats": self._sink.repeats,
            "delays_ms": self._sink.delays_ms,
            "last_s": self._sink.last_s,
        }


async def main() -> None:
    sink = Sink()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SinkProtocol(sink.take), "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    fast = {"getOrder": UsagePlan(rate_per_s=100_000, burst=1_000_000)}
    async with Simulator(usage_plans=fast) as simulator:
        described = {**simulator.describe(), "sink": f"http://{host}:{port}/hook"}
        print(json.dumps(described), flush=True)
        emulator = Emulator(simulator, sink)
        while line := await asyncio.to_thread(sys.stdin.readline):
            print(json.dumps(await emulator.run(json.loads(line))), flush=True)
    server.close()


if __name__ == "__main__":
    uvloop.run(main())
