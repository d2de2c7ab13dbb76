"""Is this a notification, and of what type: a message's bytes become an `Envelope`.

It decides which of the known wrappings a body is in, which notification stands inside, what that
notification is called, and whom it concerns. It never validates a payload, never asks what a type
is good for, and does no I/O. Whatever is wrong is an `EnvelopeError` that names the field and never
quotes a value, since a value may be a live secret or a buyer's address.

Forms that are read (Amazon's "Set up notifications with Amazon SQS" and "… with Amazon
EventBridge"; the last two come from the ways in which users join queues together):

* the notification itself, its keys in PascalCase, camelCase or any other casing;
* EventBridge's frame: `detail-type` and `source` beside `detail`;
* a JSON string that holds the JSON;
* SNS's frame: `Type` = `Notification` beside `Message`.

They may be nested up to `MAX_WRAPPERS` deep.

Identity is Amazon's notification id. A few types carry none: they are known by the SHA-256 of the
unwrapped notification's bytes. A JSON string and SNS's frame hold those bytes unaltered, so they
give the bare message's identity; EventBridge's `detail` is written anew without white space, so it
does where the bare message has none either, which is how AWS writes it.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Any, NoReturn

import orjson

from gateway.clock import parse_rfc3339_ms
from gateway.errors import EnvelopeError
from gateway.identifiers import MAX_ID_CHARS, read_payload, usable_id
from gateway.model import Envelope

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_BODY_BYTES = 1024 * 1024
"""What SQS allows for one message ("Amazon SQS message quotas")."""

MAX_WRAPPERS = 4

_TYPE_FORM = re.compile(r"[A-Z][A-Z0-9_]{0,127}")
_SECRET_TYPES = frozenset({"APPLICATION_OAUTH_CLIENT_NEW_SECRET"})
_SECRET_KEY = b"newclientsecret"


def read_envelope(body: bytes | str) -> Envelope:
    """Return what the outer JSON of a message says.

    Args:
        body: One message's body, in any of the forms that this module's docstring lists.

    Raises:
        EnvelopeError: `body` is no notification; the message names the field and the fault.
    """
    text, keys, replay_name = _unwrap(body)
    type_ = _type(keys["notificationtype"])
    seller_id, marketplace_id, references = read_payload(_payload(keys))
    metadata = _folded(_metadata(keys))
    return Envelope(
        identity=_identity(metadata.get("notificationid"), text),
        type=type_,
        payload_version=_version(keys.get("payloadversion")),
        body=text,
        event_time_ms=_time_ms(keys.get("eventtime")),
        subscription_id=usable_id(metadata.get("subscriptionid")),
        application_id=usable_id(metadata.get("applicationid")),
        seller_id=seller_id,
        marketplace_id=marketplace_id,
        references=references,
        replay_name=replay_name,
        # A needless seal costs microseconds, a secret in the clear can't be taken back.
        secret=type_ in _SECRET_TYPES or _SECRET_KEY in text.lower(),
    )


def payload_of(body: bytes | str) -> Mapping[str, Any]:
    """Return the payload of a notification, its keys as Amazon wrote them.

    Raises:
        EnvelopeError: `body` is no notification.
    """
    _, keys, _ = _unwrap(body)
    return _payload(keys)


def metadata_of(body: bytes | str) -> Mapping[str, Any]:
    """Return the metadata of a notification, its keys as Amazon wrote them; empty without any.

    Raises:
        EnvelopeError: `body` is no notification.
    """
    _, keys, _ = _unwrap(body)
    return _metadata(keys)


# ── wrappers ─────────────────────────────────────────────────────────────────────────────────────


def _unwrap(body: bytes | str) -> tuple[bytes, dict[str, Any], str | None]:
    """Return the notification's own JSON bytes, its members by key in lower case, and the replay.

    The replay is the one of EventBridge's archive that sent it once more, by its name.
    """
    whole = _bytes(body)
    text: bytes | None = whole
    value = _parsed(whole, "body")
    where = "body"
    replay_name = None
    for _ in range(MAX_WRAPPERS + 1):
        if isinstance(value, str):
            value = _parsed(text := value.encode(), where)
            continue
        if not isinstance(value, dict):
            _fault(where, f"is {_kind(value)}, not an object")
        keys = _folded(value)
        if "notificationtype" in keys:
            return text if text is not None else _dumped(value, where), keys, replay_name
        if "detail-type" in keys and "source" in keys and "detail" in keys:
            replay_name = usable_id(keys.get("replay-name"))
            text, value, where = None, keys["detail"], f"{where}.detail"
        elif keys.get("type") == "Notification" and "message" in keys:
            text, value, where = None, keys["message"], f"{where}.Message"
        else:
            _fault("NotificationType", f"missing in the object that {where} holds")
    raise EnvelopeError(f"body: has more than {MAX_WRAPPERS} wrappers")


def _bytes(body: bytes | str) -> bytes:
    try:
        text = body.encode() if isinstance(body, str) else bytes(body)
    except UnicodeEncodeError as exc:
        raise EnvelopeError("body: is not UTF-8") from exc
    if not text:
        _fault("body", "is empty")
    if len(text) > MAX_BODY_BYTES:
        _fault("body", f"has {len(text)} bytes, more than {MAX_BODY_BYTES}")
    return text


def _parsed(text: bytes, where: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as exc:
        try:
            text.decode()
        except UnicodeDecodeError:
            raise EnvelopeError(f"{where}: is not UTF-8") from exc
        # The parser's words give a position and never the text around it.
        raise EnvelopeError(f"{where}: is not JSON ({exc})") from exc


def _dumped(value: Any, where: str) -> bytes:
    try:
        return orjson.dumps(value)
    except orjson.JSONEncodeError as exc:
        raise EnvelopeError(f"{where}: can't be written as JSON again ({exc})") from exc


# ── members ──────────────────────────────────────────────────────────────────────────────────────


def _payload(keys: Mapping[str, Any]) -> dict[str, Any]:
    if "payload" not in keys:
        _fault("Payload", "missing")
    payload = keys["payload"]
    if not isinstance(payload, dict):
        _fault("Payload", f"is {_kind(payload)}, not an object")
    return payload


def _metadata(keys: Mapping[str, Any]) -> dict[str, Any]:
    """Return the metadata; one type's published schema has none, so it is nowhere a fault."""
    metadata = keys.get("notificationmetadata")
    return metadata if isinstance(metadata, dict) else {}


