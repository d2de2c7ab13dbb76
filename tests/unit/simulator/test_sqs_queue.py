"""The state of one queue, with the clock in the test's hand."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from gateway.simulator.sqs.attributes import parse_attributes
from gateway.simulator.sqs.errors import SqsError
from gateway.simulator.sqs.messages import Message, new_message_id
from gateway.simulator.sqs.queue import Depth, Queue
from tests.support.clock import FakeClock

HIDE_MS = 30_000


def _queue(clock: FakeClock, **attributes: str) -> Queue:
    fifo = attributes.get("FifoQueue") == "true"
    return Queue("q", "arn:q", parse_attributes(attributes, fifo_name=fifo), clock=clock)


def _message(number: int, clock: FakeClock, group: str | None = None) -> Message:
    return Message(
        number=number,
        id=new_message_id(),
        body=f"body {number}",
        body_md5="",
        sent_at_ms=clock.now_ms(),
        group=group,
    )


def _never_bury(_queue: Queue, _message: Message) -> bool:
    return False


def _receive(queue: Queue, limit: int = 10, visibility_ms: int = HIDE_MS) -> list[Message]:
    return list(queue.receive(limit, visibility_ms=visibility_ms, bury=_never_bury))


def test_a_received_message_hides_until_its_timeout_ends():
    clock = FakeClock()
    queue = _queue(clock)
    queue.put(_message(1, clock))
    assert [message.number for message in _receive(queue)] == [1]
    assert _receive(queue) == []
    assert queue.next_due_ms() == clock.now_ms() + HIDE_MS
    clock.advance(HIDE_MS / 1000 - 0.001)
    assert _receive(queue) == []
    clock.advance(0.001)
    assert [message.receives for message in _receive(queue)] == [2]


def test_a_delayed_message_is_counted_apart_and_comes_when_due():
    clock = FakeClock()
    queue = _queue(clock)
    queue.put(_message(1, clock), delay_ms=5_000)
    assert queue.depth() == Depth(visible=0, in_flight=0, delayed=1)
    clock.advance(5)
    assert queue.depth() == Depth(visible=1, in_flight=0, delayed=0)


def test_only_the_latest_handle_deletes():
    clock = FakeClock()
    queue = _queue(clock)
    queue.put(_message(1, clock))
    first = queue.handle_of(_receive(queue)[0])
    clock.advance(HIDE_MS / 1000)
    second = queue.handle_of(_receive(queue)[0])
    queue.delete(first)
    assert queue.depth().in_flight == 1
    queue.delete(second)
    assert queue.depth() == Depth(visible=0, in_flight=0, delayed=0)
    queue.delete(second)


def test_an_expired_handle_still_deletes_what_nobody_received_since():
    clock = FakeClock()
    queue = _queue(clock)
    queue.put(_message(1, clock))
    handle = queue.handle_of(_receive(queue)[0])
    clock.advance(HIDE_MS / 1000)
    assert queue.depth().visible == 1
    queue.delete(handle)
    assert queue.depth().visible == 0
    assert _receive(queue) == []


@pytest.mark.parametrize("handle", ["", "nonsense", "a.b.c", "AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a"])
def test_a_handle_of_another_queue_is_refused(handle):
    with pytest.raises(SqsError) as raised:
        _queue(FakeClock()).delete(handle)
    assert raised.value.shape == "ReceiptHandleIsInvalid"


def test_a_handle_with_the_queues_tag_and_garbage_behind_is_refused():
    clock = FakeClock()
    queue = _queue(clock)
    queue.put(_message(1, clock))
    tag = queue.handle_of(_receive(queue)[0]).partition(".")[0]
    with pytest.raises(SqsError):
        queue.delete(f"{tag}.x.y")


def test_hiding_longer_moves_the_end_and_zero_shows_at_once():
    clock = FakeClock()
    queue = _queue(clock)
    queue.put(_message(1, clock))
    handle = queue.handle_of(_receive(queue)[0])
    queue.hide(handle, 60_000)
    clock.advance(59)
    assert queue.depth().in_flight == 1
    queue.hide(handle, 0)
    assert queue.depth() == Depth(visible=1, in_flight=0, delayed=0)
    with pytest.raises(SqsError) as raised:
        queue.hide(handle, 10_000)
    assert raised.value.shape == "MessageNotInflight"


def test_a_message_past_its_retention_is_gone():
    clock = FakeClock()
    queue = _queue(clock, MessageRetentionPeriod="60")
    queue.put(_message(1, clock))
    clock.advance(60)
    assert _receive(queue) == []
    assert queue.depth().visible == 0


def test_purge_drops_everything_and_only_once_a_minute():
    clock = FakeClock()
    queue = _queue(clock)
    for number in range(3):
        queue.put(_message(number, clock), delay_ms=number * 1_000)
    handle = queue.handle_of(_receive(queue)[0])
    queue.purge()
    assert queue.depth() == Depth(visible=0, in_flight=0, delayed=0)
    queue.delete(handle)
    clock.advance(59)
    with pytest.raises(SqsError, match="60 seconds"):
        queue.purge()
    clock.advance(1)
    queue.purge()


def test_a_message_received_too_often_is_given_up_instead():
    clock = FakeClock()
    policy = '{"deadLetterTargetArn": "arn:d", "maxReceiveCount": 2}'
    queue = _queue(clock, RedrivePolicy=policy)
    queue.put(_message(1, clock))
    buried = []

    def bury(_source: Queue, message: Message) -> bool:
        buried.append(message.number)
        return True

    for _ in range(2):
        assert len(queue.receive(1, visibility_ms=0, bury=bury)) == 1
    assert queue.receive(1, visibility_ms=0, bury=bury) == []
    assert buried == [1]
    assert queue.depth() == Depth(visible=0, in_flight=0, delayed=0)


def test_hidden_entries_of_deleted_messages_do_not_pile_up():
    clock = FakeClock()
    queue = _queue(clock)
    for number in range(10_000):
        queue.put(_message(number, clock))
        queue.delete(queue.handle_of(_receive(queue)[0]))
    assert len(queue._hidden) < 2_000


def test_groups_keep_their_order_and_wait_for_what_is_in_flight():
    clock = FakeClock()
    queue = _queue(clock, FifoQueue="true")
    for number, group in enumerate("aabab"):
        queue.put(_message(number, clock, group))
    first = _receive(queue, 2)
    assert [message.number for message in first] == [0, 1]
    assert [message.number for message in _receive(queue, 10)] == [2, 4]
    assert _receive(queue) == []
    for message in first:
        queue.delete(queue.handle_of(message))
    assert [message.number for message in _receive(queue)] == [3]


def test_a_group_comes_back_in_order_after_the_timeout():
    clock = FakeClock()
    queue = _queue(clock, FifoQueue="true")
    for number in range(3):
        queue.put(_message(number, clock, "a"))
    handle = queue.handle_of(_receive(queue, 2)[0])
    clock.advance(HIDE_MS / 1000)
    assert queue.depth().visible == 3
    with pytest.raises(SqsError, match="expired"):
        queue.delete(handle)
    assert [message.number for message in _receive(queue)] == [0, 1, 2]


class QueueMachine(RuleBasedStateMachine):
    """Whatever is done in whatever order, every message is in exactly one place."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = FakeClock()
        self.queue = self.make()
        self.sent = 0
        self.deleted: set[int] = set()
        self.handles: dict[str, int] = {}

    def make(self) -> Queue:
        return _queue(self.clock)

    @rule(delay_s=st.sampled_from([0, 0, 7]), group=st.sampled_from("ab"))
    def send(self, delay_s, group):
        self.sent += 1
        self.queue.put(_message(self.sent, self.clock, group), delay_ms=delay_s * 1_000)

    @rule(limit=st.integers(1, 10), visibility_s=st.sampled_from([0, 5, 30]))
    def receive(self, limit, visibility_s):
        for message in _receive(self.queue, limit, visibility_s * 1_000):
            assert message.number not in self.deleted
            self.handles[self.queue.handle_of(message)] = message.number

    @precondition(lambda self: self.handles)
    @rule(data=st.data())
    def delete(self, data):
        handle = data.draw(st.sampled_from(sorted(self.handles)))
        before = self._held()
        try:
            self.queue.delete(handle)
        except SqsError:
            return
        if self._held() < before:
            self.deleted.add(self.handles[handle])

    @precondition(lambda self: self.handles)
    @rule(data=st.data(), timeout_s=st.sampled_from([0, 3, 50]))
    def hide(self, data, timeout_s):
        handle = data.draw(st.sampled_from(sorted(self.handles)))
        try:
            self.queue.hide(handle, timeout_s * 1_000)
        except SqsError as exc:
            assert exc.shape == "MessageNotInflight"  # noqa: PT017

    @rule(delay_s=st.sampled_from([1, 6, 40]))
    def wait(self, delay_s):
        self.clock.advance(delay_s)

    @invariant()
    def nothing_is_lost_or_doubled(self):
        assert self._held() == self.sent - len(self.deleted)

    def teardown(self):
        """In the end every message that was not deleted comes out, once."""
        self.clock.advance(100)
        left = []
        while batch := _receive(self.queue):
            left += [message.number for message in batch]
            for message in batch:
                self.queue.delete(self.queue.handle_of(message))
        assert sorted(left) == sorted(set(range(1, self.sent + 1)) - self.deleted)

    def _held(self) -> int:
        depth = self.queue.depth()
        assert min(depth.visible, depth.in_flight, depth.delayed) >= 0
        return depth.visible + depth.in_flight + depth.delayed


class FifoMachine(QueueMachine):
    def make(self) -> Queue:
        return _queue(self.clock, FifoQueue="true")


TestStandard = QueueMachine.TestCase
TestFifo = FifoMachine.TestCase
for case in (TestStandard, TestFifo):
    case.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
