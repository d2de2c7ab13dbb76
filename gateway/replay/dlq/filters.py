"""Which dead letters are meant. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

from gateway.replay.dlq.reading import ReadLetter


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterFilter:
    """What must hold for a letter to be meant; what is not given always holds.

    Attributes:
        types, sellers, reasons: One of these.
        text: Stands in the body, in any case of letters.
        older_than_ms, younger_than_ms: Age since it was first sent; a letter without a time
            has no age, and is not meant where one is asked for.
        least_receives, most_receives: Receive count, both ends included.
    """

    types: frozenset[str] = field(default_factory=frozenset)
    sellers: frozenset[str] = field(default_factory=frozenset)
    reasons: frozenset[str] = field(default_factory=frozenset)
    text: str | None = None
    older_than_ms: int | None = None
    younger_than_ms: int | None = None
    least_receives: int | None = None
    most_receives: int | None = None

    @property
    def everything(self) -> bool:
        """Whether every letter is meant."""
        return self == LetterFilter()

    def matches(self, read: ReadLetter, now_ms: int) -> bool:
        """Return whether a letter is meant."""
        return (
            _among(read.type, self.types)
            and _among(read.seller_id, self.sellers)
            and _among(read.reason, self.reasons)
            and (self.text is None or self.text.casefold() in read.letter.body.casefold())
            and self._age_fits(read.letter.sent_at_ms, now_ms)
            and self._count_fits(read.letter.receive_count)
        )

    def _age_fits(self, sent_at_ms: int | None, now_ms: int) -> bool:
        if self.older_than_ms is None and self.younger_than_ms is None:
            return True
        if sent_at_ms is None:
            return False
        age_ms = now_ms - sent_at_ms
        return (self.older_than_ms is None or age_ms > self.older_than_ms) and (
            self.younger_than_ms is None or age_ms < self.younger_than_ms
        )

    def _count_fits(self, count: int) -> bool:
        return (self.least_receives is None or count >= self.least_receives) and (
            self.most_receives is None or count <= self.most_receives
        )


def _among(value: str | None, wanted: frozenset[str]) -> bool:
    return not wanted or value in wanted
