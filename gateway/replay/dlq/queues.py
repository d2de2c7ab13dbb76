"""Which dead-letter queues there are, and which queues they serve."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from gateway.aws.account import SqsAccount
from gateway.aws.letters import QueueFacts
from gateway.errors import NotFoundError, QueueUnavailableError


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetterQueue:
    """A queue that other queues give their dead letters to, or that somebody named.

    Attributes:
        facts: None where the queue can't be reached; `fault` says why.
        sources: Names of the queues that are known to give it their dead letters.
    """

    name: str
    url: str | None
    facts: QueueFacts | None = None
    sources: Sequence[str] = field(default_factory=tuple)
    fault: str | None = None


async def dead_letter_queues(
    account: SqsAccount, urls: Iterable[str], *, themselves: bool
) -> Sequence[DeadLetterQueue]:
    """Return the dead-letter queues of the queues at `urls`.

    Args:
        account: Where they are.
        urls: Queues with redrive policies, or dead-letter queues.
        themselves: Whether a queue without a redrive policy is meant itself.
    """
    sources: dict[str, list[str]] = defaultdict(list)
    meant: list[DeadLetterQueue] = []
    for url in urls:
        queue = account.queue(url)
        facts = await queue.facts()
        if facts.dead_letter_arn is not None:
            sources[facts.dead_letter_arn].append(queue.name)
        elif themselves:
            names = [account.queue(each).name for each in await account.sources_of(url)]
            meant.append(DeadLetterQueue(name=queue.name, url=url, facts=facts, sources=names))
    return [*meant, *[await _found(account, arn, names) for arn, names in sources.items()]]


async def _found(account: SqsAccount, arn: str, sources: Sequence[str]) -> DeadLetterQueue:
    name = arn.rpartition(":")[2]
    try:
        url = await account.url_of(name)
        facts = await account.queue(url).facts()
    except (NotFoundError, QueueUnavailableError) as exc:
        return DeadLetterQueue(name=name, url=None, sources=sources, fault=str(exc))
    if facts.arn != arn:  # one of the same name, in another account or region
        fault = f"{arn} is not in this account and region"
        return DeadLetterQueue(name=name, url=None, sources=sources, fault=fault)
    return DeadLetterQueue(name=name, url=url, facts=facts, sources=sources)
