"""Letting SQS move all messages of a dead-letter queue by itself.

A task needs nothing of this process once it runs. It knows no filter and no more than 500 messages
a second where a rate is given, there is one for a queue at a time, and the queue must be the
dead-letter queue of another SQS queue ("StartMessageMoveTask", "Amazon SQS API Reference").
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from gateway.aws.account import MoveTask, SqsAccount
from gateway.clock import Clock
from gateway.errors import NotFoundError, QueueUnavailableError
from gateway.replay.dlq.filters import LetterFilter

MAX_RATE: Final = 500

_POLL_S: Final = 1.0
_UNDER_WAY: Final = frozenset({"RUNNING", "CANCELLING"})


def task_can(wanted: LetterFilter, *, limit: int | None, rate: float | None) -> bool:
    """Return whether a task of SQS's could do what is asked, sources apart."""
    whole = rate is None or (rate == int(rate) and 1 <= rate <= MAX_RATE)
    return wanted.everything and limit is None and whole


async def last_task(account: SqsAccount, arn: str) -> MoveTask | None:
    """Return the newest task of a queue; None too where the server knows no such tasks."""
    try:
        tasks = await account.moves(arn)
    except QueueUnavailableError as exc:
        if exc.reason == "unsupported":
            return None
        raise
    return tasks[0] if tasks else None


async def running_task(account: SqsAccount, arn: str) -> MoveTask | None:
    """Return the task that moves a queue's messages right now, if any."""
    task = await last_task(account, arn)
    return task if task is not None and task.status in _UNDER_WAY else None


async def cancel(account: SqsAccount, arn: str) -> MoveTask:
    """Cancel a queue's running task and return it as it was.

    Raises:
        NotFoundError: None runs.
    """
    task = await running_task(account, arn)
    if task is None or task.handle is None:
        raise NotFoundError(f"no task moves messages out of {arn}")
    await account.cancel_move(task.handle)
    return task


async def follow(
    account: SqsAccount,
    arn: str,
    *,
    after_ms: int | None,
    clock: Clock,
    told: Callable[[MoveTask], None],
) -> MoveTask:
    """Return a queue's newest task when it has ended.

    Args:
        account: Where it runs.
        arn: The dead-letter queue.
        after_ms: When the task before it started: the list may lag behind a start.
        clock: Waits between two questions.
        told: Called with the task after each.
    """
    while True:
        task = await last_task(account, arn)
        if task is not None and task.started_at_ms != after_ms:
            told(task)
            if task.status not in _UNDER_WAY:
                return task
        await clock.sleep(_POLL_S)
