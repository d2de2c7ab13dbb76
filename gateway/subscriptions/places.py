"""Destinations as a run finds and leaves them. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gateway.spapi.apis.notifications import Destination
from gateway.store.destinations import SeenDestination
from gateway.subscriptions.amazon import resource_of
from gateway.subscriptions.declaration import DeclaredDestination


@dataclass(frozen=True, slots=True, kw_only=True)
class DestinationOutcome:
    """What became of a declared destination in one application and region.

    Attributes:
        action: `create`, `adopt` or `leave`.
        fault: Why it does not exist, or None.
    """

    name: str
    application_id: str
    region: str
    action: str
    destination_id: str | None = None
    fault: str | None = None


def seen_destinations(
    declared: Sequence[DeclaredDestination],
    existing: Sequence[Destination],
    outcomes: Sequence[DestinationOutcome],
) -> Sequence[SeenDestination]:
    """Return what there is after a run, and what is declared and is not there."""
    names = {one.destination_id: one.name for one in outcomes if one.destination_id is not None}
    known = {one.destination_id for one in existing}
    seen = [
        _seen(one.destination_id, one.name, one.resource, names.get(one.destination_id))
        for one in existing
    ]
    by_name = {one.name: one for one in declared}
    seen.extend(_made(outcomes, known, by_name))
    seen.extend(_missing(one) for one in outcomes if one.destination_id is None)
    return seen


def _made(
    outcomes: Sequence[DestinationOutcome],
    known: set[str],
    by_name: Mapping[str, DeclaredDestination],
) -> Iterator[SeenDestination]:
    for one in outcomes:
        if one.destination_id is not None and one.destination_id not in known:
            resource = by_name[one.name].specification()
            yield _seen(one.destination_id, one.name, resource, one.name)


def _seen(
    destination_id: str, name: str | None, resource: Mapping[str, Any], declared: str | None
) -> SeenDestination:
    place = resource_of(resource)
    return SeenDestination(
        id=destination_id,
        name=name,
        kind=place[0] if place else ", ".join(resource) or None,
        place="/".join(place[1:]) if place else None,
        declared=declared,
    )


def _missing(one: DestinationOutcome) -> SeenDestination:
    said = f"{one.application_id}/{one.name}"
    return SeenDestination(
        id=f"missing.{hashlib.sha256(said.encode()).hexdigest()[:16]}",
        name=None,
        kind=None,
        place=None,
        declared=one.name,
        fault=one.fault,
    )
