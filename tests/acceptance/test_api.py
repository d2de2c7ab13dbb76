"""The HTTP API of a real process: a key by command, an event of one's own, delivered and pulled."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import aiohttp
import pytest
from standardwebhooks import Webhook

from tests.support.world import open_world, pause

pytestmark = pytest.mark.acceptance


async def test_an_event_of_ones_own_is_delivered_pulled_and_logged(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world, aiohttp.ClientSession() as session:
        key = world.folder.cli("keys", "create", "--scopes", "admin")["key"]
        endpoint = world.add_endpoint("/hook")
        process = world.folder.start()
        try:
            await process.ready()
            base = f"http://127.0.0.1:{process.port}/v1"

            async def call(method: str, path: str, body: Any = None) -> Any:
                headers = {"Authorization": f"Bearer {key}"}
                async with session.request(
                    method, base + path, json=body, headers=headers
                ) as answer:
                    assert answer.ok, await answer.text()
                    return await answer.json()

            async with session.get(f"{base}/endpoints") as refused:
                assert refused.status == 401
            pulled = await call("POST", "/endpoints", {"transport": "pull"})
            wanted = {"type": "order.packed", "data": {"order": {"order_id": "1-2"}}}
            published = await call("POST", "/events", wanted)
            assert published["deliveries"] == 1

            feed = f"/endpoints/{pulled['id']}/events"
            page = await call("GET", f"{feed}?wait_s=20")
            (item,) = page["items"]
            told = Webhook(pulled["secret"]).verify(item["body"], item["headers"])
            assert told["data"]["order"] == {"order_id": "1-2"}
            await call("POST", f"{feed}/ack", {"cursor": page["next_cursor"]})

            while not (delivery := await _delivered(call, endpoint["id"])):
                await pause(0.1)
            assert delivery["event_id"] == published["id"]
            log = [one["action"] for one in (await call("GET", "/audit"))["items"]]
            assert log[:2] == ["event.publish", "endpoint.create"]
            assert await process.terminate() == 0
            assert key not in process.tail(1_000_000)
        finally:
            process.stop()


async def _delivered(call: Any, endpoint_id: str) -> Any:
    found = await call("GET", f"/deliveries?endpoint_id={endpoint_id}&state=delivered")
    return found["items"][0] if found["items"] else None
