"""API keys: how they are written, what they may do, and whether a presented one is right.

A key is written `spgw_` + the hex of its id + `_` + 32 random bytes in base64url. Only the SHA-256
of that last part is kept: it is too long to be guessed, so no slow hash is needed, and a look at
the database gives nothing that could be presented. It holds no I/O.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from gateway.model import IdPrefix, new_id

if TYPE_CHECKING:
    from collections.abc import Iterable

KEY_PREFIX: Final = "spgw_"

_SECRET_BYTES: Final = 32
_WRITTEN: Final = re.compile(r"spgw_(?P<id>[0-9a-f]{32})_(?P<secret>[A-Za-z0-9_-]{43})")


class Scope(StrEnum):
    """What a key may do; each scope includes those before it."""

    READ = "read"
    WRITE = "write"
    ADMIN = "admin"


_INCLUDED: Final = {
    Scope.READ: frozenset({Scope.READ}),
    Scope.WRITE: frozenset({Scope.READ, Scope.WRITE}),
    Scope.ADMIN: frozenset(Scope),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """A key as it is kept.

    Attributes:
        name: What its owner calls it.
        tenant: Whose endpoints it sees, with their events and deliveries; None for an operator's
            key, which sees everything.
        digest: SHA-256 of the secret part.
        last_used_at_ms: Noted to the minute.
    """

    id: str
    name: str
    scopes: frozenset[Scope]
    tenant: str | None = None
    digest: bytes = field(repr=False)
    created_at_ms: int
    expires_at_ms: int | None = None
    revoked_at_ms: int | None = None
    last_used_at_ms: int | None = None

    def allows(self, scope: Scope) -> bool:
        """Whether it may do what needs `scope`."""
        return any(scope in _INCLUDED[own] for own in self.scopes)

    def usable_at(self, now_ms: int) -> bool:
        """Whether it is neither revoked nor expired."""
        if self.revoked_at_ms is not None:
            return False
        return self.expires_at_ms is None or now_ms < self.expires_at_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class PresentedKey:
    """What somebody presented: the id of a key, and the digest of the secret they know."""

    id: str
    digest: bytes = field(repr=False)

    def proves(self, key: ApiKey) -> bool:
        """Whether it is `key`, compared in constant time."""
        return hmac.compare_digest(self.digest, key.digest)


def new_api_key(
    now_ms: int,
    *,
    name: str,
    scopes: Iterable[Scope],
    tenant: str | None = None,
    expires_at_ms: int | None = None,
) -> tuple[ApiKey, str]:
    """Return a fresh key, and how it is written; that text can't be had again."""
    key_id = new_id(IdPrefix.API_KEY, now_ms)
    secret = secrets.token_urlsafe(_SECRET_BYTES)
    key = ApiKey(
        id=key_id,
        name=name,
        scopes=frozenset(scopes),
        tenant=tenant,
        digest=_digest(secret),
        created_at_ms=now_ms,
        expires_at_ms=expires_at_ms,
    )
    return key, f"{KEY_PREFIX}{key_id.partition('_')[2]}_{secret}"


def read_api_key(text: str) -> PresentedKey | None:
    """Return what a written key claims to be, or None where `text` is none."""
    match = _WRITTEN.fullmatch(text)
    if match is None:
        return None
    return PresentedKey(id=f"{IdPrefix.API_KEY}_{match['id']}", digest=_digest(match["secret"]))


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
