"""CPU per message of receive 10 + delete batch 10, for each way to talk to SQS.

Run `python -m benchmarks.queue`; the local SQS runs as another process, so that only the client's
own user and system time is counted. `--profile lean` prints where one of them spends it.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import cProfile
import json
import pstats
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import uvloop
from aiobotocore.config import AioConfig
from aiobotocore.session import get_session

from gateway.aws.credentials import Credentials, FixedCredentials
from gateway.aws.factory import Adapter, open_queue
from gateway.aws.queue import MessageQueue

REGION = "eu-west-1"
KEYS = Credentials(access_key="test", secret_key="test")
BODY_BYTES = 2_000
POLLERS = 4

Round = Callable[[], Awaitable[int]]
Client = Callable[[str, str], AbstractAsyncContextManager[Round]]


async def serve() -> None:
    """Run the local SQS until stdin closes; print its URLs first."""
    from gateway.simulator.server import Simulator

    async with Simulator(queues=["bench"]) as simulator:
        urls = {"endpoint": simulator.sqs_url, "queue": simulator.queue_url("bench")}
        print(json.dumps(urls), flush=True)
        await asyncio.to_thread(sys.stdin.read)


def adapter(kind: Adapter) -> Client:
    @asynccontextmanager
    async def opened(queue_url: str, endpoint: str) -> AsyncIterator[Round]:
        queue = queue_of(queue_url, endpoint, kind)

        async def one_round() -> int:
            messages = await queue.receive(10, 0)
            if messages and await queue.delete([message.receipt_handle for message in messages]):
                raise RuntimeError("a delete failed")
            return len(messages)

        yield one_round
        await queue.aclose()

    return opened


@asynccontextmanager
async def bare(queue_url: str, _: str) -> AsyncIterator[Round]:
    """Call aiobotocore as a first program would, with its own defaults."""
    async with get_session().create_client(
        "sqs",
        region_name=REGION,
        endpoint_url=_,
        aws_access_key_id=KEYS.access_key,
        aws_secret_access_key=KEYS.secret_key,
        config=AioConfig(max_pool_connections=POLLERS * 2),
    ) as client:

        async def one_round() -> int:
            answer: dict[str, Any] = await client.receive_message(
                QueueUrl=queue_url,
                MaxNumberOfMessages=10,
                MessageSystemAttributeNames=["ApproximateReceiveCount", "SentTimestamp"],
            )
            messages = answer.get("Messages", [])
            if messages:
                await client.delete_message_batch(
                    QueueUrl=queue_url,
                    Entries=[
                        {"Id": str(at), "ReceiptHandle": message["ReceiptHandle"]}
                        for at, message in enumerate(messages)
                    ],
                )
            return len(messages)

        yield one_round


CLIENTS: dict[str, Client] = {
    "lean": adapter("lean"),
    "botocore": adapter("botocore"),
    "bare aiobotocore": bare,
}


def queue_of(queue_url: str, endpoint: str, kind: Adapter) -> MessageQueue:
    return open_queue(
        queue_url,
        region=REGION,
        endpoint_url=endpoint,
        adapter=kind,
        credentials=FixedCredentials(KEYS),
    )


async def fill(queue_url: str, endpoint: str, count: int) -> None:
    queue = queue_of(queue_url, endpoint, "lean")
    await queue.send(["x" * BODY_BYTES] * count)
    await queue.aclose()


def cpu_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


async def drain(one_round: Round) -> int:
    """Empty the queue with some pollers at once; return the number of messages."""

    async def poll() -> int:
        total = 0
        while count := await one_round():
            total += count
        return total

    return sum(await asyncio.gather(*(poll() for _ in range(POLLERS))))


async def measure(
    client: Client, urls: dict[str, str], count: int, profile: cProfile.Profile | None
) -> tuple[float, float]:
    """Return CPU microseconds a message, and messages a second."""
    async with client(urls["queue"], urls["endpoint"]) as one_round:
        await fill(urls["queue"], urls["endpoint"], 100)
        await drain(one_round)
        await fill(urls["queue"], urls["endpoint"], count)
        with profile or contextlib.nullcontext():
            started, cpu = time.perf_counter(), cpu_s()
            done = await drain(one_round)
            cpu, took = cpu_s() - cpu, time.perf_counter() - started
    if done != count:
        raise RuntimeError(f"{done} messages came back of {count}")
    return cpu / count * 1e6, count / took


async def compare(urls: dict[str, str], count: int, rounds: int) -> None:
    results: dict[str, list[tuple[float, float]]] = {name: [] for name in CLIENTS}
    for _ in range(rounds):
        for name, client in CLIENTS.items():
            results[name].append(await measure(client, urls, count, None))
    floor = statistics.median(cpu for cpu, _ in results["bare aiobotocore"])
    print("| client | CPU µs a message | of bare aiobotocore | messages/s |")
    print("| --- | --- | --- | --- |")
    for name, runs in results.items():
        cpu = statistics.median(cpu for cpu, _ in runs)
        rate = statistics.median(rate for _, rate in runs)
        print(f"| {name} | {cpu:.0f} | {cpu / floor:.2f} | {rate:,.0f} |")


async def profiled(urls: dict[str, str], count: int, name: str) -> None:
    profile = cProfile.Profile()
    await measure(CLIENTS[name], urls, count, profile)
    pstats.Stats(profile).sort_stats("tottime").print_stats(35)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--messages", type=int, default=5_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--profile", choices=sorted(CLIENTS))
    chosen = parser.parse_args()
    if chosen.serve:
        uvloop.run(serve())
        return
    with subprocess.Popen(
        [sys.executable, "-m", "benchmarks.queue", "--serve"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        urls: dict[str, str] = json.loads(server.stdout.readline())
        if chosen.profile:
            uvloop.run(profiled(urls, chosen.messages, chosen.profile))
        else:
            uvloop.run(compare(urls, chosen.messages, chosen.rounds))
        server.stdin.close()


if __name__ == "__main__":
    main()
