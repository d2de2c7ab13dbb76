"""How a message body is understood, from its envelope to its typed payload, for people to look at.

The command line and the console show this. It never raises: what is wrong is part of the answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gateway.envelope import payload_of, read_envelope
from gateway.errors import EnvelopeError
from gateway.identifiers import Identifiers, identifiers_of
from gateway.model import Envelope
from gateway.notifications.base import PayloadModel
from gateway.notifications.known import TYPES, Unfamiliar, unfamiliar


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A body as the gateway understands it.

    Attributes:
        envelope: None where the body is no notification; `fault` says why.
        typed: The payload, or None where it is handled untyped; `untyped_for` or `fault` says why.
        fault: What is wrong, naming the field and quoting no value; None where nothing is.
    """

    envelope: Envelope | None = None
    identifiers: Identifiers = field(default_factory=Identifiers)
    typed: PayloadModel | None = None
    untyped_for: Unfamiliar | None = None
    fault: str | None = None


def read_body(body: bytes | str) -> Reading:
    """Return how a message's body is understood."""
    try:
        envelope = read_envelope(body)
    except EnvelopeError as exc:
        return Reading(fault=str(exc))
    payload = payload_of(envelope.body)
    identifiers = identifiers_of(payload)
    reason = unfamiliar(envelope.type, envelope.payload_version)
    try:
        typed, fault = read_payload(envelope.type, payload), None
    except EnvelopeError as exc:
        # A version that nobody knows yet owes nobody a shape: untyped, but not at fault.
        typed, fault = None, None if reason is Unfamiliar.VERSION else str(exc)
    return Reading(
        envelope=envelope,
        identifiers=identifiers,
        typed=typed,
        untyped_for=reason if typed is None else None,
        fault=fault,
    )


def read_payload(notification_type: str, payload: Mapping[str, Any]) -> PayloadModel | None:
    """Return a payload typed, or None for a type that has no model.

    Raises:
        EnvelopeError: The payload doesn't fit its model.
    """
    known = TYPES.get(notification_type)
    if known is None or known.model is None:
        return None
    return known.model.from_payload(payload)
