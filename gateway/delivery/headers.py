"""Which headers an endpoint may add to its requests.

It decides when the endpoint is saved, so that nothing is dropped or overridden silently later. The
headers that say what is signed, how long the body is and how the connection is used are ours.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from gateway.errors import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Mapping

_RESERVED: Final = frozenset(
    {
        "accept-encoding",
        "connection",
        "content-encoding",
        "content-length",
        "content-type",
        "expect",
        "host",
        "keep-alive",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
_RESERVED_PREFIXES: Final = ("webhook-", "proxy-")
_NAME: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}")
_VALUE: Final = re.compile(r"[\x20-\x7e]{0,4096}")
_MOST: Final = 32


def check_headers(headers: Mapping[str, str]) -> None:
    """Accept an endpoint's own headers, or say which one can't be.

    Raises:
        InvalidInputError: A name is reserved, written twice or no token; a value is too long or
            holds anything but printable ASCII (the message never repeats a value); or there are
            too many.
    """
    if len(headers) > _MOST:
        raise InvalidInputError(f"headers: more than {_MOST}; leave some out")
    seen = set()
    for name, value in headers.items():
        lower = name.lower()
        if not _NAME.fullmatch(name):
            raise InvalidInputError(f"headers: {name!r} is no header name")
        if lower in _RESERVED or lower.startswith(_RESERVED_PREFIXES):
            raise InvalidInputError(f"headers: {name} is set by the gateway; choose another name")
        if lower in seen:
            raise InvalidInputError(f"headers: {name} is given twice")
        if not _VALUE.fullmatch(value) or value != value.strip():
            raise InvalidInputError(
                f"headers: the value of {name} must be printable ASCII of at most 4096"
                " characters, without spaces at its ends"
            )
        seen.add(lower)
