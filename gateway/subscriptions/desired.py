"""From declarations and sellers to what each seller should have. Pure; all faults at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from gateway.errors import Fault
from gateway.model import Seller
from gateway.subscriptions.declaration import Declaration, DeclaredDestination, Unit, Wanted
from gateway.subscriptions.plan import Existing, excludes
from gateway.subscriptions.rules import (
    check,
    check_destination,
    directive_of,
    types_of,
    version_of,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """Everything that is declared about Amazon's side."""

    destinations: Sequence[DeclaredDestination] = ()
    subscriptions: Sequence[Declaration] = ()

    @property
    def by_name(self) -> Mapping[str, DeclaredDestination]:
        """The destinations by name."""
        return {one.name: one for one in self.destinations}


@dataclass(frozen=True, slots=True, kw_only=True)
class Desired:
    """What should exist.

    Attributes:
        units: Of each seller and type that something is declared for.
        faults: What is wrong with the declarations; with any, nothing may be called.
    """

    units: Mapping[Unit, Sequence[Wanted]]
    faults: Sequence[Fault]


def faults_of(declared: Declared) -> Sequence[Fault]:
    """Return what is wrong with declarations, whoever the sellers are."""
    faults = [
        fault
        for number, one in enumerate(declared.destinations)
        for fault in check_destination(one, f"destinations[{number}]")
    ]
    for declaration in declared.subscriptions:
        faults.extend(check(declaration, declared.by_name))
    return faults


def desired(declared: Declared, sellers: Sequence[Seller]) -> Desired:
    """Return what should exist, or what is wrong; the order is by application, region, seller."""
    faults = list(faults_of(declared))
    units: dict[Unit, list[Wanted]] = {}
    for declaration in declared.subscriptions:
        faults.extend(_unknown(declaration, sellers))
        for one in _wanted(declaration, declared.by_name, sellers):
            beside = units.setdefault(one.unit, [])
            rival = next((other for other in beside if other == one or _rivals(one, other)), None)
            if rival is None:
                beside.append(one)
            elif rival != one:
                faults.append(_rivalry(one, rival))
    if not faults:
        faults.extend(_unserved(declared, units))
    return Desired(units={unit: units[unit] for unit in sorted(units)}, faults=_distinct(faults))


def _wanted(
    declaration: Declaration,
    destinations: Mapping[str, DeclaredDestination],
    sellers: Sequence[Seller],
) -> Iterator[Wanted]:
    kinds = [
        (kind.name, version_of(kind, declaration), directive_of(kind, declaration))
        for kind in types_of(declaration, destinations.get(declaration.destination))
        if kind.subscribable
    ]
    for seller in sellers:
        if not _means(declaration, seller):
            continue
        for name, version, directive in kinds:
            yield Wanted(
                unit=Unit(
                    application_id=seller.application_id,
                    region=seller.region,
                    seller_id=seller.id,
                    type=name,
                ),
                payload_version=version,
                destination=declaration.destination,
                directive=directive,  # one for all sellers
                where=declaration.where,
            )


def _means(declaration: Declaration, seller: Seller) -> bool:
    return declaration.means(
        seller.id, application_id=seller.application_id, region=seller.region, tags=seller.tags
    )


def _unknown(declaration: Declaration, sellers: Sequence[Seller]) -> Iterator[Fault]:
    known = {seller.id for seller in sellers if _means(declaration, seller)}
    for seller_id in declaration.seller_ids:
        if seller_id not in known:
            yield Fault(
                where=f"{declaration.where}.sellers",
                what=f'there is no such seller "{seller_id}" in this application and region',
                mend="add it as [[sellers]] or by `gateway sellers add`",
            )


def _rivals(one: Wanted, other: Wanted) -> bool:
    return excludes(
        one,
        Existing(
            id="",
            payload_version=other.payload_version,
            destination_id=None,
            directive=other.directive,
            managed=True,
        ),
    )


def _rivalry(one: Wanted, other: Wanted) -> Fault:
    return Fault(
        where=one.where,
        what=f"{one.unit.type} of the same sellers is declared in {other.where} too, and Amazon "
        "takes one subscription of a seller, type and payload version",
        mend="keep one of the two, or tell them apart by filter_expression",
    )


def _unserved(declared: Declared, units: Mapping[Unit, Sequence[Wanted]]) -> Iterator[Fault]:
    for unit, wanted in units.items():
        for one in wanted:
            destination = declared.by_name[one.destination]
            if not destination.serves(unit.application_id, unit.region):
                yield Fault(
                    where=f"{one.where}.destination",
                    what=f'"{destination.name}" is not for application "{unit.application_id}" '
                    f"in {unit.region}",
                    mend="name another, or widen it",
                )


def _distinct(faults: Sequence[Fault]) -> Sequence[Fault]:
    """Return each fault once: a thousand sellers may have the same."""
    return list(dict.fromkeys(faults))
