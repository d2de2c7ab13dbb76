"""Tokens for receivers that want OAuth 2.0: client credentials (RFC 6749, section 4.4).

A token is kept until shortly before it expires, and fetched once however many attempts wait for it.
It never appears in a message. Who makes the request, and by what guard, is `sender.py`'s.
"""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeAlias
from urllib.parse import quote_plus, urlencode

import orjson

from gateway.errors import GatewayError

if TYPE_CHECKING:
    from gateway.clock import Clock
    from gateway.endpoints import OAuth2Auth

Fetch: TypeAlias = Callable[[str, Mapping[str, str], bytes], Awaitable[tuple[int, bytes]]]

_EARLY_S: Final = 60.0
_LIFETIME_S: Final = 300.0
_KEPT_MOST: Final = 1_000


class TokenRefusedError(GatewayError):
    """The token server gave no token; the message says what it answered, without any secret."""


@dataclass(slots=True)
class _Kept:
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    token: str | None = None
    until_s: float = 0.0


class Tokens:
    """See the module.

    Args:
        fetch: Posts a form to a URL and returns status and first bytes of the answer.
    """

    def __init__(self, fetch: Fetch, clock: Clock) -> None:
        self._fetch = fetch
        self._clock = clock
        self._kept: dict[OAuth2Auth, _Kept] = {}

    async def get(self, auth: OAuth2Auth) -> str:
        """Return a token that is still good for a while.

        Raises:
            TokenRefusedError: The token server refused, or its answer can't be read.
        """
        kept = self._kept.get(auth)
        if kept is None:
            if len(self._kept) >= _KEPT_MOST:
                self._kept.clear()
            kept = self._kept[auth] = _Kept()
        async with kept.lock:
            if kept.token is None or self._clock.monotonic_s() >= kept.until_s:
                kept.token, lifetime_s = _read(*await self._ask(auth))
                kept.until_s = self._clock.monotonic_s() + max(0.0, lifetime_s - _EARLY_S)
            return kept.token

    def forget(self, auth: OAuth2Auth) -> None:
        """Fetch a new token the next time: the receiver refused this one."""
        self._kept.pop(auth, None)

    async def _ask(self, auth: OAuth2Auth) -> tuple[int, bytes]:
        form = {"grant_type": "client_credentials"}
        if auth.scope is not None:
            form["scope"] = auth.scope
        headers = {
            "Authorization": basic(quote_plus(auth.client_id), quote_plus(auth.client_secret)),
            "Content-Type": "application/x-www-form-urlencoded",
            "Accept": "application/json",
        }
        return await self._fetch(auth.token_url, headers, urlencode(form).encode())


def basic(username: str, password: str) -> str:
    """Return the `Authorization` header of HTTP basic authentication, in UTF-8."""
    return "Basic " + b64encode(f"{username}:{password}".encode()).decode("ascii")


def _read(status: int, body: bytes) -> tuple[str, float]:
    if status != 200:
        raise TokenRefusedError(f"the token server answered {status}{_error_code(body)}")
    try:
        answer: Any = orjson.loads(body)
        token, lifetime = answer["access_token"], answer.get("expires_in", _LIFETIME_S)
        lifetime_s = float(lifetime)
    except (ValueError, TypeError, KeyError, AttributeError) as exc:
        raise TokenRefusedError("the token server's answer holds no access_token") from exc
    if not isinstance(token, str) or not token.isascii() or not token.isprintable():
        raise TokenRefusedError("the token server's access_token can't be sent in a header")
    return token, lifetime_s


def _error_code(body: bytes) -> str:
    """Return the answer's own error code, one of RFC 6749's words, if it has one."""
    try:
        code = orjson.loads(body)["error"]
    except (ValueError, TypeError, KeyError):
        return ""
    return f" ({code[:60]})" if isinstance(code, str) and code.replace("_", "").isalpha() else ""
