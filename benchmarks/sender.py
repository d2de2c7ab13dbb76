"""CPU of one attempt: the sender, by each transport, beside a bare aiohttp POST, in turns.

Run: python -m benchmarks.sender [--requests N] [--profile]. The receiver is a process of its own,
so that only the client's CPU counts. Both post the same 2 kB body, 32 in flight, keep-alive.
"""

from __future__ import annotations

import argparse
import asyncio
import cProfile
import pstats
import resource
import statistics
import subprocess
import sys
from collections.abc import Awaitable, Callable
from typing import cast

import aiohttp
import uvloop

from gateway.clock import SystemClock
from gateway.delivery.egress import EgressPolicy
from gateway.delivery.resolver import SystemResolver
from gateway.delivery.sender import Sender
from gateway.delivery.signing import new_secret
from gateway.endpoints import Endpoint

_BODY = b'{"type":"order.changed","data":{"filling":"' + b"x" * 2000 + b'"}}'
_IN_FLIGHT = 32
_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
_HEAD_END = b"\r\n\r\n"

Post = Callable[[], Awaitable[object]]


class _Receiver(asyncio.Protocol):
    """Answers each request of the one form that is sent here."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._waiting = b""

    def data_received(self, data: bytes) -> None:
        self._waiting += data
        while True:
            _, found, rest = self._waiting.partition(_HEAD_END)
            if not found or len(rest) < len(_BODY):
                return
            self._waiting = rest[len(_BODY) :]
            self._transport.write(_ANSWER)


async def _receive() -> None:
    server = await asyncio.get_running_loop().create_server(_Receiver, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


async def _cpu_us(post: Post, requests: int) -> float:
    async def some() -> None:
        for _ in range(requests // _IN_FLIGHT):
            await post()

    before = resource.getrusage(resource.RUSAGE_SELF)
    await asyncio.gather(*(some() for _ in range(_IN_FLIGHT)))
    after = resource.getrusage(resource.RUSAGE_SELF)
    used_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return used_s / (requests // _IN_FLIGHT * _IN_FLIGHT) * 1e6


async def _measure(url: str, requests: int, *, profile: bool) -> None:
    clock = SystemClock()
    endpoint = Endpoint(id="ep_1", url=url, concurrency=_IN_FLIGHT, secrets=(new_secret(0),))
    policy = EgressPolicy(
        allow_http=True, allow_private_cidrs=["127.0.0.0/8"], allowed_ports=["1-65535"]
    )
    async with (
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=_IN_FLIGHT)) as bare,
        Sender(policy, SystemResolver(clock), clock) as lean,
        Sender(policy, SystemResolver(clock), clock, transport="aiohttp") as other,
    ):

        async def post_bare() -> None:
            async with bare.post(url, data=_BODY, headers={"x-id": "1"}) as answer:
                await answer.read()

        def post_by(sender: Sender) -> Post:
            route = sender.prepare(endpoint)

            async def post() -> None:
                reply = await sender.send(route, event_id="evt_1", body=_BODY)
                assert reply.error_class is None, reply

            return post

        posts: dict[str, Post] = {
            "bare aiohttp": post_bare,
            "sender, lean": post_by(lean),
            "sender, aiohttp": post_by(other),
        }
        if profile:
            await _cpu_us(posts["sender, lean"], 2000)
            with cProfile.Profile() as profiler:
                await _cpu_us(posts["sender, lean"], requests)
            pstats.Stats(profiler).sort_stats("tottime").print_stats(45)
            return
        figures: dict[str, list[float]] = {name: [] for name in posts}
        for post in posts.values():
            await _cpu_us(post, 2000)
        for _ in range(5):
            for name, post in posts.items():
                figures[name].append(await _cpu_us(post, requests))
    floor_us = statistics.median(figures["bare aiohttp"])
    for name, values in figures.items():
        median_us = statistics.median(values)
        print(f"{name:16} {median_us:6.0f} µs a request, {median_us / floor_us:.2f} of the first")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=8000)
    parser.add_argument("--profile", action="store_true")
    parser.add_argument("--receiver", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.receiver:
        uvloop.run(_receive())
        return
    command = [sys.executable, "-m", "benchmarks.sender", "--receiver"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as receiver:
        try:
            assert receiver.stdout is not None
            url = f"http://127.0.0.1:{int(receiver.stdout.readline())}/hook"
            uvloop.run(_measure(url, arguments.requests, profile=arguments.profile))
        finally:
            receiver.kill()


if __name__ == "__main__":
    main()
