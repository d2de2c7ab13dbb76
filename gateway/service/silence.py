"""Silence as the service composes it: what ingest notes for it, and who listens."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from gateway.findings import Level
from gateway.ingest.noting import ArrivalNotes
from gateway.service.subscriptions import declared
from gateway.subscriptions.silence import watches_of
from gateway.subscriptions.watching import Listener

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gateway.clock import Clock
    from gateway.doctor.examination import Report
    from gateway.settings import Settings
    from gateway.store import Store
    from gateway.subscriptions.silence import Watch
    from gateway.subscriptions.watching import Examine

_MOST_FINDINGS = 20
_MOST_TEXT = 500
_TYPE_EVERY_MS = 10_000
_SELLER_EVERY_MS = 60_000


def arrival_notes(settings: Settings) -> ArrivalNotes:
    """Return what ingest asks which arrivals are noted as the newest.

    Raises:
        ConfigurationError: Amazon would refuse some of what is declared.
    """
    watches = watches_of(declared(settings))
    slack_ms = _slack_ms(watches)
    return ArrivalNotes(
        every_ms=min(_TYPE_EVERY_MS, slack_ms),
        seller_types={one.type for one in watches},
        seller_every_ms=slack_ms,
    )


def listener(settings: Settings, store: Store, clock: Clock) -> Listener | None:
    """Return who listens for silence; None where no declaration says how long is too long.

    It asks the doctor of the same settings, through the store that is open.

    Raises:
        ConfigurationError: Amazon would refuse some of what is declared.
    """
    watches = watches_of(declared(settings))
    if not watches:
        return None
    return Listener(
        watches,
        store.silences,
        clock=clock,
        slack_ms=_slack_ms(watches),
        examine=_examination(settings, store, clock),
    )


def _examination(settings: Settings, store: Store, clock: Clock) -> Examine:
    async def examine() -> Mapping[str, Any]:
        # It brings boto3, which a start must not wait for.
        from gateway.service.doctor import doctor_for  # noqa: PLC0415

        return findings_of(await doctor_for(settings, clock=clock, store=store).examine())

    return examine


def findings_of(report: Report) -> Mapping[str, Any]:
    """Return what an event says of an examination: what is amiss, the worst first, and bounded."""
    amiss = [one for one in report.all if one.level in {Level.FAULT, Level.WARNING}]
    amiss.sort(key=lambda one: one.level is not Level.FAULT)
    return {
        "fault": None,
        "looked_at": len(report.all),
        "findings": [
            {name: str(value)[:_MOST_TEXT] for name, value in asdict(one).items()}
            for one in amiss[:_MOST_FINDINGS]
        ],
    }


def _slack_ms(watches: Sequence[Watch]) -> int:
    """Return how much older than the truth a noted time may be: a tenth of the shortest window."""
    return min((_SELLER_EVERY_MS, *(one.shortest_ms // 10 for one in watches)))
