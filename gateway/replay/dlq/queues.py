"""Which dead-letter queues there are, and which queues they serve."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from gateway.aws.account import SqsAccount
from gateway.aws.letters import QueueFacts
from gateway.errors import QueueUnavailableError


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


async def dead_letter_queues(account: SqsAccount, urls: Iterable[str]) -> Sequence[DeadLetterQueue]:
    """Return the dead-letter queues of the queues at `urls`, and those among `urls` themselves.

    A queue of `urls` that has a redrive policy stands for the queue it names; one that has none
    is taken for a dead-letter queue only where another's policy names it.
    """
    sources: dict[str, list[str]] = defaultdict(list)
    for url in urls:
        facts = await account.queue(url).facts()
        if facts.dead_letter_arn is not None:
            sources[facts.dead_letter_arn].append(facts.arn.rpartition(":")[2])
    return [await _found(account, arn, names) for arn, names in sources.items()]


async def _found(account: SqsAccount, arn: str, sources: Sequence[str]) -> DeadLetterQueue:
    name = arn.rpartition(":")[2]
    try:
        url = await account.url_of(name)
        facts = await account.queue(url).facts()
    except QueueUnavailableError as exc:
        return DeadLetterQueue(name=name, url=None, sources=sources, fault=str(exc))
    return DeadLetterQueue(name=name, url=url, facts=facts, sources=sources)
