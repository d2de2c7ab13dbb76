"""Check `queues`: do the queues stand, may Amazon send to them, and may we receive from them?

What stands in the account is judged by `gateway.aws.provisioning`, as by `gateway aws check`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from gateway.aws.provisioning.checks import check
from gateway.aws.provisioning.clients import AwsRefusedError
from gateway.aws.provisioning.reading import account_of, read_in_part
from gateway.aws.provisioning.wanted import Wanted
from gateway.doctor.kinds import found, well
from gateway.findings import Finding

if TYPE_CHECKING:
    from gateway.aws.provisioning.clients import Clients
    from gateway.aws.provisioning.found import Found
    from gateway.clock import Clock
    from gateway.doctor.check import Before

BACKLOG: Final = 10_000
"""So many messages that wait are told of."""

OLD_S: Final = 900.0
"""A message that waits for longer is told of: the gateway takes what comes within seconds."""

_REFUSALS: Final = {"credentials": "aws.credentials", "denied": "aws.denied"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Aim:
    """A queue of the settings.

    Attributes:
        account: Twelve digits, where its URL says so.
        endpoint: Where SQS is, instead of at AWS.
    """

    url: str
    name: str
    region: str | None
    account: str | None
    endpoint: str | None

    @property
    def subject(self) -> str:
        """What findings about it are about."""
        return f"queue {self.name}"


MakeClients = Callable[[str | None, str | None], "Clients"]
"""Region and address of SQS, either of them as AWS's own configuration has it where None."""


class QueuesCheck:
    """See the module."""

    name: str = "queues"
    needs: Sequence[str] = ()

    def __init__(self, aims: Sequence[Aim], make_clients: MakeClients, clock: Clock) -> None:
        self._aims = aims
        self._clock = clock
        self._make_clients = make_clients

    async def look(self, before: Before) -> AsyncGenerator[Finding]:  # noqa: ARG002 see `Check`
        """See `Check`."""
        if not self._aims:
            yield found("queue.none", "settings", "name no queue")
        now_ms = self._clock.now_ms()
        looks = (asyncio.to_thread(_judged, aim, self._make_clients, now_ms) for aim in self._aims)
        for findings in await asyncio.gather(*looks):
            for one in findings:
                yield one


def wanted_of(aim: Aim, clients: Clients) -> Wanted:
    """Return what should stand in the account for a queue.

    Raises:
        AwsRefusedError: The account can't be told.
    """
    account = aim.account or account_of(clients)[0]
    return Wanted(queue=aim.name, region=clients.region or "", account=account)


def refused(aim: Aim, exc: AwsRefusedError) -> Finding:
    """Return what it means that AWS refuses to show a queue."""
    kind = _REFUSALS.get(exc.reason, "aws.unreachable")
    return found(kind, aim.subject, f"can't be looked at: {exc}")


def _judged(aim: Aim, make_clients: MakeClients, now_ms: int) -> Sequence[Finding]:
    try:
        clients = make_clients(aim.region, aim.endpoint)
        if clients.region is None:
            return [found("queue.no_region", aim.subject, f"at {aim.url} has no region")]
        wanted = wanted_of(aim, clients)
        there = read_in_part(clients, wanted, aim.url)
    except AwsRefusedError as exc:
        return [refused(aim, exc)]
    return [*check(wanted, there), *_of_depth(there), *_of_age(aim, clients, now_ms)]


def _of_age(aim: Aim, clients: Clients, now_ms: int) -> Iterator[Finding]:
    """Judge the age of the oldest message, which CloudWatch alone knows.

    Elsewhere than at AWS there is none, and where it is not shown the depth has to do.
    """
    if aim.endpoint is not None:
        return
    now = datetime.fromtimestamp(now_ms / 1000, UTC)
    try:
        answer = clients.call(
            "cloudwatch",
            "get_metric_statistics",
            Namespace="AWS/SQS",
            MetricName="ApproximateAgeOfOldestMessage",
            Dimensions=[{"Name": "QueueName", "Value": aim.name}],
            StartTime=now - timedelta(minutes=10),
            EndTime=now,
            Period=60,
            Statistics=["Maximum"],
        )
    except AwsRefusedError:
        return
    points = sorted(answer.get("Datapoints") or (), key=lambda one: one["Timestamp"])
    if not points:
        return
    age_s = float(points[-1]["Maximum"])
    what = f"holds a message that is {age_s:,.0f} s old"
    if age_s >= OLD_S:
        yield found("queue.old_messages", aim.subject, what)
    else:
        yield well("queues", aim.subject, what)


def _of_depth(there: Found) -> Iterator[Finding]:
    queue, dead = there.queue, there.dead_letter
    if queue is None:
        return
    waiting, held = queue.waiting, queue.messages - queue.waiting
    subject, what = f"queue {queue.name}", f"holds {waiting} messages, and {held} are in hand"
    if waiting >= BACKLOG:
        yield found("queue.backlog", subject, what)
    else:
        yield well("queues", subject, what)
    if dead is not None and dead.messages:
        what = f"holds {dead.messages} messages that could not be stored"
        yield found("queue.dead_letters", f"queue {dead.name}", what, url=dead.url)