def _type(value: Any) -> str:
    if not isinstance(value, str):
        _fault("NotificationType", f"is {_kind(value)}, not a string")
    type_ = value.strip().upper()
    if _TYPE_FORM.fullmatch(type_) is None:
        _fault("NotificationType", "is not of the form LETTERS_DIGITS_UNDERSCORES")
    return type_


def _identity(value: Any, text: bytes) -> str:
    if isinstance(value, str) and value.strip():
        identity = usable_id(value)
        if identity is None:
            _fault(
                "NotificationMetadata.NotificationId",
                f"is longer than {MAX_ID_CHARS} characters or has some that can't be printed",
            )
        return identity
    return f"sha256:{hashlib.sha256(text).hexdigest()}"


def _version(value: Any) -> str:
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = str(value)
    return usable_id(value) or ""


def _time_ms(value: Any) -> int | None:
    if not isinstance(value, str):
        return None
    try:
        return parse_rfc3339_ms(value)
    except (ValueError, OverflowError):
        return None


# ── words ────────────────────────────────────────────────────────────────────────────────────────


def _folded(members: Mapping[str, Any]) -> dict[str, Any]:
    return {key.lower(): value for key, value in members.items()}


def _kind(value: Any) -> str:
    if value is None:
        return "null"
    kinds = {str: "a string", bool: "true or false", list: "an array", dict: "an object"}
    return kinds.get(type(value), "a number")


def _fault(where: str, what: str) -> NoReturn:
    raise EnvelopeError(f"{where}: {what}")
