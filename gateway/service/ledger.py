"""What is changed at Amazon, in the audit log: by commands and by the gateway itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from gateway.model import IdPrefix, new_id
from gateway.store.audit import AuditEntry

if TYPE_CHECKING:
    from gateway.clock import Clock
    from gateway.store import Store
    from gateway.store.subscriptions import Subscriptions
    from gateway.subscriptions.declaration import Unit
    from gateway.subscriptions.places import DestinationOutcome
    from gateway.subscriptions.unit import Change

RECONCILER = "gateway:reconciler"
"""Who a running gateway is in the audit log."""


class Entries(Protocol):
    """Who makes the entries, and so says who it was."""

    def __call__(
        self, action: str, object_id: str, *, changes: Mapping[str, Any] | None = None
    ) -> AuditEntry:
        """Return the entry of a change."""
        ...


class AmazonLedger:
    """See the module."""

    def __init__(self, store: Store, entries: Entries) -> None:
        self._store = store
        self._entries = entries

    def changing(self, unit: Unit, changes: Sequence[Change]) -> Subscriptions:
        """Return the subscriptions to note a look in, which take the account with them."""
        told: dict[str, Any] = {
            "application": unit.application_id,
            "region": unit.region,
            "seller": unit.seller_id,
            "type": unit.type,
        }
        for one in changes:
            told.setdefault(one.verb, []).append(one.subscription_id)
        newest = changes[-1].subscription_id
        noted = self._entries("subscription.apply", newest, changes=told)
        return self._store.changing(noted).subscriptions

    async def made(self, destination: DestinationOutcome) -> None:
        """Note a destination that was created."""
        if destination.action != "create" or destination.destination_id is None:
            return
        told = {
            "application": destination.application_id,
            "region": destination.region,
            "name": destination.name,
        }
        await self._store.audit.add(
            self._entries("destination.create", destination.destination_id, changes=told)
        )


def by_the_gateway(clock: Clock) -> Entries:
    """Return who makes the entries of what a running gateway does of itself."""

    def made(
        action: str, object_id: str, *, changes: Mapping[str, Any] | None = None
    ) -> AuditEntry:
        now_ms = clock.now_ms()
        return AuditEntry(
            id=new_id(IdPrefix.AUDIT, now_ms),
            at_ms=now_ms,
            actor=RECONCILER,
            action=action,
            object_id=object_id,
            changes=changes or {},
        )

    return made
