"""How what is declared stands, without a call; and destinations as a run leaves them."""

from __future__ import annotations

from gateway.model import Seller
from gateway.spapi.apis.notifications import Destination
from gateway.store.subscriptions import KnownSide, UnitState
from gateway.subscriptions.declaration import Declaration, DeclaredDestination, digest
from gateway.subscriptions.desired import Declared, desired
from gateway.subscriptions.places import DestinationOutcome, seen_destinations
from gateway.subscriptions.standing import Standing, standings

ARN = "arn:aws:sqs:eu-west-1:123456789012:q"
QUEUE = DeclaredDestination(name="main", arn=ARN)
DECLARED = Declared(
    destinations=[QUEUE],
    subscriptions=[
        Declaration(where="subscriptions[0]", types=("PRICING_HEALTH",), destination="main")
    ],
)
SELLERS = [
    Seller(id=f"A{number}", application_id="app", region="eu", refresh_token="Atzr|1")
    for number in range(5)
]


def state(seller_id: str, **more: object) -> dict[tuple[str, str, str], UnitState]:
    (wanted,) = (
        one for unit, one in desired(DECLARED, SELLERS).units.items() if unit.seller_id == seller_id
    )
    values = {"digest": digest(wanted, DECLARED.by_name), "settled_at_ms": 7, **more}
    key = (seller_id, "eu", "PRICING_HEALTH")
    return {key: UnitState(**{"gap_since_ms": None, "fault": None, **values})}  # type: ignore[arg-type]


def test_each_declared_type_of_a_seller_has_a_standing() -> None:
    known = KnownSide(
        units={
            **state("A1"),
            **state("A2", fault="403: lacks the role"),
            **state("A3", digest="another"),
            **state("A4", gap_since_ms=5),
        }
    )
    found = standings(DECLARED, SELLERS, known)
    assert [(one.unit.seller_id, one.standing, one.reason) for one in found] == [
        ("A0", Standing.PENDING, "was not looked at yet"),
        ("A1", Standing.SETTLED, None),
        ("A2", Standing.FAULTY, "403: lacks the role"),
        ("A3", Standing.PENDING, "is declared otherwise than it was settled"),
        ("A4", Standing.PENDING, "is declared otherwise than it was settled"),
    ]
    assert [one.cursor for one in found] == sorted(one.cursor for one in found)
    assert found[1].destinations == ["main"]


def outcome(destination_id: str | None, fault: str | None = None) -> DestinationOutcome:
    return DestinationOutcome(
        name="main",
        application_id="app",
        region="eu",
        action="create",
        destination_id=destination_id,
        fault=fault,
    )


def test_destinations_are_seen_as_a_run_leaves_them() -> None:
    other = Destination(destinationId="d0", resource={"carrierPigeon": {}})
    (there, made) = seen_destinations([QUEUE], [other], [outcome("d1")])
    assert (there.id, there.kind, there.place, there.declared) == (
        "d0",
        "carrierPigeon",
        None,
        None,
    )
    assert (made.id, made.kind, made.place, made.declared) == ("d1", "sqs", ARN, "main")
    found = Destination(destinationId="d1", name="main", resource={"sqs": {"arn": ARN}})
    (adopted,) = seen_destinations([QUEUE], [found], [outcome("d1")])
    assert adopted == made
    (missing,) = seen_destinations([QUEUE], [], [outcome(None, "400: no")])
    assert missing.id.startswith("missing.")
    assert (missing.declared, missing.fault) == ("main", "400: no")
