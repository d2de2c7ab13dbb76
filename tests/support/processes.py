"""Real gateway processes for the acceptance tests: written settings, start, kill, stop."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from tests.support.emulators import free_port

START_S = 30.0


def toml(value: Any) -> str:
    """Return a value as TOML's inline syntax."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {toml(one)}" for key, one in value.items()) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(toml(one) for one in value) + "]"
    return json.dumps(value)


@dataclass(kw_only=True)
class GatewayFolder:
    """A folder with a gateway's settings; several processes may run from it."""

    folder: Path
    store_url: str
    queue_urls: list[str]
    queue_endpoint: str | None
    spapi: dict[str, Any]
    applications: list[dict[str, str]]
    sellers: list[dict[str, Any]]
    modules: list[str] = field(default_factory=lambda: ["handlers"])
    delivery: dict[str, Any] = field(default_factory=dict)
    dispatch: dict[str, Any] = field(default_factory=dict)
    queue: dict[str, Any] = field(default_factory=dict)
    drain_s: float = 10.0
    extra_env: dict[str, str] = field(default_factory=dict)

    @property
    def config(self) -> Path:
        return self.folder / "gateway.toml"

    def write(self) -> None:
        delivery = {
            "allow_http": True,
            "allow_private_cidrs": ["127.0.0.0/8"],
            "allowed_ports": ["1-65535"],
            "timeout_s": 2.0,
            "lease_s": 4.0,
            "schedule": [0, 0.2, 0.5] + [1] * 30,
            **self.delivery,
        }
        dispatch = {"timeout_s": 5.0, "lease_s": 8.0, "schedule": [0, 0.2, 0.5] + [1] * 30}
        dispatch |= self.dispatch
        queue = {"region": "us-east-1", "wait_s": 1, "visibility_s": 10, "concurrency": 2}
        if self.queue_endpoint:
            queue["endpoint_url"] = self.queue_endpoint
        queue |= self.queue
        tables = [
            ("[store]", {"url": self.store_url}),
            ("[spapi]", self.spapi),
            ("[handlers]", {"modules": self.modules}),
            ("[delivery]", delivery),
            ("[dispatch]", dispatch),
            ("[service]", {"drain_s": self.drain_s}),
            ("[sealing]", {"keys_file": str(self.folder / "sealing.keys")}),
        ]
        tables += [("[[queues]]", {"url": url, **queue}) for url in self.queue_urls]
        tables += [("[[applications]]", one) for one in self.applications]
        tables += [("[[sellers]]", one) for one in self.sellers]
        lines = []
        for header, values in tables:
            lines.append(header)
            lines.extend(f"{key} = {toml(value)}" for key, value in values.items())
        self.config.write_text("\n".join(lines) + "\n")

    def environ(self) -> dict[str, str]:
        kept = {key: value for key, value in os.environ.items() if not key.startswith("SPGW_")}
        return {
            **kept,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_EC2_METADATA_DISABLED": "true",
            **self.extra_env,
        }

    def cli(self, *arguments: str, check: bool = True) -> Any:
        """Run `gateway … --json` and return what it printed."""
        done = subprocess.run(
            [sys.executable, "-m", "gateway", "--config", str(self.config), *arguments, "--json"],
            capture_output=True,
            text=True,
            env=self.environ(),
            cwd=self.folder,
            timeout=60,
            check=False,
        )
        if check and done.returncode != 0:
            raise AssertionError(f"{arguments} ended with {done.returncode}: {done.stderr}")
        return json.loads(done.stdout) if done.stdout else None

    def start(self, *arguments: str, port: int | None = None) -> GatewayProcess:
        return GatewayProcess(self, arguments, port)


class GatewayProcess:
    """One `gateway run`."""

    def __init__(
        self, folder: GatewayFolder, arguments: tuple[str, ...] = (), port: int | None = None
    ) -> None:
        self.port = port or free_port()
        self.log = folder.folder / f"gateway-{self.port}.log"
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "gateway",
                    "--config",
                    str(folder.config),
                    "run",
                    *arguments,
                ],
                stdout=log,
                stderr=log,
                env={**folder.environ(), "SPGW_ADMIN__PORT": str(self.port)},
                cwd=folder.folder,
            )

    async def ready(self, timeout_s: float = START_S) -> None:
        deadline = time.monotonic() + timeout_s
        async with aiohttp.ClientSession() as session:
            while time.monotonic() < deadline:
                if self.process.poll() is not None:
                    raise AssertionError(
                        f"gateway ended with {self.process.returncode}:\n{self.tail()}"
                    )
                try:
                    async with session.get(f"http://127.0.0.1:{self.port}/readyz") as answer:
                        if answer.status == 200:
                            return
                except aiohttp.ClientError:
                    pass
                await asyncio.sleep(0.05)
        raise AssertionError(f"gateway not ready in {timeout_s} s:\n{self.tail()}")

    def kill(self) -> None:
        """SIGKILL: nothing of the process runs any more."""
        self.process.kill()
        self.process.wait(10)

    async def terminate(self, timeout_s: float = 30.0) -> int:
        """SIGTERM, and wait for the end; returns the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return await asyncio.to_thread(self.process.wait, timeout_s)

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(10)

    def tail(self, size_bytes: int = 6000) -> str:
        return self.log.read_bytes()[-size_bytes:].decode(errors="replace")
