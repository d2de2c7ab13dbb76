"""What exactly is signed, with which keys, and how keys are written down (Standard Webhooks 1.0.0).

It decides which keys of an endpoint sign an attempt: every one that has not expired, so that old
and new keys overlap during a rotation. It signs the stored bytes as they are and never
re-serialises them; it never stores, seals or logs a key.

`v1` is HMAC-SHA256 with a key of 24 to 64 random bytes, written `whsec_` + base64. `v1a` is Ed25519
with a seed of 32 bytes, alone or followed by its public key, written `whsk_` + base64; what a
receiver verifies with is written `whpk_` + base64.
"""

from __future__ import annotations

import binascii
import hmac
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.endpoints import EndpointSecret
from gateway.errors import InvalidInputError
from gateway.model import IdPrefix, new_id

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

HMAC_SHA256: Final = "v1"
ED25519: Final = "v1a"

_PREFIXES: Final = {HMAC_SHA256: "whsec_", ED25519: "whsk_"}
_PUBLIC_PREFIX: Final = "whpk_"
_NEW_KEY_BYTES: Final = 32
_HMAC_KEY_BYTES: Final = range(24, 64 + 1)
_SEED_BYTES: Final = 32
_ED25519_KEY_BYTES: Final = (_SEED_BYTES, 2 * _SEED_BYTES)


class Signer:
    """Signs the attempts of one endpoint; made once per change of its keys: that part is dear.

    Raises:
        InvalidInputError: A key is of an unknown kind or of a wrong length.
    """

    def __init__(self, secrets: Sequence[EndpointSecret]) -> None:
        self._keys = [(secret.expires_at_ms, _key_signer(secret)) for secret in secrets]

    def sign(self, event_id: str, *, timestamp_s: int, body: bytes, now_ms: int) -> str:
        """Return the value of `webhook-signature`: one signature per key that has not expired.

        Args:
            event_id: Value of `webhook-id`.
            timestamp_s: Value of `webhook-timestamp`: Unix seconds of this attempt.
            body: The bytes that are sent.
            now_ms: Present time; decides which keys have expired.

        Raises:
            InvalidInputError: `event_id` holds a dot, or no key is left that may sign.
        """
        if "." in event_id:
            raise InvalidInputError(
                f"event id {event_id!r} holds a dot, which separates what is signed"
            )
        content = b"%b.%d.%b" % (event_id.encode(), timestamp_s, body)
        signatures = [
            sign(content)
            for expires_at_ms, sign in self._keys
            if expires_at_ms is None or expires_at_ms > now_ms
        ]
        if not signatures:
            raise InvalidInputError("the endpoint has no signing key left; add a secret to it")
        return " ".join(signatures)


def sign(
    secrets: Sequence[EndpointSecret],
    event_id: str,
    *,
    timestamp_s: int,
    body: bytes,
    now_ms: int,
) -> str:
    """Sign once; see `Signer` for what is returned and raised."""
    return Signer(secrets).sign(event_id, timestamp_s=timestamp_s, body=body, now_ms=now_ms)


def new_secret(now_ms: int, *, kind: str = HMAC_SHA256) -> EndpointSecret:
    """Return a fresh random key that signs until it is told to expire.

    Raises:
        InvalidInputError: `kind` is neither `v1` nor `v1a`.
    """
    _check_kind(kind)
    return EndpointSecret(
        id=new_id(IdPrefix.SECRET, now_ms),
        kind=kind,
        key_bytes=os.urandom(_NEW_KEY_BYTES),
        created_at_ms=now_ms,
    )


def encode_secret(secret: EndpointSecret) -> str:
    """Return the key as its owner keeps it: `whsec_…` (shared) or `whsk_…` (private)."""
    _check_kind(secret.kind)
    key_bytes = secret.key_bytes
    if secret.kind == ED25519:
        private = _private_key(key_bytes)
        key_bytes = private.private_bytes_raw() + private.public_key().public_bytes_raw()
    return _PREFIXES[secret.kind] + _base64(key_bytes)


