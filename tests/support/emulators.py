"""SQS servers for tests: our own, and two that others wrote and that judge both sides of ours.

Each is a context manager that gives the server's URL and has stopped the server at its end.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from moto.server import ThreadedMotoServer

from gateway.simulator.server import Simulator

_ROOT = Path(__file__).parents[2]
MINISTACK = _ROOT / ".tools" / "ministack" / "bin" / "ministack"
READY_WITHIN_S = 60.0


def free_port() -> int:
    """Return a loopback port that nothing listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def moto_server() -> Iterator[str]:
    """Run moto's server in a thread."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        yield f"http://{host}:{port}"
    finally:
        server.stop()


@contextmanager
def local_sqs_server(queues: Sequence[str] = ()) -> Iterator[str]:
    """Run the project's own simulator in a thread with a loop of its own."""
    ready: Future[str] = Future()
    stop: Future[None] = Future()

    async def serve() -> None:
        async with Simulator(queues=queues) as simulator:
            ready.set_result(simulator.sqs_url)
            await asyncio.wrap_future(stop)

    def run() -> None:
        try:
            asyncio.run(serve())
        except BaseException as exc:
            if ready.done():
                raise
            ready.set_exception(exc)

    thread = threading.Thread(target=run, name="local-sqs")
    thread.start()
    try:
        yield ready.result(READY_WITHIN_S)
    finally:
        stop.set_result(None)
        thread.join()


@contextmanager
def ministack_server() -> Iterator[str]:
    """Run ministack as a process; its environment must have been made (`tests/support/ministack.txt`)."""
    if not MINISTACK.exists():
        raise RuntimeError(f"{MINISTACK} is missing: see tests/support/ministack.txt")
    port = free_port()
    process = subprocess.Popen(
        [MINISTACK],
        env={**os.environ, "BIND_HOST": "127.0.0.1", "GATEWAY_PORT": str(port)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        _wait_until_ready(process, f"{url}/_ministack/health")
        yield url
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_until_ready(process: subprocess.Popen[bytes], url: str) -> None:
    deadline = time.monotonic() + READY_WITHIN_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"ministack ended at once with code {process.returncode}")
        try:
            with urllib.request.urlopen(url, timeout=1):
                return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError(f"ministack did not answer at {url} within {READY_WITHIN_S:g} s")


def create_queue(
    endpoint: str, name: str, attributes: dict[str, str] | None = None, *, region: str = "us-east-1"
) -> str:
    """Create a queue on a local SQS server, which checks no signature; return its URL."""
    request = urllib.request.Request(
        f"{endpoint.rstrip('/')}/",
        data=json.dumps({"QueueName": name, "Attributes": attributes or {}}).encode(),
        headers={
            "content-type": "application/x-amz-json-1.0",
            "x-amz-target": "AmazonSQS.CreateQueue",
            "authorization": (
                f"AWS4-HMAC-SHA256 Credential=test/20260101/{region}/sqs/aws4_request, "
                "SignedHeaders=host, Signature=0"
            ),
        },
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        created: dict[str, Any] = json.load(answer)
    return str(created["QueueUrl"])
