"""Message bodies in numbers, as untidy as Amazon sends them. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random
from typing import TYPE_CHECKING

from gateway.errors import InvalidInputError
from gateway.simulator.notifications import notification
from gateway.simulator.payloads import Subject

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_APART_MS = 1_000
# How far from its place a message may come when the order is lost.
_WINDOW = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What is to be sent.

    Attributes:
        bodies: In the order in which they are sent, repeats included.
        distinct: How many different notifications they are.
    """

    bodies: Sequence[str]
    distinct: int


def make_batch(
    type_: str,
    sellers: Mapping[str, str],
    *,
    count: int,
    now_ms: int,
    duplicates: float = 0.0,
    out_of_order: bool = False,
    seed: int = 0,
) -> Batch:
    """Return notifications of one type, the latest of them about now.

    Args:
        type_: Notification type.
        sellers: Marketplace by seller id; they take turns.
        count: How many different ones.
        now_ms: What time it is.
        duplicates: Share of them that is sent once more, a little later, from 0 to 1.
        out_of_order: Whether messages come in another order than things happened.
        seed: What order ids and the untidiness are drawn from.

    Raises:
        InvalidInputError: There is no such type, or a number is out of its range.
    """
    if count < 1 or not sellers:
        raise InvalidInputError("count takes a number from 1 up, for at least one seller")
    if not 0 <= duplicates <= 1:
        raise InvalidInputError("duplicates takes a share from 0 to 1")
    draw, turns = Random(seed), list(sellers.items())  # noqa: S311 it draws samples, not secrets
    placed: list[tuple[float, str]] = []
    for number in range(count):
        seller_id, place = turns[number % len(turns)]
        at_ms = now_ms - (count - 1 - number) * _APART_MS
        about = Subject(seller_id=seller_id, at_ms=at_ms, marketplace_id=place)
        body = notification(type_, _numbered(about, draw, number)).decode()
        place_in_line = number + (draw.uniform(0, _WINDOW) if out_of_order else 0)
        placed.append((place_in_line, body))
        if draw.random() < duplicates:
            placed.append((number + draw.uniform(0.5, _WINDOW), body))
    placed.sort(key=lambda one: one[0])
    return Batch(bodies=[body for _, body in placed], distinct=count)


def _numbered(about: Subject, draw: Random, number: int) -> Subject:
    """Return a subject with ids of its own: no two notifications are about the same."""
    return replace(
        about,
        order_id=f"{draw.randint(100, 999)}-{draw.randrange(10**7):07}-{number % 10**7:07}",
        sku=f"SKU-{number:04}",
        asin=f"B0{draw.randrange(10**8):08}",
        report_id=str(100_000_020_000 + number),
        feed_id=str(200_000_020_000 + number),
        query_id=str(300_000_020_000 + number),
        fulfillment_order_id=f"FO-{number:06}",
    )
