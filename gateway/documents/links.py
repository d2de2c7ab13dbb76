"""Links to stored documents: a token that names one until a time, and can't be made by others.

A token is a value sealed with the key ring, so every replica can check it and nothing has to be
stored for it. A link is a bearer's: whoever has it reads the document until it expires.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import Final, Protocol

from gateway.clock import Clock, rfc3339
from gateway.errors import LinkExpiredError, NotFoundError, SealError

PATH: Final = "/documents"
_CONTEXT: Final = "document_link"
_UNKNOWN: Final = "there is no such document"


class LinkSealer(Protocol):
    """Who seals tokens."""

    def seal(self, plain: bytes, *, context: str) -> bytes:
        """Return `plain` sealed."""
        ...

    def open(self, sealed: bytes, *, context: str) -> bytes:
        """Return what was sealed; raises `SealError`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """Where a document can be read, and until when."""

    url: str
    expires_at: str


class Links:
    """Makes links and reads them."""

    def __init__(self, sealer: LinkSealer, clock: Clock, *, public_url: str, ttl_s: float) -> None:
        self._sealer = sealer
        self._clock = clock
        self._base = public_url.rstrip("/")
        self._ttl_ms = round(ttl_s * 1000)

    def make(self, document_id: str) -> Link:
        """Return a link that works from now on for as long as the settings say."""
        expires_ms = self._clock.now_ms() + self._ttl_ms
        plain = f"{expires_ms}:{document_id}".encode()
        sealed = self._sealer.seal(plain, context=_CONTEXT)
        token = base64.urlsafe_b64encode(sealed).rstrip(b"=").decode()
        return Link(url=f"{self._base}{PATH}/{token}", expires_at=rfc3339(expires_ms))

    def document_id(self, token: str) -> str:
        """Return the id of the document that a token names.

        Raises:
            NotFoundError: We never made this token.
            LinkExpiredError: Its time is over.
        """
        try:
            sealed = base64.b64decode(token + "=" * (-len(token) % 4), b"-_", validate=True)
            plain = self._sealer.open(sealed, context=_CONTEXT).decode()
        except (binascii.Error, ValueError, SealError):
            raise NotFoundError(_UNKNOWN) from None
        expires_ms, _, document_id = plain.partition(":")
        if int(expires_ms) <= self._clock.now_ms():
            raise LinkExpiredError("the link has expired")
        return document_id
