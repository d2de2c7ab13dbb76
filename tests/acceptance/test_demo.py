"""The demo and the README, as a newcomer meets them."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support.world import open_world, order_change

pytestmark = [pytest.mark.acceptance]

ROOT = Path(__file__).parents[2]


def demo(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "gateway", "demo", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={key: value for key, value in os.environ.items() if not key.startswith("AWS_")},
    )


def test_the_demo_loses_nothing_and_verifies_everything() -> None:
    process = demo("--json")
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    summary = json.loads(out)
    assert summary["lost"] == 0
    assert summary["throttled"] == 0
    assert summary["messages"] > 200
    assert summary["messages"] == (
        summary["notifications"] + summary["duplicates"] + summary["quarantined"]
    )
    assert summary["quarantined"] == 1
    assert summary["duplicates"] > 0
    assert summary["handled"] == summary["notifications"]
    ended_without = summary["coalesced"] + summary["skipped"]
    assert summary["events"] == summary["notifications"] - ended_without
    assert summary["delivered"] == summary["events"] == summary["signatures_verified"]
    assert 0 < summary["follow_up_calls"] < summary["notifications"]
    assert "Everything arrived." in err


def test_a_demo_that_is_kept_can_be_played_with() -> None:
    process = demo("--keep")
    assert process.stderr is not None
    try:
        deadline = time.monotonic() + 60
        said = ""
        while "/metrics" not in said and time.monotonic() < deadline:
            said += process.stderr.readline()
        config = re.search(r"--config (\S+) notifications list", said.replace("\n", " "))
        assert config is not None, said
        listed = subprocess.run(
            [sys.executable, "-m", "gateway", "--config", config[1], "events", "list", "--json"],
            capture_output=True,
            text=True,
            timeout=30,
            check=True,
        )
        assert json.loads(listed.stdout)["items"]
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
        assert not Path(config[1]).exists(), "the demo leaves nothing behind"
    finally:
        process.kill()
        process.communicate()


async def test_the_readmes_first_handler_works_when_pasted(tmp_path: Path) -> None:
    readme = (ROOT / "README.md").read_text()
    [handler] = [
        block
        for block in re.findall(r"```python\n(.*?)```", readme, re.DOTALL)
        if "Router()" in block
    ]
    (tmp_path / "acme_orders.py").write_text(handler)
    async with open_world(tmp_path, modules=["handlers", "acme_orders"]) as world:
        checked = world.folder.cli("handlers", "check")
        assert checked
        world.add_endpoint("/hook", "--events", "acme.*", "--events", "order.*")
        gateway = world.folder.start()
        try:
            await gateway.ready()
            await world.send([order_change("n-1", "902-0000001-0000001")])
            received = world.receiver.received["/hook"]
            await received.wait_for(
                lambda got: set(got.types) >= {"acme.order", "order.created"},
                timeout_s=20,
                what="the events of both handlers",
            )
        finally:
            gateway.stop()
        assert not received.unverified
        [body] = [json.loads(body) for body in received.bodies.values() if b'"acme.order"' in body]
        assert body["data"]["order"]["order_id"] == "902-0000001-0000001"
        assert body["data"]["seller"] == "A1SIMULATORNA1"
        assert "buyer" not in json.dumps(body).lower()
