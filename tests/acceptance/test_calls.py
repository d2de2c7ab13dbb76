"""`gateway call` as a process of its own, beside a running gateway.

That both take their tokens from one bucket is shown by tests/integration/cli/test_call.py.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.support.world import open_world


async def test_a_command_calls_beside_a_running_gateway(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        gateway = world.folder.start()
        try:
            await gateway.ready()
            answer = await asyncio.to_thread(
                world.folder.cli,
                "call",
                "orders.2026-01-01.getOrder",
                "orderId=902-0000000-0000001",
                "--seller",
                "A1SIMULATORNA1",
            )
            assert await gateway.terminate() == 0
        finally:
            gateway.stop()
    assert answer["order"]["orderId"] == "902-0000000-0000001"
    assert world.calls("getOrder") == 1
