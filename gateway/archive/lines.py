"""One notification or message as one line of JSON, and the proof that it stands where it was put.

Each line ends with a check over itself and the check of the line before it, the first one over the
archive's id and the part's number. So a line that is edited, taken out, put in or moved does not
fit, and neither does a part of another archive. A check says nothing about who wrote a line; bodies
are sealed with the key ring unless somebody asked for them in the clear; what a message in
quarantine holds is unknown, so that is always sealed.
"""

from __future__ import annotations

import base64
import hashlib
import zlib
from typing import Any, Final, Protocol

import orjson

from gateway.clock import parse_rfc3339_ms, rfc3339
from gateway.errors import SealError
from gateway.model import NotificationState, Origin, StoredNotification
from gateway.store.archived import MESSAGE_MAX, QUARANTINE, Archived, ArchivedMessage, Line

LINE_MAX: Final = 4 * 1024 * 1024
"""Longest line that is read: a body of SQS's largest size, sealed, with room for its escapes."""

_CHECK_BYTES: Final = 16
_BEFORE: Final = b',"check":"'
_ENDING: Final = len(_BEFORE) + 2 * _CHECK_BYTES + len(b'"}')
_OPTIONAL: Final = ("seller_id", "marketplace_id", "application_id", "subscription_id")


class ArchiveSealer(Protocol):
    """Who seals bodies."""

    def seal(self, plain: bytes, *, context: str) -> bytes:
        """Return `plain` sealed and bound to `context`."""
        ...

    def open(self, sealed: bytes, *, context: str) -> bytes:
        """Return what was sealed; raises `SealError`."""
        ...


class LineFault(Exception):  # noqa: N818 a fault, which its catcher gives a file and a line
    """What is wrong with a line, without its place."""


class Chain:
    """The checks of one part's lines, in their order.

    Attributes:
        check: That of the last line; before the first one, of none.
    """

    def __init__(self, archive: str, part: int) -> None:
        self.check = hashlib.sha256(f"{archive}/{part}".encode()).hexdigest()[: 2 * _CHECK_BYTES]

    def sign(self, content: bytes) -> bytes:
        """Return the line of a JSON object, with its check and its end."""
        self._move(content)
        return content[:-1] + _BEFORE + self.check.encode() + b'"}\n'

    def verify(self, line: bytes) -> bytes:
        """Return the JSON object of a line without its end.

        Raises:
            LineFault: It is not the line that was written here.
        """
        content, ending = line[:-_ENDING] + b"}", line[-_ENDING:]
        if len(line) <= _ENDING or not ending.startswith(_BEFORE) or not ending.endswith(b'"}'):
            raise LineFault("is cut short, or no line of an archive")
        self._move(content)
        if ending[len(_BEFORE) : -2] != self.check.encode():
            raise LineFault("was altered, or does not belong behind the line before it")
        return content

    def _move(self, content: bytes) -> None:
        hashed = hashlib.sha256(self.check.encode())
        hashed.update(content)
        self.check = hashed.hexdigest()[: 2 * _CHECK_BYTES]


def content_of(one: Line, sealer: ArchiveSealer, *, plain: bool) -> bytes:
    """Return a line's JSON object.

    A live credential is sealed even if `plain`, and so is what could not be read.
    """
    if isinstance(one, ArchivedMessage):
        return _content_of_message(one, sealer)
    found = one.notification
    members: dict[str, Any] = {
        "id": found.id,
        "identity": found.identity,
        "type": found.type,
        "payload_version": found.payload_version,
        "received_at": rfc3339(found.received_at_ms),
        "source": found.source,
        "origin": found.origin.value,
        "state": found.state.value,
    }
    if found.event_time_ms is not None:
        members["event_time"] = rfc3339(found.event_time_ms)
    for name in _OPTIONAL:
        if (value := getattr(found, name)) is not None:
            members[name] = value
    if one.secret:
        members["secret"] = True
    if plain and not one.secret:
        members["body"] = found.body.decode()
    else:
        members["sealed"] = _sealed(found.body, found.identity, sealer)
    return orjson.dumps(members)


def _content_of_message(one: ArchivedMessage, sealer: ArchiveSealer) -> bytes:
    return orjson.dumps(
        {
            "id": one.id,
            "identity": one.identity,
            "type": QUARANTINE,
            "received_at": rfc3339(one.received_at_ms),
            "source": one.source,
            "message_id": one.message_id,
            "sealed": _sealed(one.body, one.identity, sealer),
        }
    )


def archived_of(content: bytes, sealer: ArchiveSealer) -> Line:
    """Return the notification or message of a JSON object that `content_of` made.

    Raises:
        LineFault: It is none.
        SealError: Its body can't be opened with the keys at hand.
    """
    try:
        members = orjson.loads(content)
        if members["type"] == QUARANTINE:
            return _message_of(members, sealer)
        event_time = members.get("event_time")
        return Archived(
            notification=StoredNotification(
                id=members["id"],
                identity=members["identity"],
                type=members["type"],
                payload_version=members["payload_version"],
                received_at_ms=parse_rfc3339_ms(members["received_at"]),
                event_time_ms=None if event_time is None else parse_rfc3339_ms(event_time),
                source=members["source"],
                origin=Origin(members["origin"]),
                state=NotificationState(members["state"]),
                body=_body(members, sealer),
                **{name: members.get(name) for name in _OPTIONAL},
            ),
            secret=bool(members.get("secret")),
        )
    except SealError:
        raise
    except (ValueError, KeyError, TypeError, AttributeError, zlib.error) as exc:
        raise LineFault(f"is no notification ({type(exc).__name__})") from None


def _message_of(members: dict[str, Any], sealer: ArchiveSealer) -> ArchivedMessage:
    return ArchivedMessage(
        id=members["id"],
        identity=members["identity"],
        source=members["source"],
        message_id=members["message_id"],
        received_at_ms=parse_rfc3339_ms(members["received_at"]),
        body=_body(members, sealer),
    )


def _sealed(body: bytes, identity: str, sealer: ArchiveSealer) -> str:
    sealed = sealer.seal(zlib.compress(body), context=_context(identity))
    return base64.b64encode(sealed).decode()


def _body(members: dict[str, Any], sealer: ArchiveSealer) -> bytes:
    if (plain := members.get("body")) is not None:
        text: str = plain
        return text.encode()
    sealed = base64.b64decode(members["sealed"], validate=True)
    packed = sealer.open(sealed, context=_context(members["identity"]))
    return zlib.decompressobj().decompress(packed, MESSAGE_MAX)


def _context(identity: str) -> str:
    return f"archive:{identity}"
