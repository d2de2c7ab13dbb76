"""The queues of one account and region, and the tasks that move messages between them.

It decides how a queue is found by its name and which queues give their dead letters to another. It
never receives a message. Facts: "Amazon SQS API Reference".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gateway.aws.address import QueueAddress, read_address
from gateway.aws.calls import SqsCalls, Transport
from gateway.aws.letters import LetterQueue
from gateway.clock import Clock
from gateway.errors import NotFoundError, QueueUnavailableError

_PAGE = 1_000
_TASKS_KEPT = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveTask:
    """A move that SQS makes by itself.

    Attributes:
        handle: What cancels it; SQS gives it only while the task runs.
        status: `RUNNING`, `COMPLETED`, `CANCELLING`, `CANCELLED` or `FAILED`.
        moved: So many so far; approximate.
        to_move: So many at the start, or None where SQS doesn't say.
        target_arn: None: each message goes where it came from.
        rate: Messages a second, or None where SQS chooses.
    """

    handle: str | None
    status: str
    moved: int
    to_move: int | None
    target_arn: str | None
    rate: int | None
    started_at_ms: int | None
    failure: str | None


class SqsAccount:
    """What can be asked beside a queue; every method raises `QueueUnavailableError`."""

    def __init__(self, address: QueueAddress, transport: Transport, clock: Clock) -> None:
        self._address = address
        self._transport = transport
        self._clock = clock

    def queue(self, url: str) -> LetterQueue:
        """Return a queue of this region; nothing is sent.

        Raises:
            InvalidInputError: The URL is none, or one of another region.
        """
        address = read_address(
            url, region=self._address.region, endpoint_url=self._address.endpoint, fifo=True
        )
        return LetterQueue(address, self._calls(url))

    async def url_of(self, name: str) -> str:
        """Return the URL of a queue by name.

        Raises:
            NotFoundError: The account has no such queue in this region.
        """
        try:
            answer = await self._calls(name).call("GetQueueUrl", {"QueueName": name})
        except QueueUnavailableError as exc:
            if exc.reason == "missing":
                raise NotFoundError(
                    f"there is no queue {name} in {self._address.region}; give its URL"
                ) from exc
            raise
        return str(answer["QueueUrl"])

    async def urls(self) -> Sequence[str]:
        """Return the URL of every queue of the account in this region."""
        return await self._pages("ListQueues", {}, "QueueUrls")

    async def sources_of(self, url: str) -> Sequence[str]:
        """Return the URLs of the queues whose redrive policy names this one.

        A server that doesn't know the question is asked for each queue's policy instead.
        """
        try:
            return await self._pages("ListDeadLetterSourceQueues", {"QueueUrl": url}, "queueUrls")
        except QueueUnavailableError as exc:
            if exc.reason != "unsupported":
                raise
        arn = (await self.queue(url).facts()).arn
        return [
            each
            for each in await self.urls()
            if (await self.queue(each).facts()).dead_letter_arn == arn
        ]

    async def start_move(self, arn: str, *, target_arn: str | None, rate: int | None) -> str:
        """Let SQS move all messages of a dead-letter queue; return the task's handle."""
        parameters: dict[str, Any] = {"SourceArn": arn}
        if target_arn is not None:
            parameters["DestinationArn"] = target_arn
        if rate is not None:
            parameters["MaxNumberOfMessagesPerSecond"] = rate
        answer = await self._calls(arn).call("StartMessageMoveTask", parameters)
        return str(answer["TaskHandle"])

    async def moves(self, arn: str) -> Sequence[MoveTask]:
        """Return the last tasks of a dead-letter queue, the newest first."""
        parameters = {"SourceArn": arn, "MaxResults": _TASKS_KEPT}
        answer = await self._calls(arn).call("ListMessageMoveTasks", parameters)
        return [_task(raw) for raw in answer.get("Results") or ()]

    async def cancel_move(self, handle: str) -> None:
        """Stop a task; what it has moved stays moved."""
        parameters = {"TaskHandle": handle}
        await self._calls(self._address.url).call("CancelMessageMoveTask", parameters)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._transport.aclose()

    async def _pages(self, operation: str, parameters: Mapping[str, Any], key: str) -> list[str]:
        found: list[str] = []
        page: dict[str, Any] = {**parameters, "MaxResults": _PAGE}
        while True:
            answer = await self._calls(self._address.url).call(operation, page)
            found.extend(answer.get(key) or ())
            if not answer.get("NextToken"):
                return found
            page["NextToken"] = answer["NextToken"]

    def _calls(self, url: str) -> SqsCalls:
        return SqsCalls(url, self._transport, self._clock)


def _task(raw: Mapping[str, Any]) -> MoveTask:
    return MoveTask(
        handle=raw.get("TaskHandle"),
        status=str(raw.get("Status")),
        moved=int(raw.get("ApproximateNumberOfMessagesMoved") or 0),
        to_move=raw.get("ApproximateNumberOfMessagesToMove"),
        target_arn=raw.get("DestinationArn"),
        rate=raw.get("MaxNumberOfMessagesPerSecond"),
        started_at_ms=raw.get("StartedTimestamp"),
        failure=raw.get("FailureReason"),
    )
