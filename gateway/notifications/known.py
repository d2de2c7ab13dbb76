"""Every notification type of Amazon's that this release knows, by name.

A type that is not here passes untyped, and so does a payload version that no model can read.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from gateway.notifications.kinds import NotificationType
from gateway.notifications.other_types import EVENT_BRIDGE_TYPES, OTHER_TYPES
from gateway.notifications.sqs_types import DOCUMENT_TYPES, HOURLY_TYPES, SELLER_TYPES

TYPES: Mapping[str, NotificationType] = MappingProxyType(
    {
        one.name: one
        for one in (
            *SELLER_TYPES,
            *DOCUMENT_TYPES,
            *HOURLY_TYPES,
            *EVENT_BRIDGE_TYPES,
            *OTHER_TYPES,
        )
    }
)
"""Every known type by its name."""

_FAMILIAR = frozenset(
    (one.name, version)
    for one in TYPES.values()
    if one.model is not None
    for version in ("", *one.payload_versions)
)


class Unfamiliar(StrEnum):
    """Why a payload is handled untyped."""

    TYPE = "unknown_type"
    SHAPE = "undescribed_type"
    VERSION = "unknown_version"


def unfamiliar(notification_type: str, payload_version: str) -> Unfamiliar | None:
    """Return why the shape of such a payload is not known to this release, or None if it is."""
    if (notification_type, payload_version) in _FAMILIAR:
        return None
    known = TYPES.get(notification_type)
    if known is None:
        return Unfamiliar.TYPE
    if known.model is None:
        return Unfamiliar.SHAPE
    return Unfamiliar.VERSION if known.payload_versions else None
