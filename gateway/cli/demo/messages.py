"""What the demo sends: a morning's notifications of a dozen sellers, with the usual untidiness.

Several changes of one order, duplicates as SQS and Amazon make them, several wrappings, and one
message that nobody can read. Few enough orders a seller that Amazon's real plan for getOrder (a
burst of 30, then one in two seconds) holds without a long wait.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from gateway.simulator.notifications import notification
from gateway.simulator.payloads import Subject
from gateway.simulator.spapi.accounts import Seller

_ORDERS_OF_A_SELLER = 12
_CHANGES_OF_AN_ORDER = (1, 1, 1, 2, 3)
_OTHER_TYPES = (
    "ANY_OFFER_CHANGED",
    "FBA_INVENTORY_AVAILABILITY_CHANGES",
    "LISTINGS_ITEM_STATUS_CHANGE",
    "ITEM_SALES_EVENT_CHANGE",
    "PRICING_HEALTH",
    "TRANSACTION_UPDATE",
)
_OTHERS_OF_A_SELLER = 9
_DUPLICATES = 40
_UNREADABLE = b"<html><body>This is not the notification you are looking for.</body></html>"
_STATES = ("Pending", "Unshipped", "Shipped")


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Everything that is sent, in its order.

    Attributes:
        bodies: Messages, duplicates and the unreadable one included.
        notification_ids: The distinct ids among them.
        duplicates: How many messages repeat an earlier one.
        unreadable: How many can't be read.
    """

    bodies: Sequence[str]
    notification_ids: frozenset[str]
    duplicates: int
    unreadable: int


def make_messages(sellers: Sequence[Seller], *, now_ms: int, seed: int = 7) -> Batch:
    """Return the demo's messages; the same for the same seed and time."""
    rng = random.Random(seed)  # noqa: S311 a story, not a secret
    made: dict[str, bytes] = {}
    for seller in sellers:
        _orders(seller, made, now_ms, rng)
        _others(seller, made, now_ms, rng)
    bodies = list(made.values())
    rng.shuffle(bodies)
    for body in rng.sample(bodies, _DUPLICATES):
        bodies.insert(rng.randrange(len(bodies)), body)
    bodies.insert(len(bodies) // 2, _UNREADABLE)
    return Batch(
        bodies=[body.decode() for body in bodies],
        notification_ids=frozenset(made),
        duplicates=_DUPLICATES,
        unreadable=1,
    )


def _orders(seller: Seller, made: dict[str, bytes], now_ms: int, rng: random.Random) -> None:
    for order in range(_ORDERS_OF_A_SELLER):
        order_id = f"902-{rng.randrange(10**7):07d}-{order:07d}"
        for change in range(rng.choice(_CHANGES_OF_AN_ORDER)):
            about = Subject(
                seller_id=seller.id,
                at_ms=now_ms - 60_000 + change * 1_000 + rng.randrange(500),
                marketplace_id=seller.marketplaces[0],
                order_id=order_id,
                order_status=_STATES[change],
            )
            _add(made, "ORDER_CHANGE", about, rng)


def _others(seller: Seller, made: dict[str, bytes], now_ms: int, rng: random.Random) -> None:
    for number in range(_OTHERS_OF_A_SELLER):
        about = Subject(
            seller_id=seller.id,
            at_ms=now_ms - rng.randrange(120_000),
            marketplace_id=rng.choice(seller.marketplaces),
            asin=f"B0{rng.randrange(16**8):08X}",
            sku=f"SKU-{number:04d}",
            report_id=str(rng.randrange(10**11)),
        )
        _add(made, rng.choice(_OTHER_TYPES), about, rng)


def _add(made: dict[str, bytes], type_: str, about: Subject, rng: random.Random) -> None:
    identity = f"{rng.getrandbits(128):032x}"
    wrap = "double" if rng.random() < 0.02 else None
    made[identity] = notification(type_, about, notification_id=identity, wrap=wrap)
