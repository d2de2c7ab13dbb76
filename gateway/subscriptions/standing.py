"""How what is declared stands, as far as the store knows; Amazon is not asked. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from gateway.model import Seller
from gateway.store.subscriptions import KnownSide
from gateway.subscriptions.declaration import Unit, digest
from gateway.subscriptions.desired import Declared, desired


class Standing(StrEnum):
    """How one seller's declared subscriptions to a type stand.

    Attributes:
        SETTLED: As declared, when they were looked at last.
        PENDING: The next run makes them so: they are new, or declared otherwise now.
        FAULTY: The last run could not make them so, or found a difference and may only tell.
    """

    SETTLED = "settled"
    PENDING = "pending"
    FAULTY = "faulty"


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitStanding:
    """One seller's declared subscriptions to a type, and how they stand.

    Attributes:
        destinations: Declared names.
        reason: Why it is not as declared; None where it is.
        gap_since_ms: Set while nothing arrives, as an old subscription is gone already.
    """

    unit: Unit
    standing: Standing
    destinations: Sequence[str]
    reason: str | None
    settled_at_ms: int | None
    gap_since_ms: int | None

    @property
    def cursor(self) -> str:
        """Its place in the list."""
        return f"{self.unit.seller_id}:{self.unit.region}:{self.unit.type}"


def standings(
    declared: Declared, sellers: Sequence[Seller], known: KnownSide
) -> Sequence[UnitStanding]:
    """Return how everything declared stands, in the order of the cursors."""
    by_name = declared.by_name
    found = []
    for unit, wanted in desired(declared, sellers).units.items():
        state = known.units.get((unit.seller_id, unit.region, unit.type))
        standing, reason = Standing.PENDING, "was not looked at yet"
        if state is not None and state.fault is not None:
            standing, reason = Standing.FAULTY, state.fault
        elif state is not None and state.settled_at_ms is not None:
            same = state.digest == digest(wanted, by_name) and state.gap_since_ms is None
            standing = Standing.SETTLED if same else Standing.PENDING
            reason = "" if same else "is declared otherwise than it was settled"
        found.append(
            UnitStanding(
                unit=unit,
                standing=standing,
                destinations=sorted({one.destination for one in wanted}),
                reason=reason or None,
                settled_at_ms=state.settled_at_ms if state else None,
                gap_since_ms=state.gap_since_ms if state else None,
            )
        )
    return sorted(found, key=lambda one: one.cursor)
