"""How a stored document is sealed: AES-256-GCM, piece by piece, under a key of its own.

The document's key is random and lies in its row, sealed with the key ring; so rotation of the ring
touches rows, not files. Pieces are numbered, and the last one is marked, in their nonces: pieces
that are swapped, cut off or added are noticed (the STREAM construction of Hoang, Reyhanitabar,
Rogaway and Vizár, 2015). A key seals one file only, so numbers never repeat under it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateway.errors import SealError

PIECE_BYTES: Final = 64 * 1024
_TAG_BYTES: Final = 16


def new_key() -> bytes:
    """Return a random key for one document."""
    return AESGCM.generate_key(256)


async def sealed(pieces: AsyncIterator[bytes], key: bytes, *, place: str) -> AsyncIterator[bytes]:
    """Yield `pieces` sealed and bound to `place`; the last one comes even if it is empty."""
    cipher, bound = AESGCM(key), place.encode()
    number = 0
    waiting = bytearray()
    async for piece in pieces:
        waiting += piece
        while len(waiting) > PIECE_BYTES:
            plain = bytes(waiting[:PIECE_BYTES])
            del waiting[:PIECE_BYTES]
            yield cipher.encrypt(_nonce(number, last=False), plain, bound)
            number += 1
    yield cipher.encrypt(_nonce(number, last=True), bytes(waiting), bound)


async def opened(pieces: AsyncIterator[bytes], key: bytes, *, place: str) -> AsyncIterator[bytes]:
    """Yield what was sealed, each piece after it was verified.

    Raises:
        SealError: It was altered, cut short, or moved here from another place.
    """
    cipher, bound = AESGCM(key), place.encode()
    number = 0
    waiting = bytearray()
    try:
        async for piece in pieces:
            waiting += piece
            # One byte more must be there, else this piece may be the last.
            while len(waiting) > PIECE_BYTES + _TAG_BYTES:
                taken = bytes(waiting[: PIECE_BYTES + _TAG_BYTES])
                del waiting[: PIECE_BYTES + _TAG_BYTES]
                yield cipher.decrypt(_nonce(number, last=False), taken, bound)
                number += 1
        yield cipher.decrypt(_nonce(number, last=True), bytes(waiting), bound)
    except InvalidTag:
        raise SealError(f"the document at {place} was altered or cut short") from None


def _nonce(number: int, *, last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes([last])