def encode_verifier(secret: EndpointSecret) -> str:
    """Return what a receiver verifies with: the shared `whsec_…`, or the public `whpk_…`."""
    if secret.kind != ED25519:
        return encode_secret(secret)
    public = _private_key(secret.key_bytes).public_key()
    return _PUBLIC_PREFIX + _base64(public.public_bytes_raw())


def decode_secret(text: str) -> tuple[str, bytes]:
    """Return kind and raw key of a written secret; missing base64 padding is forgiven.

    Raises:
        InvalidInputError: The prefix is unknown, it is no base64, or the length is wrong. The
            message never repeats the text.
    """
    for kind, prefix in _PREFIXES.items():
        if text.startswith(prefix):
            key_bytes = unbase64(text.removeprefix(prefix))
            _check_key(kind, key_bytes)
            return kind, key_bytes
    if text.startswith(_PUBLIC_PREFIX):
        raise InvalidInputError("a `whpk_` key can only verify; give the private `whsk_` key")
    raise InvalidInputError("a secret starts with `whsec_` (shared) or `whsk_` (private)")


@dataclass(frozen=True, slots=True)
class Verifier:
    """A key that verifies: the shared one, or the public one."""

    kind: str
    key_bytes: bytes


def decode_verifier(text: str) -> Verifier:
    """Return the key in `text`: a shared, a private or a public one, as each can verify.

    Raises:
        InvalidInputError: It can't be read; the message never repeats it.
    """
    if text.startswith(_PUBLIC_PREFIX):
        public_bytes = unbase64(text.removeprefix(_PUBLIC_PREFIX))
        if len(public_bytes) != _SEED_BYTES:
            raise InvalidInputError("a `whpk_` key has 32 bytes")
        return Verifier(ED25519, public_bytes)
    kind, key_bytes = decode_secret(text)
    if kind == ED25519:
        return Verifier(ED25519, _private_key(key_bytes).public_key().public_bytes_raw())
    return Verifier(HMAC_SHA256, key_bytes)


def _key_signer(secret: EndpointSecret) -> Callable[[bytes], str]:
    _check_kind(secret.kind)
    key_bytes = secret.key_bytes
    _check_key(secret.kind, key_bytes)
    if secret.kind == HMAC_SHA256:
        return lambda content: "v1," + _base64(hmac.digest(key_bytes, content, "sha256"))
    private = _private_key(key_bytes)
    return lambda content: "v1a," + _base64(private.sign(content))


def _private_key(key_bytes: bytes) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(key_bytes[:_SEED_BYTES])


def _check_kind(kind: str) -> None:
    if kind not in _PREFIXES:
        raise InvalidInputError(f"secret kind {kind!r} is unknown; use `v1` or `v1a`")


def _check_key(kind: str, key_bytes: bytes) -> None:
    if kind == HMAC_SHA256 and len(key_bytes) not in _HMAC_KEY_BYTES:
        raise InvalidInputError("a `whsec_` key has 24 to 64 bytes")
    if kind == ED25519:
        if len(key_bytes) not in _ED25519_KEY_BYTES:
            raise InvalidInputError("a `whsk_` key has 32 bytes, or 64 with its public key")
        public_bytes = key_bytes[_SEED_BYTES:]
        if public_bytes and _private_key(key_bytes).public_key().public_bytes_raw() != public_bytes:
            raise InvalidInputError("the two halves of the `whsk_` key don't belong together")


def _base64(raw: bytes) -> str:
    return binascii.b2a_base64(raw, newline=False).decode("ascii")


def unbase64(text: str) -> bytes:
    """Return what `text` is the base64 of; missing padding is forgiven.

    Raises:
        InvalidInputError: It is no base64.
    """
    unpadded = text.rstrip("=")
    try:
        return binascii.a2b_base64(
            (unpadded + "=" * (-len(unpadded) % 4)).encode("ascii"), strict_mode=True
        )
    except ValueError as exc:
        raise InvalidInputError("what follows the secret's prefix is no base64") from exc
