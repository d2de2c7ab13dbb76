"""What stands in archives: notifications, and messages that could not be read when they came.

Ids of both begin with the time at which they were made, so both have one order: that of what is
behind their prefixes. It never does I/O.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, TypeAlias

from gateway.envelope import read_envelope
from gateway.errors import EnvelopeError
from gateway.model import IdPrefix, NotificationState, Origin, StoredNotification

QUARANTINE: Final = "quarantine"
"""What stands for the type of a message in quarantine; no notification's type is in lower case."""

MESSAGE_MAX: Final = 2 * 1024 * 1024
"""Bytes of the largest body that is archived: twice what SQS carries."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A notification or message as far as it decides whether it is selected."""

    id: str
    type: str
    seller_id: str | None
    marketplace_id: str | None
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Archived:
    """A notification on its way into an archive, or out of one.

    Attributes:
        secret: Whether its body holds a live credential, and never stands in the clear.
    """

    notification: StoredNotification
    secret: bool

    @property
    def id(self) -> str:
        """The notification's."""
        return self.notification.id

    @property
    def identity(self) -> str:
        """Amazon's."""
        return self.notification.identity

    @property
    def type(self) -> str:
        """The notification's."""
        return self.notification.type

    @property
    def received_at_ms(self) -> int:
        """The notification's."""
        return self.notification.received_at_ms

    @property
    def body(self) -> bytes:
        """The notification's, open."""
        return self.notification.body


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchivedMessage:
    """A message in quarantine on its way into an archive, or out of one.

    Attributes:
        identity: What it is known by in quarantine.
        message_id: The queue's own id.
        body: As it came, open; what it holds is unknown, so it never stands in the clear.
    """

    id: str
    identity: str
    source: str
    message_id: str
    received_at_ms: int
    body: bytes = field(repr=False)

    @property
    def type(self) -> str:
        """What stands for its type."""
        return QUARANTINE


Line: TypeAlias = Archived | ArchivedMessage
"""What one line of an archive holds."""


def position(thing_id: str) -> str:
    """Return where an id stands in the order of time, as the id of a notification."""
    return f"{IdPrefix.NOTIFICATION}_{thing_id.partition('_')[2]}"


def read_again(message: ArchivedMessage) -> Archived:
    """Return the notification that a message is by what is read today.

    Its id follows from the message's, so it is the same one each time.

    Raises:
        EnvelopeError: It still can't be read.
    """
    envelope = read_envelope(message.body)
    return Archived(
        notification=StoredNotification(
            id=position(message.id),
            identity=envelope.identity,
            type=envelope.type,
            payload_version=envelope.payload_version,
            seller_id=envelope.seller_id,
            marketplace_id=envelope.marketplace_id,
            application_id=envelope.application_id,
            subscription_id=envelope.subscription_id,
            event_time_ms=envelope.event_time_ms,
            received_at_ms=message.received_at_ms,
            source=message.source,
            origin=Origin.SQS if envelope.replay_name is None else Origin.EVENTBRIDGE_REPLAY,
            state=NotificationState.IGNORED,
            body=envelope.body,
        ),
        secret=envelope.secret,
    )


def notification_of(line: Line) -> Archived | None:
    """Return a line's notification; None for a message that still can't be read."""
    if isinstance(line, Archived):
        return line
    try:
        return read_again(line)
    except EnvelopeError:
        return None
