"""What a check is to the examination."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Protocol

from gateway.findings import Finding

Before = Mapping[str, Sequence[Finding]]
"""What the checks found that a check needs, by their names."""


class Check(Protocol):
    """Looks at one thing.

    Attributes:
        name: What it is chosen by; its findings' ids begin with other, finer names.
        needs: Names of the checks that must have found nothing in its way.
    """

    name: str
    needs: Sequence[str]

    def look(self, before: Before) -> AsyncGenerator[Finding]:
        """Yield findings as they are made; those of a check that is cut off are kept."""
        ...
