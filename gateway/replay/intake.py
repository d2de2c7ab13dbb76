"""Message bodies from a file, taken into the inbox as if they had come from SQS.

It decides what is one body: a whole file that is one JSON value, or else each line of it. It reads
and stores them in batches, so a file may be of any size as long as its lines are not.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice
from typing import Final, Protocol

import orjson

from gateway.clock import Clock
from gateway.envelope import read_envelope
from gateway.errors import EnvelopeError
from gateway.model import (
    Arrival,
    Envelope,
    IdPrefix,
    Origin,
    Owed,
    Unreadable,
    Verdict,
    new_id,
)

SOURCE: Final = "inject"
_BATCH: Final = 200


class Inbox(Protocol):
    """Where they go."""

    async def accept(self, batch: Sequence[Arrival | Unreadable]) -> Sequence[Verdict]:
        """Commit a batch and say, in order, what became of each."""
        ...


class Intake:
    """See the module.

    Args:
        owed: Tells which handlers a notification is owed to.
        clock: Time.
        subject: Tells what a notification is about, for sweeps; None where nothing is swept.
    """

    def __init__(
        self,
        owed: Callable[[Envelope], Sequence[Owed]],
        clock: Clock,
        *,
        subject: Callable[[Envelope], str | None] | None = None,
    ) -> None:
        self._owed = owed
        self._clock = clock
        self._subject = subject

    async def take_in(self, lines: Iterable[bytes], inbox: Inbox) -> Mapping[Verdict, int]:
        """Store the bodies that `lines` hold; return how many came to what.

        Raises:
            StoreUnavailableError: Some batches may be stored; doing it again is no harm.
        """
        counts: Counter[Verdict] = Counter()
        found = bodies(lines)
        while batch := list(islice(found, _BATCH)):
            counts.update(await inbox.accept([self._read(*one) for one in batch]))
        return counts

    def _read(self, place: str, body: bytes) -> Arrival | Unreadable:
        now_ms = self._clock.now_ms()
        try:
            envelope = read_envelope(body)
        except EnvelopeError as exc:
            return Unreadable(
                id=new_id(IdPrefix.QUARANTINE, now_ms),
                source=SOURCE,
                message_id=place,
                body=body,
                reason=str(exc),
                received_at_ms=now_ms,
            )
        return Arrival(
            id=new_id(IdPrefix.NOTIFICATION, now_ms),
            envelope=envelope,
            source=SOURCE,
            origin=Origin.INJECT,
            received_at_ms=now_ms,
            owed=self._owed(envelope),
            subject=None if self._subject is None else self._subject(envelope),
        )


def bodies(lines: Iterable[bytes]) -> Iterator[tuple[str, bytes]]:
    """Yield each body with its place, such as `line 3`; `lines` are those of one file.

    Where the first line is no JSON by itself, the file is one body that is written over several.
    """
    numbered = ((number, line.strip()) for number, line in enumerate(lines, 1))
    written: Iterator[tuple[int, bytes]] = ((number, line) for number, line in numbered if line)
    first = next(written, None)
    if first is None:
        return
    if not _is_json(first[1]):
        rest = list(written)
        whole = b"\n".join(line for _, line in (first, *rest))
        if _is_json(whole):
            yield "file", whole
            return
        written = iter(rest)
    for number, line in chain([first], written):
        yield f"line {number}", line


def _is_json(text: bytes) -> bool:
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        return False
    return True
