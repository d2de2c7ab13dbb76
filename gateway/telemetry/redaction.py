"""What is secret, by name or by shape: the one redactor of logs and of shown settings.

It decides which values are replaced by `MASK`. It never decides what is logged, and it errs on the
side of hiding: a harmless value under a suspicious name is masked too.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import is_dataclass
from functools import lru_cache
from typing import Any

MASK = "********"

_MAX_DEPTH = 8

# Parts of names, compared without case, `_` and `-`, so that `refresh_token`, `refreshToken` and
# `x-amz-access-token` are met alike. Plain `token` stays readable: claim tokens are numbers.
_SECRET_NAME_PARTS = (
    "secret",
    "password",
    "passwd",
    "refreshtoken",
    "accesstoken",
    "securitytoken",
    "sessiontoken",
    "restricteddatatoken",
    "bearertoken",
    "authorization",
    "oauthcode",
    "privatekey",
    "keybytes",
    "apikey",
    "cookie",
)

# Names that hold a part above but stand for something that an operator needs to read.
_OPEN_NAMES = frozenset({"secretid", "secretexpiresat", "secretexpiresatms"})

_SEPARATORS = re.compile(r"[_\-\s]")

# Shapes: tokens and client secrets of Login with Amazon, keys of Standard Webhooks, our own API
# keys, signed AWS URLs (documents of reports), bearer headers, and the password of a URL.
_SECRET_SHAPES = re.compile(
    r"""
    (?P<prefix>
        \bAtz[a-z.]{0,12}(?:\||%7[Cc])
      | \bamzn1\.oa2-cs\.
      | \bwhs(?:ec|k)_
      | \bspgw_
      | \bBearer\s+
      | \bX-Amz-(?:Signature|Security-Token)=
      | \bAWS4-HMAC-SHA256\s+.{0,200}?Signature=
    )
    [^\s"'&,;<>\\]{4,}
  | (?P<scheme>\b[A-Za-z][A-Za-z0-9+.\-]*://[^\s/:@"']*:)[^\s/@"']+(?P<at>@)
    """,
    re.VERBOSE,
)


# One of these stands in whatever the shapes above match; most texts hold none, and to look for them
# costs a tenth of running the expression. JSON writes them as they are.
_SHAPE_MARKS = ("Atz", "amzn1.oa2-cs.", "whs", "spgw_", "Bearer", "X-Amz-S", "AWS4-HMAC", "://")
_SHAPE_MARKS_UTF8 = tuple(mark.encode() for mark in _SHAPE_MARKS)

_PLAIN = frozenset({type(None), bool, int, float})
_PLAIN_OR_TEXT = _PLAIN | {str}


@lru_cache(maxsize=4096)
def is_secret_name(name: str) -> bool:
    """Return whether a value under this key is to be hidden, whatever it looks like."""
    plain = _SEPARATORS.sub("", name).lower()
    if plain in _OPEN_NAMES or plain.endswith("file"):
        return False
    return any(part in plain for part in _SECRET_NAME_PARTS)


def redact_text(text: str) -> str:
    """Return `text` with each credential that is recognised by its shape replaced by `MASK`."""
    for mark in _SHAPE_MARKS:
        if mark in text:
            return _SECRET_SHAPES.sub(_masked, text)
    return text


def hides_nothing(event: Mapping[str, Any]) -> bool:
    """Return whether the names and types of `event` leave nothing to hide, but perhaps shapes.

    True means: where `may_hold_shape` finds nothing in its JSON, `redact` would change nothing.
    """
    for name, value in event.items():
        if is_secret_name(name):
            return False
        if type(value) in _PLAIN_OR_TEXT or isinstance(value, str):
            continue
        if type(value) is not list or not all(type(item) is str for item in value):
            return False
    return True


def may_hold_shape(json: bytes) -> bool:
    """Return whether a credential that is recognised by its shape may stand in `json`."""
    return any(mark in json for mark in _SHAPE_MARKS_UTF8)


def redact(value: Any, *, name: str = "") -> Any:
    """Return a copy of `value` that is safe to show.

    Mappings and sequences are followed to a bounded depth; bytes become a note of their length,
    because what they hold can't be judged; anything else that is no plain JSON value becomes its
    redacted `repr`.
    """
    return _redact(value, name, 0)


def _redact(value: Any, name: str, depth: int) -> Any:
    if name and is_secret_name(name) and value not in (None, "", (), [], {}):
        return MASK
    if type(value) in _PLAIN:
        return value
    if isinstance(value, str):
        return redact_text(value)
    if isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, (bytes, bytearray, memoryview)):
        return f"<{len(value)} bytes>"
    return _redact_nested(value, depth)


def _redact_nested(value: Any, depth: int) -> Any:
    if depth >= _MAX_DEPTH:
        return "…"
    if isinstance(value, (dict, Mapping)):
        return {
            _shown_name(str(key)): _redact(item, str(key), depth + 1) for key, item in value.items()
        }
    if isinstance(value, (list, tuple, Sequence, AbstractSet)) and not is_dataclass(value):
        return [_redact(item, "", depth + 1) for item in value]
    return redact_text(repr(value))


@lru_cache(maxsize=4096)
def _shown_name(name: str) -> str:
    return redact_text(name)


def _masked(match: re.Match[str]) -> str:
    if match["scheme"] is not None:
        return f"{match['scheme']}{MASK}{match['at']}"
    return f"{match['prefix']}{MASK}"
