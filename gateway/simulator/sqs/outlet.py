"""The local queues as the place where the simulator's notifications go."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.simulator.sqs.errors import SqsError

if TYPE_CHECKING:
    from gateway.simulator.sqs.service import LocalSqs


class LocalOutlet:
    """Sends to local queues by ARN."""

    def __init__(self, sqs: LocalSqs) -> None:
        self._sqs = sqs

    def send(self, arn: str, body: str) -> bool:
        """Put a body into the queue of this ARN; False where there is none, or it refuses it."""
        queue = self._sqs.queues.by_arn(arn)
        if queue is None:
            return False
        try:
            self._sqs.send(queue.name, body)
        except SqsError:
            return False
        return True
