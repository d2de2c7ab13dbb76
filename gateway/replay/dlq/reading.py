"""What a dead letter is: the notification in it, and why it may have died.

Pure, and it never raises: what is wrong with a message is part of the answer. SQS keeps no reason
with a message, so there is one only where the sender left it, as Lambda does and EventBridge
("Using dead-letter queues to process undelivered events"), or where the body can't be read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from gateway.aws.letters import Letter
from gateway.notifications.known import Unfamiliar
from gateway.notifications.reading import read_body

UNREADABLE: Final = "unreadable"
UNFIT: Final = "unfit_payload"
GIVEN_UP: Final = "received_too_often"

_CODES: Final = ("ERROR_CODE", "ErrorCode")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadLetter:
    """A letter and what was read in it.

    Attributes:
        type: The notification's, or None where the body is none.
        reason: What groups it: an error code that the sender left, or one of this module's words.
        detail: What is wrong with the body, quoting nothing of it; None where nothing is.
        secret: Whether the body holds a credential, so that nothing of it may be shown.
    """

    letter: Letter
    type: str | None = None
    identity: str | None = None
    seller_id: str | None = None
    marketplace_id: str | None = None
    reason: str
    detail: str | None = None
    secret: bool = False


def read_letter(letter: Letter) -> ReadLetter:
    """Return what a letter is."""
    reading = read_body(letter.body)
    code = _code(letter.attributes)
    envelope = reading.envelope
    if envelope is None:
        return ReadLetter(letter=letter, reason=code or UNREADABLE, detail=reading.fault)
    if reading.fault is not None:
        reason, detail = UNFIT, reading.fault
    elif reading.untyped_for in {Unfamiliar.TYPE, Unfamiliar.VERSION}:
        reason, detail = str(reading.untyped_for), None
    else:
        reason, detail = GIVEN_UP, None
    return ReadLetter(
        letter=letter,
        type=envelope.type,
        identity=envelope.identity,
        seller_id=envelope.seller_id,
        marketplace_id=envelope.marketplace_id,
        reason=code or reason,
        detail=detail,
        secret=envelope.secret,
    )


def groups(letters: Iterable[ReadLetter], by: Sequence[str]) -> Sequence[Mapping[str, Any]]:
    """Return how many letters there are of each kind, most first.

    Args:
        letters: What was read.
        by: Names of members of `ReadLetter` that make a kind.
    """
    counts = Counter(tuple(getattr(each, name) for name in by) for each in letters)
    return [
        {**dict(zip(by, kind, strict=True)), "messages": count}
        for kind, count in counts.most_common()
    ]


def _code(attributes: Mapping[str, Mapping[str, Any]]) -> str | None:
    for name in _CODES:
        code = attributes.get(name, {}).get("StringValue")
        if code:
            return str(code)
    return None
