"""Where dead letters go: to the queue that gave each up, or to one that the operator names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gateway.aws.letters import Letter
from gateway.replay.dlq.reading import ReadLetter
from gateway.replay.dlq.settling import Target

HOMELESS = "nothing says which queue it came from; name one"
UNCERTAIN = "not known to have been taken in"


class Homes:
    """A `Safe` that sends letters on."""

    def __init__(self, queues: Mapping[str, Target], *, otherwise: Target | None) -> None:
        """Set where letters go.

        Args:
            queues: ARN of a source → the queue.
            otherwise: Where a letter goes whose source is not among them, or None.
        """
        self._queues = queues
        self._otherwise = otherwise
        self._sent_ids: set[str] = set()

    async def keep(self, letters: Sequence[ReadLetter]) -> Mapping[str, str]:
        """See `Safe`."""
        refused: dict[str, str] = {}
        for target, group in self._by_target([each.letter for each in letters], refused):
            sent = await target.send(group)
            self._sent_ids.update(sent.ids.values())
            refused.update(
                (letter.id, sent.refused.get(letter.id, UNCERTAIN))
                for letter in group
                if letter.id not in sent.ids
            )
        return refused

    def came_back(self, letter: Letter) -> bool:
        """See `Safe`; SQS keeps a message's id when its policy moves it."""
        return letter.id in self._sent_ids

    def _by_target(
        self, letters: Sequence[Letter], refused: dict[str, str]
    ) -> Sequence[tuple[Target, Sequence[Letter]]]:
        groups: dict[int, tuple[Target, list[Letter]]] = {}
        for letter in letters:
            target = self._queues.get(letter.source_arn or "", self._otherwise)
            if target is None:
                refused[letter.id] = HOMELESS
            else:
                groups.setdefault(id(target), (target, []))[1].append(letter)
        return list(groups.values())
