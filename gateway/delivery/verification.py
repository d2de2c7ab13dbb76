"""Why a signature fails to verify: which part is wrong, as far as it can be told. Pure.

A signature that doesn't fit says nothing by itself. What a receiver gets wrong is nearly always one
of a few things, and each can be tried: the body parsed and written again, the timestamp taken from
somewhere else, the secret's prefix left on or its base64 left undecoded, another key, another kind.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from gateway.delivery.signing import ED25519, HMAC_SHA256, Verifier, decode_verifier, unbase64
from gateway.errors import InvalidInputError

TOLERANCE_S: Final = 300
_MILLISECONDS_DIGITS: Final = 13


class Part(StrEnum):
    """What is wrong with a failed verification."""

    ID = "id"
    TIMESTAMP = "timestamp"
    SIGNATURE = "signature"
    VERSION = "version"
    KEY = "key"
    BODY = "body"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """What came of a verification.

    Attributes:
        valid: Whether a receiver that follows Standard Webhooks accepts the request.
        wrong: The part that is wrong; None where it is valid.
        detail: The finding in words, with what to change.
    """

    valid: bool
    wrong: Part | None = None
    detail: str


def verify(
    secrets: Sequence[str],
    *,
    webhook_id: str,
    timestamp: str,
    signature: str,
    body: bytes,
    now_s: int | None,
    tolerance_s: int = TOLERANCE_S,
) -> Verification:
    """Return whether a request verifies, and else which part of it is wrong.

    Args:
        secrets: `whsec_…`, `whsk_…` or `whpk_…`; one that fits is enough.
        webhook_id: Value of `webhook-id`.
        timestamp: Value of `webhook-timestamp`.
        signature: Value of `webhook-signature`.
        body: The raw body.
        now_s: Time of the receipt; None to accept any age.
        tolerance_s: How far `timestamp` may be from it.

    Raises:
        InvalidInputError: A secret can't be read; the message never repeats it.
    """
    keys = [decode_verifier(secret) for secret in secrets]
    if not keys:
        raise InvalidInputError("secret: none is given; give the endpoint's whsec_… or whpk_…")
    if not webhook_id:
        return _wrong(Part.ID, "webhook-id is empty; pass the header's value as it came")
    if not (timestamp.isascii() and timestamp.isdigit()):
        return _wrong(Part.TIMESTAMP, "webhook-timestamp is no whole number of Unix seconds")
    signatures, fault = _parsed(signature)
    if fault is not None:
        return fault
    content = _content(webhook_id, timestamp, body)
    if _fits(keys, signatures, content):
        return _age(int(timestamp), now_s, tolerance_s)
    return _diagnosed(keys, signatures, webhook_id, timestamp, body)


def _parsed(signature: str) -> tuple[list[tuple[str, bytes]], Verification | None]:
    parsed, versions = [], []
    for one in signature.split():
        version, comma, text = one.partition(",")
        versions.append(version)
        if not comma:
            return [], _wrong(Part.SIGNATURE, f"{one[:12]!r} is no signature; each is v1,BASE64")
        if version not in (HMAC_SHA256, ED25519):
            continue
        try:
            parsed.append((version, unbase64(text)))
        except InvalidInputError:
            return [], _wrong(Part.SIGNATURE, f"what follows `{version},` is no base64")
    if not versions:
        return [], _wrong(Part.SIGNATURE, "webhook-signature is empty")
    if not parsed:
        return [], _wrong(
            Part.VERSION, f"only {', '.join(sorted(set(versions)))} is there; v1 or v1a is needed"
        )
    return parsed, None


def _age(timestamp_s: int, now_s: int | None, tolerance_s: int) -> Verification:
    off_s = 0 if now_s is None else now_s - timestamp_s
    if abs(off_s) > tolerance_s:
        is_late = "old" if off_s > 0 else "in the future"
        return _wrong(
            Part.TIMESTAMP,
            f"the signature fits, but webhook-timestamp is {abs(off_s)} s {is_late}, more than"
            f" {tolerance_s} s; check the receiver's clock, or whether the request is a replay",
        )
    return Verification(valid=True, detail="the signature fits")


def _diagnosed(
    keys: Sequence[Verifier],
    signatures: Sequence[tuple[str, bytes]],
    webhook_id: str,
    timestamp: str,
    body: bytes,
) -> Verification:
    versions = {version for version, _ in signatures}
    if not versions & {key.kind for key in keys}:
        return _wrong(
            Part.VERSION,
            f"the request is signed with {', '.join(sorted(versions))}, the key given is for"
            f" {keys[0].kind}; take the endpoint's other key",
        )
    for part, detail, content in _variants(webhook_id, timestamp, body):
        if _fits(keys, signatures, content):
            return _wrong(part, detail)
    signed_s = _signed_at(keys, signatures, webhook_id, int(timestamp), body)
    if signed_s is not None:
        return _wrong(
            Part.TIMESTAMP,
            f"it was signed with the timestamp {signed_s}, not {timestamp}; take the header's,"
            " not a time of your own",
        )
    return _wrong(
        Part.KEY,
        "no signature fits; most likely it is another endpoint's secret, or one that has been"
        " rotated out, or id, timestamp or body are not the request's own, byte for byte",
    )


def _variants(webhook_id: str, timestamp: str, body: bytes) -> Iterator[tuple[Part, str, bytes]]:
    """Yield what may have been signed instead, with what that says."""
    for rewritten, how in _rewritten(body):
        detail = (
            f"the body was changed after it was signed ({how}); verify the raw bytes, before"
            " anything parses them"
        )
        yield Part.BODY, detail, _content(webhook_id, timestamp, rewritten)
    stripped = webhook_id.strip()
    if stripped != webhook_id:
        yield Part.ID, "webhook-id has spaces round it", _content(stripped, timestamp, body)
    if len(timestamp) == _MILLISECONDS_DIGITS:
        detail = "webhook-timestamp is in milliseconds; it is signed in seconds"
        yield Part.TIMESTAMP, detail, _content(webhook_id, timestamp[:-3], body)


def _signed_at(
    keys: Sequence[Verifier],
    signatures: Sequence[tuple[str, bytes]],
    webhook_id: str,
    timestamp_s: int,
    body: bytes,
) -> int | None:
    """Return the timestamp near `timestamp_s` that was signed, if one was; shared keys only."""
    shared = [key for key in keys if key.kind == HMAC_SHA256]
    for near_s in range(max(0, timestamp_s - TOLERANCE_S), timestamp_s + TOLERANCE_S + 1):
        if _fits(shared, signatures, _content(webhook_id, str(near_s), body)):
            return near_s
    return None


def _rewritten(body: bytes) -> Iterator[tuple[bytes, str]]:
    for changed, how in (
        (body.rstrip(), "white space at its end"),
        (body + b"\n", "a newline at its end is missing"),
        (body.removeprefix(b"\xef\xbb\xbf"), "a byte order mark"),
        (body.replace(b"\r\n", b"\n"), "line ends"),
    ):
        if changed != body:
            yield changed, how
    try:
        members = json.loads(body)
    except ValueError:
        return
    dumps: tuple[Callable[[], str], ...] = (
        lambda: json.dumps(members, separators=(",", ":"), ensure_ascii=False),
        lambda: json.dumps(members, separators=(",", ":")),
        lambda: json.dumps(members, ensure_ascii=False),
        lambda: json.dumps(members),
    )
    for dump in dumps:
        changed = dump().encode("utf-8", "surrogatepass")
        if changed != body:
            yield changed, "JSON parsed and written again"


def _content(webhook_id: str, timestamp: str, body: bytes) -> bytes:
    return b"%b.%b.%b" % (webhook_id.encode("utf-8", "replace"), timestamp.encode(), body)


def _fits(
    keys: Sequence[Verifier], signatures: Sequence[tuple[str, bytes]], content: bytes
) -> bool:
    return any(
        _fits_one(key, signature, content)
        for key in keys
        for version, signature in signatures
        if version == key.kind
    )


def _fits_one(key: Verifier, signature: bytes, content: bytes) -> bool:
    if key.kind == HMAC_SHA256:
        return hmac.compare_digest(hmac.digest(key.key_bytes, content, "sha256"), signature)
    try:
        Ed25519PublicKey.from_public_bytes(key.key_bytes).verify(signature, content)
    except InvalidSignature:
        return False
    return True


def _wrong(part: Part, detail: str) -> Verification:
    return Verification(valid=False, wrong=part, detail=detail)
