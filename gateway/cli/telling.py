"""What long work says of itself while it goes on."""

from __future__ import annotations

from typing import Protocol


class Tell(Protocol):
    """Says how far work is."""

    def __call__(self, text: str, part: float | None = None, /) -> None:
        """Change the words; `part` of the whole, 0 to 1, is done, None while nobody knows."""
        ...
