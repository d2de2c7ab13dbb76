"""How large a document may become, packed and unpacked. Pure.

A few kilobytes of GZIP or ZIP can stand for terabytes. Two bounds end that early: one on the size,
and one on the ratio of what comes out to what came in, which holds only from a size on, because
small documents full of repetition are no attack.
"""

from __future__ import annotations

from dataclasses import dataclass

MIB = 1024 * 1024


class OversizeError(Exception):
    """A document is larger, or expands further, than is taken; the message says which."""


class DamagedError(Exception):
    """A document's packing is broken; the message says how."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentLimits:
    """The bounds.

    Attributes:
        max_bytes: Largest document taken, unpacked; the same holds for it as it travels.
        max_ratio: Furthest expansion: bytes out for each byte in.
        free_bytes: Up to here any expansion goes.
    """

    max_bytes: int = 4096 * MIB
    max_ratio: float = 200.0
    free_bytes: int = 512 * MIB


class Meter:
    """Counts what comes in and goes out of one document, and stops it at the bounds."""

    def __init__(self, limits: DocumentLimits) -> None:
        self._limits = limits
        self.received = 0
        self.unpacked = 0

    def receive(self, count: int) -> None:
        """Count bytes as they travelled.

        Raises:
            OversizeError: They are too many.
        """
        self.received += count
        if self.received > self._limits.max_bytes:
            raise OversizeError(f"is larger than {self._limits.max_bytes} bytes")

    def unpack(self, count: int) -> None:
        """Count bytes that came out.

        Raises:
            OversizeError: They are too many, or too many for what came in.
        """
        self.unpacked += count
        if self.unpacked > self._limits.max_bytes:
            raise OversizeError(f"unpacks to more than {self._limits.max_bytes} bytes")
        free = self.unpacked <= self._limits.free_bytes
        if not free and self.unpacked > self._limits.max_ratio * self.received:
            raise OversizeError(
                f"unpacks to more than {self._limits.max_ratio:g} times its size "
                f"({self.received} bytes became {self.unpacked}): a decompression bomb"
            )
