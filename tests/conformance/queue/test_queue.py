"""What every `MessageQueue` does, over each server and each adapter."""

from __future__ import annotations

import asyncio
import time

import pytest

from gateway.aws.factory import Adapter, open_queue
from gateway.aws.queue import Message, MessageQueue
from gateway.errors import QueueUnavailableError
from tests.conformance.queue.conftest import open_local

AWKWARD = [
    '{"NotificationType": "ORDER_CHANGE", "quote": "\\"", "path": "C:\\\\x"}',
    "naïve — 日本語 🛒 <&>'",
    "tab\tand\r\nlines",
    "x" * 70_000,
]


async def receive(queue: MessageQueue, count: int, *, within_s: float = 20) -> list[Message]:
    """Receive until `count` messages are there."""
    found: list[Message] = []
    async with asyncio.timeout(within_s):
        while len(found) < count:
            found += await queue.receive(10, 1)
    return found


async def test_messages_arrive_as_they_were_sent(queue: MessageQueue) -> None:
    before_ms = time.time_ns() // 1_000_000
    bodies = [f"body {number}" for number in range(23)] + AWKWARD
    await queue.send(bodies)
    messages = await receive(queue, len(bodies))
    assert sorted(message.body for message in messages) == sorted(bodies)
    assert len({message.id for message in messages}) == len(bodies)
    assert {message.receive_count for message in messages} == {1}
    for message in messages:
        assert message.sent_at_ms is not None
        assert before_ms - 2_000 <= message.sent_at_ms <= time.time_ns() // 1_000_000 + 2_000


async def test_receive_takes_no_more_than_asked_for(queue: MessageQueue) -> None:
    await queue.send(["a", "b", "c"])
    assert len(await queue.receive(1, 1)) == 1


async def test_an_empty_queue_gives_nothing(queue: MessageQueue) -> None:
    assert not await queue.receive(10, 0)


async def test_a_long_poll_ends_when_a_message_comes(queue: MessageQueue) -> None:
    async def send_later() -> None:
        await asyncio.sleep(0.3)
        await queue.send(["here"])

    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        poll = group.create_task(queue.receive(10, 20))
        group.create_task(send_later())
    assert [message.body for message in poll.result()] == ["here"]


async def test_long_polls_do_not_keep_other_calls_waiting(queue: MessageQueue) -> None:
    async with asyncio.TaskGroup() as group:
        polls = [group.create_task(queue.receive(1, 20)) for _ in range(12)]
        async with asyncio.timeout(10):
            assert await queue.attributes()
            await queue.send([str(number) for number in range(12)])
    assert sum(len(poll.result()) for poll in polls) == 12


async def test_deleted_messages_never_come_again(queue: MessageQueue) -> None:
    await queue.send([str(number) for number in range(25)])
    messages = await receive(queue, 25)
    gone, kept = messages[:24], messages[24]
    handles = [message.receipt_handle for message in gone]
    assert not await queue.delete([*handles, handles[0]])
    assert not await queue.extend([kept.receipt_handle], 0)
    assert [message.body for message in await receive(queue, 1)] == [kept.body]
    assert not await queue.receive(10, 0)


async def test_deleting_nothing_is_no_call(queue: MessageQueue) -> None:
    assert not await queue.delete([])
    assert not await queue.extend([], 30)
    await queue.send([])


async def test_a_bogus_handle_counts_as_deleted_but_not_as_extended(queue: MessageQueue) -> None:
    await queue.send(["a"])
    (message,) = await receive(queue, 1)
    assert not await queue.delete(["no-such-handle", message.receipt_handle])
    assert list(await queue.extend(["no-such-handle"], 30)) == ["no-such-handle"]


async def test_an_old_handle_is_no_error(queue: MessageQueue) -> None:
    await queue.send(["a"])
    (first,) = await receive(queue, 1)
    await queue.extend([first.receipt_handle], 0)
    (second,) = await receive(queue, 1)
    assert not await queue.delete([first.receipt_handle])
    assert not await queue.delete([second.receipt_handle])


async def test_a_message_given_back_comes_again_at_once_and_is_counted(queue: MessageQueue) -> None:
    await queue.send(["a"])
    (first,) = await receive(queue, 1)
    assert not await queue.receive(10, 0)
    assert not await queue.extend([first.receipt_handle], 0)
    (again,) = await receive(queue, 1)
    assert (again.id, again.body, again.receive_count) == (first.id, "a", 2)


async def test_visibility_of_a_receive_is_what_was_asked_for(queue: MessageQueue) -> None:
    await queue.send(["a"])
    (first,) = await queue.receive(10, 5, visibility_s=1)
    (again,) = await receive(queue, 1)
    assert again.id == first.id


async def test_extending_keeps_a_message_hidden(queue: MessageQueue) -> None:
    await queue.send(["a"])
    (first,) = await queue.receive(10, 5, visibility_s=1)
    assert not await queue.extend([first.receipt_handle], 30)
    assert not await queue.receive(10, 2)


async def test_attributes_are_told_by_amazons_names(queue: MessageQueue) -> None:
    attributes = await queue.attributes()
    assert attributes["VisibilityTimeout"] == "30"
    assert attributes["QueueArn"].startswith("arn:aws:sqs:us-east-1:")
    assert attributes["ApproximateNumberOfMessages"] == "0"


@pytest.mark.parametrize("call", ["receive", "delete", "send", "attributes"])
async def test_a_missing_queue_is_told_as_such(
    queue_url: str, endpoint: str, adapter: Adapter, call: str
) -> None:
    missing = open_local(f"{queue_url}-missing", endpoint, adapter)
    arguments = {"delete": [["handle"]], "send": [["body"]]}.get(call, [])
    with pytest.raises(QueueUnavailableError) as caught:
        await getattr(missing, call)(*arguments)
    assert caught.value.reason == "missing"
    assert f"{queue_url}-missing" in str(caught.value)
    assert "create the queue" in str(caught.value)
    await missing.aclose()


async def test_without_credentials_the_error_names_what_to_set(
    queue_url: str, endpoint: str, adapter: Adapter, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    queue = open_queue(queue_url, region="us-east-1", endpoint_url=endpoint, adapter=adapter)
    with pytest.raises(QueueUnavailableError, match="AWS_ACCESS_KEY_ID") as caught:
        await queue.receive(10, 0)
    assert caught.value.reason == "credentials"
    await queue.aclose()
