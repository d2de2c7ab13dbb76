"""A redrive that is killed halfway: no message is lost, and the gateway knows the repeats."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.emulators import ministack_server
from tests.support.truth import assert_complete
from tests.support.world import World, numbered, open_world, pricing_health, undescribed

pytestmark = [pytest.mark.acceptance]

HOLD_S = 10
CHUNK = 100

# The command as it is, but for SIGKILL before the n-th call of one method of the queue's.
KILLED = """
import os, signal, sys
from gateway.aws.letters import LetterQueue
from gateway.cli.app import main

method, left = sys.argv[1], int(sys.argv[2])
called = getattr(LetterQueue, method)

async def killing(*arguments, **options):
    global left
    left -= 1
    if left < 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return await called(*arguments, **options)

setattr(LetterQueue, method, killing)
sys.argv[1:] = sys.argv[3:]
main()
"""


@pytest.fixture
def sqs_url(request: pytest.FixtureRequest) -> Iterator[str | None]:
    if request.param == "local":
        yield None
        return
    with ministack_server() as url:
        yield url


async def attributes(world: World, url: str) -> dict[str, str]:
    answer = await world.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])
    return dict(answer["Attributes"])


async def depth(world: World, url: str) -> tuple[int, int]:
    """Messages that are visible, and in flight."""
    found = await attributes(world, url)
    return (
        int(found["ApproximateNumberOfMessages"]),
        int(found["ApproximateNumberOfMessagesNotVisible"]),
    )


async def dead_letter_queue(world: World, bodies: list[str]) -> str:
    """Give the world's queue a dead-letter queue that is full already; return its URL."""
    made = await world.sqs.create_queue(QueueName=f"{world.queue_url.rpartition('/')[2][:70]}-dead")
    url = str(made["QueueUrl"])
    arn = (await attributes(world, url))["QueueArn"]
    policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": "100"})
    await world.sqs.set_queue_attributes(
        QueueUrl=world.queue_url, Attributes={"RedrivePolicy": policy}
    )
    main, world.queue_url = world.queue_url, url
    await world.send(bodies)
    world.queue_url = main
    return url


async def killed(world: World, method: str, calls: int, *command: str) -> None:
    """Run a command that is killed before its call number `calls`, and wait out the hold."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", KILLED, method, str(calls), *command,
        "--config", str(world.folder.config), "--json",
        env={**world.folder.environ(), "PYTHONPATH": str(Path(__file__).parents[2])},
        cwd=world.folder.folder,
    )  # fmt: skip
    async with asyncio.timeout(120):
        assert await process.wait() == -signal.SIGKILL


async def nothing_in_flight(world: World, url: str) -> None:
    async with asyncio.timeout(120):
        while (await depth(world, url))[1]:
            await asyncio.sleep(0.2)


def cli(world: World, *command: str) -> Any:
    return asyncio.to_thread(world.folder.cli, *command)


async def stored_identities(world: World) -> list[str]:
    found, after = [], ()
    while True:
        page = await cli(world, "notifications", "list", "--limit", "1000", *after)
        found += [each["identity"] for each in page["items"]]
        if page["next_cursor"] is None:
            return found
        after = ("--after", page["next_cursor"])


# Each call to ministack walks all its messages, so it gets fewer.
@pytest.mark.parametrize(
    ("sqs_url", "messages"),
    [
        ("local", 1_500),
        ("ministack", 1_500),
        pytest.param("local", 10_000, marks=pytest.mark.soak),
    ],
    indirect=["sqs_url"],
)
async def test_a_redrive_killed_halfway_loses_nothing(
    tmp_path: Path, sqs_url: str | None, messages: int
) -> None:
    ids = list(numbered("n", messages))
    meant, others = [one for at, one in enumerate(ids) if at % 3], ids[::3]
    bodies = [pricing_health(one) if at % 3 else undescribed(one) for at, one in enumerate(ids)]
    async with open_world(tmp_path, sqs_url=sqs_url) as world:
        dead = await dead_letter_queue(world, bodies)
        redrive = ("dlq", "redrive", dead, "--type", "PRICING_HEALTH")
        short = ("--hold", str(HOLD_S))
        await killed(world, "send", messages // CHUNK // 4, *redrive, *short)
        await nothing_in_flight(world, dead)
        await killed(world, "delete", messages // CHUNK // 4, *redrive, *short)
        await nothing_in_flight(world, dead)
        halfway = (await depth(world, world.queue_url))[0]
        assert messages // 4 < halfway < len(meant)

        moved = await cli(world, *redrive)
        assert moved["looked_at"] == moved["moved"] + len(others)
        in_queue, _ = await depth(world, world.queue_url)
        repeats = in_queue - len(meant)
        assert 0 < repeats <= CHUNK
        left = await cli(world, "dlq", "peek", dead, "--limit", str(messages))
        assert sorted(each["identity"] for each in left["items"]) == others
        assert await depth(world, dead) == (len(others), 0)

        world.add_endpoint("/hook")
        gateway = world.folder.start()
        try:
            await gateway.ready()
            received = world.receiver.received["/hook"]
            await received.wait_for(
                lambda got: len(got.events_of) >= len(meant), timeout_s=200, what="every event"
            )
            async with asyncio.timeout(60):
                while await depth(world, world.queue_url) != (0, 0):
                    await asyncio.sleep(0.2)
            assert_complete(received, meant)
            assert await gateway.terminate() == 0, gateway.tail()
        finally:
            gateway.stop()
        assert sorted(await stored_identities(world)) == meant
