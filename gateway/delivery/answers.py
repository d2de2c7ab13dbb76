"""What an answer says beside its status: when to come back, and its first bytes in plain form.

It decides how much of a hostile answer is kept: 16 KiB after decompression, whatever it swells to.
"""

from __future__ import annotations

import zlib
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Final

from gateway.retry import RETRY_AFTER_CAP_S

ANSWER_BYTES_MAX: Final = 16 * 1024

_SECONDS_DIGITS_MAX: Final = 9
# zlib's `wbits` that finds out by itself whether gzip or zlib frames the data.
_GZIP_OR_ZLIB: Final = 32 + zlib.MAX_WBITS
_COMPRESSED: Final = frozenset({"gzip", "x-gzip", "deflate"})


def retry_after_s(value: str | None, now_ms: int) -> float | None:
    """Return the delay that a `Retry-After` header asks for; None where it can't be read.

    RFC 9110, section 10.2.3: seconds, or an HTTP date. A date in the past is no delay.
    """
    if value is None:
        return None
    value = value.strip()
    if value.isascii() and value.isdigit():
        return float(value) if len(value) <= _SECONDS_DIGITS_MAX else RETRY_AFTER_CAP_S
    try:
        at = parsedate_to_datetime(value)
    except ValueError:
        return None
    at = at.replace(tzinfo=UTC) if at.tzinfo is None else at
    return max(0.0, at.timestamp() - now_ms / 1000)


def decoded(raw: bytes, encoding: str | None) -> bytes:
    """Return `raw` (the first bytes of a body) uncompressed, at most `ANSWER_BYTES_MAX` of it.

    What is compressed in another way, or not as it claims, comes back as it is.
    """
    if encoding is None or encoding.strip().lower() not in _COMPRESSED:
        return raw
    try:
        return zlib.decompressobj(_GZIP_OR_ZLIB).decompress(raw, ANSWER_BYTES_MAX)
    except zlib.error:
        return raw
