"""Tasks that SQS moves messages by: when one can do what is asked, and how it is followed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from gateway.aws.account import SqsAccount
from gateway.aws.address import read_address
from gateway.aws.faults import CallError, refusal
from gateway.errors import NotFoundError
from gateway.replay.dlq.filters import LetterFilter
from gateway.replay.dlq.moving import cancel, follow, last_task, task_can
from tests.unit.replay.dlq.queues import SetClock

ARN = "arn:aws:sqs:eu-west-1:123456789012:dead"
URL = "https://sqs.eu-west-1.amazonaws.com/123456789012/dead"


class Tasks:
    """Answers each question for tasks with the next of some answers."""

    def __init__(self, *answers: list[dict[str, Any]] | CallError) -> None:
        self.answers = list(answers)
        self.cancelled: list[str] = []

    async def call(self, operation: str, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        if operation == "CancelMessageMoveTask":
            self.cancelled.append(parameters["TaskHandle"])
            return {}
        answer = self.answers.pop(0)
        if isinstance(answer, CallError):
            raise answer
        return {"Results": answer}

    async def aclose(self) -> None: ...


def account_of(tasks: Tasks, clock: SetClock) -> SqsAccount:
    return SqsAccount(read_address(URL), tasks, clock)


def task(started_at_ms: int, status: str, moved: int = 0) -> dict[str, Any]:
    raw = {
        "Status": status,
        "StartedTimestamp": started_at_ms,
        "ApproximateNumberOfMessagesMoved": moved,
        "ApproximateNumberOfMessagesToMove": 9,
    }
    return raw | ({"TaskHandle": f"t{started_at_ms}"} if status == "RUNNING" else {})


@pytest.mark.parametrize(
    ("wanted", "limit", "rate", "can"),
    [
        (LetterFilter(), None, None, True),
        (LetterFilter(), None, 500.0, True),
        (LetterFilter(), None, 501.0, False),
        (LetterFilter(), None, 0.5, False),
        (LetterFilter(), 10, None, False),
        (LetterFilter(text="x"), None, None, False),
    ],
)
def test_a_task_can_do_only_all_at_a_whole_rate(
    wanted: LetterFilter, limit: int | None, rate: float | None, can: bool
) -> None:
    assert task_can(wanted, limit=limit, rate=rate) is can


async def test_a_task_is_followed_to_its_end_even_where_the_list_lags_behind() -> None:
    old, clock = task(1, "COMPLETED", 5), SetClock()
    tasks = Tasks([old], [task(2, "RUNNING", 3), old], [task(2, "COMPLETED", 9), old])
    told: list[int] = []
    done = await follow(
        account_of(tasks, clock),
        ARN,
        after_ms=1,
        clock=clock,
        told=lambda one: told.append(one.moved),
    )
    assert (done.status, done.moved, told) == ("COMPLETED", 9, [3, 9])


async def test_only_a_running_task_is_cancelled() -> None:
    clock = SetClock()
    running = Tasks([task(2, "RUNNING", 3)])
    assert (await cancel(account_of(running, clock), ARN)).moved == 3
    assert running.cancelled == ["t2"]
    for tasks in (Tasks([task(2, "COMPLETED")]), Tasks([])):
        with pytest.raises(NotFoundError):
            await cancel(account_of(tasks, clock), ARN)


async def test_a_server_without_tasks_has_none() -> None:
    tasks = Tasks(refusal(400, "InvalidAction", "no"))
    assert await last_task(account_of(tasks, SetClock()), ARN) is None
