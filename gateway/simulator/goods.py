"""What sellers sell: a product of any ASIN or SKU, the same each time. Invented, and pure."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from random import Random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateway.simulator.marketplaces import Marketplace

_TITLES = (
    "Enamel Camping Mug, 350 ml",
    "Waxed Canvas Tool Roll",
    "Bamboo Cutting Board, Large",
    "LED Reading Lamp with Clamp",
    "Merino Hiking Socks, 2 Pairs",
    "Cast Iron Skillet, 26 cm",
    "Stainless Steel Water Bottle, 1 l",
    "Mechanical Kitchen Timer",
)
_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ0123456789"
HELD = 45


@dataclass(frozen=True, slots=True, kw_only=True)
class Good:
    """A product that a seller lists.

    Attributes:
        price: In the marketplace's currency.
        stock: How many there are; some have none.
    """

    sku: str
    asin: str
    fnsku: str
    title: str
    brand: str
    price: Decimal
    stock: int


def by_sku(seller_id: str, sku: str, place: Marketplace) -> Good:
    """Return what a seller lists under a SKU."""
    return _drawn(Random(f"{seller_id}/{sku}"), place, sku=sku, asin=None)  # noqa: S311 a sample


def by_asin(asin: str, place: Marketplace) -> Good:
    """Return the product of an ASIN."""
    return _drawn(Random(asin), place, sku=f"SKU-{asin[-4:]}", asin=asin)  # noqa: S311 a sample


def held(seller_id: str, place: Marketplace) -> list[Good]:
    """Return the products that a seller has in Amazon's warehouses."""
    return [by_sku(seller_id, f"FBA-{number:04}", place) for number in range(HELD)]


def _drawn(draw: Random, place: Marketplace, *, sku: str, asin: str | None) -> Good:
    letters = "".join(draw.choices(_LETTERS, k=15))
    cents = draw.randint(900, 9_900)
    price = Decimal(cents) if place.decimals == 0 else Decimal(cents) / 100
    return Good(
        sku=sku,
        asin=asin or "B0" + letters[:8],
        fnsku="X00" + letters[8:],
        title=draw.choice(_TITLES),
        brand="Sample Brand",
        price=price,
        stock=draw.choice((0, 3, 12, 42, 120)),
    )
