"""Where notifications leave to: the local queues, or queues of an SQS elsewhere.

A queue that is not among the local ones is looked for at the other SQS, if there is one. Nothing
waits for that: what it refuses is lost with a word in the log, as Amazon loses it silently.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import structlog

from gateway.aws.factory import open_queue
from gateway.errors import InvalidInputError, QueueUnavailableError
from gateway.simulator.sqs.errors import SqsError

if TYPE_CHECKING:
    from gateway.aws.credentials import CredentialSource
    from gateway.aws.queue import MessageQueue
    from gateway.simulator.sqs.service import LocalSqs

_log: structlog.stdlib.BoundLogger = structlog.get_logger("gateway.simulator")


class LocalOutlet:
    """Sends to local queues by ARN."""

    def __init__(self, sqs: LocalSqs) -> None:
        self._sqs = sqs

    def send(self, arn: str, body: str) -> bool:
        """See `Outlet`."""
        queue = self._sqs.queues.by_arn(arn)
        if queue is None:
            return False
        try:
            self._sqs.send(queue.name, body)
        except SqsError:
            return False
        return True


class RemoteOutlet:
    """Sends to local queues, and what is not for them to an SQS elsewhere.

    Args:
        local: The local queues.
        endpoint_url: Where the other SQS is.
        credentials: What its requests are signed with; AWS's own chain unless given.
    """

    def __init__(
        self,
        local: LocalOutlet,
        *,
        endpoint_url: str,
        credentials: CredentialSource | None = None,
    ) -> None:
        self._local = local
        self._endpoint_url = endpoint_url.rstrip("/")
        self._credentials = credentials
        self._waiting: asyncio.Queue[tuple[str, str]] = asyncio.Queue()
        self._queues: dict[str, MessageQueue] = {}

    def send(self, arn: str, body: str) -> bool:
        """See `Outlet`; a body for elsewhere is taken, and sent as soon as may be."""
        if not self._local.send(arn, body):
            self._waiting.put_nowait((arn, body))
        return True

    async def run(self) -> None:
        """Send what waits, in its order, until cancelled."""
        try:
            while True:
                arn, body = await self._waiting.get()
                try:
                    await self._queue(arn).send([body])
                except (QueueUnavailableError, InvalidInputError) as exc:
                    _log.warning("notification lost", reason=str(exc))
        finally:
            for queue in self._queues.values():
                await queue.aclose()

    def _queue(self, arn: str) -> MessageQueue:
        queue = self._queues.get(arn)
        if queue is None:
            _, _, _, region, account, name = arn.split(":", 5)
            queue = self._queues[arn] = open_queue(
                f"{self._endpoint_url}/{account}/{name}",
                region=region,
                endpoint_url=self._endpoint_url,
                credentials=self._credentials,
            )
        return queue
