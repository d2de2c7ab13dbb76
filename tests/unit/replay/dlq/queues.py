"""A queue in memory for tests of passes over dead-letter queues, with a clock that is set."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

from gateway.aws.letters import Letter, Sent


class SetClock:
    """A clock that sleeps by moving on."""

    def __init__(self) -> None:
        self.at_s = 1_000.0

    def now_ms(self) -> int:
        return int(self.at_s * 1000)

    def monotonic_s(self) -> float:
        return self.at_s

    async def sleep(self, delay_s: float) -> None:
        self.at_s += delay_s


@dataclass
class MemoryQueue:
    """Hides what it hands out until the time that the receive named, as SQS does."""

    clock: SetClock
    letters: dict[str, Letter] = field(default_factory=dict)
    hidden_until_s: dict[str, float] = field(default_factory=dict)
    receives: int = 0
    before_delete: Callable[[], None] | None = None
    refuses: frozenset[str] = frozenset()

    def put(self, *letters: Letter) -> None:
        self.letters.update((letter.id, letter) for letter in letters)

    @property
    def visible(self) -> list[str]:
        now_s = self.clock.at_s
        return [one for one in self.letters if self.hidden_until_s.get(one, 0.0) <= now_s]

    async def receive(
        self, max_messages: int, *, wait_s: int, visibility_s: int
    ) -> Sequence[Letter]:
        self.receives += 1
        taken = []
        for one in self.visible[:max_messages]:
            letter = self.letters[one]
            count = letter.receive_count + 1
            letter = replace(letter, receive_count=count, receipt_handle=f"{one}/{count}")
            self.letters[one] = letter
            self.hidden_until_s[one] = self.clock.at_s + visibility_s
            taken.append(letter)
        return taken

    async def extend(self, handles: Iterable[str], visibility_s: int) -> Sequence[str]:
        for handle in handles:
            self.hidden_until_s[handle.partition("/")[0]] = self.clock.at_s + visibility_s
        return []

    async def delete(self, letters: Sequence[Letter]) -> frozenset[str]:
        if self.before_delete is not None:
            self.before_delete()
        for letter in letters:
            del self.letters[letter.id]
        return frozenset()

    async def send(self, letters: Sequence[Letter]) -> Sent:
        taken = [letter for letter in letters if letter.id not in self.refuses]
        ids = {letter.id: f"new-{letter.id}-{len(self.letters)}" for letter in taken}
        self.put(*(replace(letter, id=ids[letter.id], receive_count=0) for letter in taken))
        refused = {letter.id: "too long" for letter in letters if letter.id in self.refuses}
        return Sent(ids=ids, refused=refused)


def letter(number: int, body: str = "x", **members: object) -> Letter:
    """Return a letter that was never received from its queue."""
    made = Letter(id=f"m{number}", receipt_handle="", body=body, receive_count=0)
    return replace(made, **members)  # type: ignore[arg-type]
