"""The floor: the loop that most integrations write. Nothing durable, no history, no retries.

Receives ten messages with aiobotocore, reads them with orjson, optionally asks getOrder with a
token at hand, signs and POSTs one webhook each with aiohttp, and deletes the batch.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import hashlib
import hmac
import time
from typing import Any

import aiohttp
import orjson
import uvloop
from aiobotocore.session import get_session

_KEY = b"0123456789abcdef0123456789abcdef"
_IN_FLIGHT = 32


class NaiveLoop:
    def __init__(self, arguments: argparse.Namespace, http: aiohttp.ClientSession) -> None:
        self._queue_url: str = arguments.queue_url
        self._sink: str = arguments.sink
        self._spapi: str | None = arguments.spapi
        self._token: str = arguments.token
        self._http = http
        self._room = asyncio.Semaphore(_IN_FLIGHT)

    async def poll(self, sqs: Any) -> None:
        while True:
            answer = await sqs.receive_message(
                QueueUrl=self._queue_url, MaxNumberOfMessages=10, WaitTimeSeconds=20
            )
            messages = answer.get("Messages", [])
            if not messages:
                continue
            await asyncio.gather(*(self._handle(message["Body"]) for message in messages))
            entries = [
                {"Id": str(number), "ReceiptHandle": message["ReceiptHandle"]}
                for number, message in enumerate(messages)
            ]
            await sqs.delete_message_batch(QueueUrl=self._queue_url, Entries=entries)

    async def _handle(self, text: str) -> None:
        notification = orjson.loads(text)
        identity = notification["NotificationMetadata"]["NotificationId"]
        data: Any = notification["Payload"]
        async with self._room:
            if self._spapi is not None:
                order_id = data["OrderChangeNotification"]["AmazonOrderId"]
                async with self._http.get(
                    f"{self._spapi}/orders/2026-01-01/orders/{order_id}",
                    headers={"x-amz-access-token": self._token},
                ) as answer:
                    data = orjson.loads(await answer.read())
            await self._post(identity, data)

    async def _post(self, identity: str, data: Any) -> None:
        body = orjson.dumps(
            {
                "type": "order.changed",
                "timestamp": "2026-01-01T00:00:00Z",
                "data": {"notification": {"id": identity}, "payload": data},
            }
        )
        stamp = str(int(time.time()))  # noqa: TID251 the naive loop has no clock to inject
        signed = hmac.digest(_KEY, f"{identity}.{stamp}.".encode() + body, hashlib.sha256)
        async with self._http.post(
            self._sink,
            data=body,
            headers={
                "content-type": "application/json",
                "webhook-id": identity,
                "webhook-timestamp": stamp,
                "webhook-signature": "v1," + base64.b64encode(signed).decode(),
            },
        ) as answer:
            await answer.read()


async def run(arguments: argparse.Namespace) -> None:
    connector = aiohttp.TCPConnector(limit=0)
    async with (
        aiohttp.ClientSession(connector=connector) as http,
        get_session().create_client(
            "sqs",
            region_name="us-east-1",
            endpoint_url=arguments.endpoint,
            aws_access_key_id="test",
            aws_secret_access_key="test",
        ) as sqs,
    ):
        loop = NaiveLoop(arguments, http)
        await asyncio.gather(*(loop.poll(sqs) for _ in range(4)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--endpoint", required=True)
    parser.add_argument("--queue-url", required=True)
    parser.add_argument("--sink", required=True)
    parser.add_argument("--spapi")
    parser.add_argument("--token", default="")
    uvloop.run(run(parser.parse_args()))


if __name__ == "__main__":
    main()
