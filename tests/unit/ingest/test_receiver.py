from __future__ import annotations

from collections.abc import Mapping, Sequence

import orjson
import pytest

from gateway.aws.queue import Message
from gateway.errors import QueueUnavailableError, StoreUnavailableError
from gateway.ingest.receiver import Receiver
from gateway.model import Arrival, Envelope, Origin, Owed, Unreadable, Verdict
from tests.support.clock import FakeClock


class FakeQueue:
    def __init__(self, messages: Sequence[Message] = ()) -> None:
        self.messages = list(messages)
        self.deleted: list[str] = []
        self.extended: list[tuple[str, int]] = []
        self.fault: QueueUnavailableError | None = None

    async def receive(
        self, max_messages: int = 10, wait_s: int = 20, visibility_s: int | None = None
    ) -> Sequence[Message]:
        if self.fault:
            raise self.fault
        taken, self.messages = self.messages[:max_messages], self.messages[max_messages:]
        return taken

    async def delete(self, handles: Sequence[str]) -> Sequence[str]:
        if self.fault:
            raise self.fault
        self.deleted.extend(handles)
        return []

    async def extend(self, handles: Sequence[str], visibility_s: int) -> Sequence[str]:
        self.extended.extend((handle, visibility_s) for handle in handles)
        return []

    async def send(self, bodies: Sequence[str]) -> None: ...

    async def attributes(self) -> Mapping[str, str]:
        return {}

    async def aclose(self) -> None: ...


class FakeInbox:
    def __init__(self) -> None:
        self.batches: list[Sequence[Arrival | Unreadable]] = []
        self.fault: Exception | None = None

    async def accept(self, batch: Sequence[Arrival | Unreadable]) -> Sequence[Verdict]:
        if self.fault:
            raise self.fault
        self.batches.append(batch)
        return [
            Verdict.QUARANTINED if isinstance(one, Unreadable) else Verdict.ACCEPTED
            for one in batch
        ]


class Recorder:
    def __init__(self) -> None:
        self.seen: list[tuple[object, ...]] = []

    def received(self, count: int) -> None:
        self.seen.append(("received", count))

    def stored(self, arrival: Arrival | Unreadable, verdict: Verdict) -> None:
        self.seen.append(("stored", verdict))

    def deleted(self, count: int) -> None:
        self.seen.append(("deleted", count))

    def failed(self, reason: str) -> None:
        self.seen.append(("failed", reason))


def message(number: int, body: str | None = None) -> Message:
    if body is None:
        body = orjson.dumps(
            {
                "NotificationType": "ORDER_CHANGE",
                "PayloadVersion": "1.0",
                "Payload": {"OrderChangeNotification": {"SellerId": "S1"}},
                "NotificationMetadata": {"NotificationId": f"n{number}"},
            }
        ).decode()
    return Message(
        id=f"m{number}", receipt_handle=f"r{number}", body=body, receive_count=1, sent_at_ms=None
    )


def receiver(queue: FakeQueue, inbox: FakeInbox, recorder: Recorder) -> Receiver:
    def owed(envelope: Envelope) -> Sequence[Owed]:
        return [Owed(handler="h")]

    return Receiver(
        queue,
        inbox,
        owed,
        source="q",
        wait_s=20,
        visibility_s=120,
        clock=FakeClock(),
        recorder=recorder,
    )


async def through(stage: Receiver, room: int = 10) -> None:
    claims = await stage.claim(room)
    await stage.settle([await stage.work(item) for item in claims.items])


async def test_a_message_is_deleted_after_it_is_committed() -> None:
    queue, inbox = FakeQueue([message(1), message(2, "no json")]), FakeInbox()
    recorder = Recorder()
    await through(receiver(queue, inbox, recorder))
    [[arrival, unreadable]] = inbox.batches
    assert isinstance(arrival, Arrival)
    assert (arrival.envelope.identity, arrival.origin) == ("n1", Origin.SQS)
    assert arrival.message_id == "m1"
    assert [one.handler for one in arrival.owed] == ["h"]
    assert isinstance(unreadable, Unreadable)
    assert unreadable.body == b"no json"
    assert unreadable.message_id == "m2"
    assert queue.deleted == ["r1", "r2"]
    assert recorder.seen == [
        ("received", 2),
        ("stored", Verdict.ACCEPTED),
        ("stored", Verdict.QUARANTINED),
        ("deleted", 2),
    ]


async def test_nothing_is_deleted_when_the_store_is_away() -> None:
    queue, inbox = FakeQueue([message(1)]), FakeInbox()
    inbox.fault = StoreUnavailableError("disk full")
    with pytest.raises(StoreUnavailableError):
        await through(receiver(queue, inbox, Recorder()))
    assert queue.deleted == []


async def test_a_failed_delete_is_no_failure_of_the_batch() -> None:
    queue, inbox, recorder = FakeQueue([message(1)]), FakeInbox(), Recorder()
    stage = receiver(queue, inbox, recorder)
    claims = await stage.claim(10)
    queue.fault = QueueUnavailableError("throttled", reason="throttled")
    await stage.settle([await stage.work(item) for item in claims.items])
    assert len(inbox.batches) == 1
    assert ("failed", "throttled") in recorder.seen


async def test_room_bounds_a_receive() -> None:
    queue = FakeQueue([message(number) for number in range(10)])
    stage = receiver(queue, FakeInbox(), Recorder())
    assert len((await stage.claim(3)).items) == 3


async def test_a_full_receive_says_that_more_may_wait() -> None:
    queue = FakeQueue([message(number) for number in range(12)])
    stage = receiver(queue, FakeInbox(), Recorder())
    assert (await stage.claim(50)).more
    assert not (await stage.claim(50)).more


async def test_release_makes_messages_visible_and_extend_hides_them() -> None:
    queue = FakeQueue()
    stage = receiver(queue, FakeInbox(), Recorder())
    await stage.extend([message(1)])
    await stage.release([message(2)])
    assert queue.extended == [("r1", 120), ("r2", 0)]


async def test_a_text_that_is_no_utf8_is_quarantined() -> None:
    queue, inbox = FakeQueue([message(1, "\ud800")]), FakeInbox()
    await through(receiver(queue, inbox, Recorder()))
    [[unreadable]] = inbox.batches
    assert isinstance(unreadable, Unreadable)


async def test_what_a_replay_of_eventbridge_brought_says_so() -> None:
    frame = {
        "detail-type": "ORDER_CHANGE",
        "source": "aws.partner/sellingpartnerapi.amazon.com",
        "replay-name": "night",
        "detail": orjson.loads(message(1).body),
    }
    queue, inbox = FakeQueue([message(1, orjson.dumps(frame).decode())]), FakeInbox()
    await through(receiver(queue, inbox, Recorder()))
    [[arrival]] = inbox.batches
    assert isinstance(arrival, Arrival)
    assert (arrival.envelope.identity, arrival.envelope.replay_name) == ("n1", "night")
    assert arrival.origin == Origin.EVENTBRIDGE_REPLAY
