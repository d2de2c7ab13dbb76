"""The simulator as a whole: what it says of itself, and starting and stopping it."""

import asyncio
import json

import pytest

from gateway.simulator.server import Simulator, serve


async def test_it_describes_where_everything_is_and_what_opens_it(simulator):
    described = simulator.describe()
    assert set(described) == {"spapi", "lwa", "sqs", "queue_urls", "applications", "sellers"}
    assert described["lwa"] == described["spapi"] + "/auth/o2/token"
    assert described["queue_urls"] == [described["sqs"] + "/000000000000/a"]
    assert set(described["applications"][0]) == {"id", "client_id", "client_secret"}
    assert set(described["sellers"][0]) == {"id", "region", "refresh_token"}
    json.dumps(described)


async def test_serving_says_when_it_is_ready_and_ends_when_told():
    stop, ready = asyncio.Event(), asyncio.Queue()
    running = asyncio.create_task(serve(Simulator(queues=["q"]), ready=ready.put_nowait, stop=stop))
    described = await asyncio.wait_for(ready.get(), 5)
    port = int(described["spapi"].rpartition(":")[2])
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.close()
    await writer.wait_closed()
    stop.set()
    await asyncio.wait_for(running, 5)
    with pytest.raises(OSError, match="onnect"):
        await asyncio.open_connection("127.0.0.1", port)


async def test_a_port_that_is_taken_is_refused(simulator):
    port = int(simulator.spapi_url.rpartition(":")[2])
    with pytest.raises(OSError, match="in use"):
        async with Simulator(port=port):
            pass
