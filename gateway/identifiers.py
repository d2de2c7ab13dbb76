"""Whom and what a payload is about: seller, marketplace, order, ASIN, SKU, report, however spelt.

Amazon writes the same id in many ways (`SellerId`, `merchantId`, `accountId` with a prefix) and in
many places (`OfferChangeTrigger.ASIN`, `Summary.OrderItems[].SellerSKU`). This is the one table of
them: the inbox, handlers' keys and filters, the command line and the console all read by it. It
knows no notification types, so a type that comes tomorrow is read as well. Pure; standard library
only, because every message passes here.

Places are tried in the payload and then one wrapper below it. What stands deeper, at a place that
the table doesn't name, belongs to somebody else: offers of competitors, buyers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeAlias

MAX_ID_CHARS = 256
MAX_REFERENCES = 100
MERCHANT_PREFIX = "amzn1.merchant.o."

# Keys as `folded` writes them. A step that ends in [] goes through the members of a list;
# name=value goes on only where the name has that value, as in Amazon's lists of pairs.
_Places: TypeAlias = tuple[tuple[str, ...], ...]
_SELLER: _Places = (
    ("sellerid",),
    ("merchantid",),
    ("sellingpartnermetadata", "sellingpartnerid"),
    ("accountid",),
)
_MARKETPLACE: _Places = (
    ("marketplaceid",),
    ("offerchangetrigger", "marketplaceid"),
    ("summary", "marketplaceid"),
    ("sellingpartnermetadata", "marketplaceid"),
)
_ORDER: _Places = (
    ("amazonorderid",),
    ("orderid",),
    ("relatedidentifiers[]", "relatedidentifiername=orderid", "relatedidentifiervalue"),
)
_ASIN: _Places = (("asin",), ("offerchangetrigger", "asin"))
_SKU: _Places = (
    ("sku",),
    ("sellersku",),
    ("summary", "orderitems[]", "sellersku"),
    ("fulfillmentreturnitem", "sellersku"),
)
# Rows of a batch name the account that they belong to; any other id may be a competitor's.
_ROW_SELLER: _Places = (("accountid",),)


class ReferenceKind(StrEnum):
    """What stored notifications are found by, besides whom they concern.

    `report` stands for all that Amazon makes on request: reports, feeds, Data Kiosk queries, and
    their documents. Amazon numbers them alike, and who has such a number need not know of what.
    """

    ORDER = "order"
    SKU = "sku"
    REPORT = "report"


Reference: TypeAlias = tuple[ReferenceKind, str]

_REFERENCES: Mapping[str, ReferenceKind] = {
    **dict.fromkeys(("amazonorderid", "orderid"), ReferenceKind.ORDER),
    **dict.fromkeys(("sku", "sellersku"), ReferenceKind.SKU),
    **dict.fromkeys(("reportid", "reportdocumentid"), ReferenceKind.REPORT),
    **dict.fromkeys(("feedid", "resultfeeddocumentid"), ReferenceKind.REPORT),
    **dict.fromkeys(("queryid", "datadocumentid", "errordocumentid"), ReferenceKind.REPORT),
    "documentid": ReferenceKind.REPORT,
}
# Where they stand deeper: the first step, the whole way, and the kind.
_DEEPER = tuple(
    (place[0].removesuffix("[]"), place, kind)
    for places, kind in ((_ORDER, ReferenceKind.ORDER), (_SKU, ReferenceKind.SKU))
    for place in places
    if len(place) > 1
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Identifiers:
    """What a payload is about. An id is None where there is none, or where there are several.

    Attributes:
        seller_id: Selling partner, without the prefix that account-wide types put before it.
        order_id: Amazon's order id; a fulfillment order of the seller's own is none.
        asins: All of them, each once, in the payload's order: batches are about many.
        skus: All of them, likewise.
    """

    seller_id: str | None = None
    marketplace_id: str | None = None
    order_id: str | None = None
    asins: tuple[str, ...] = ()
    skus: tuple[str, ...] = ()

    @property
    def asin(self) -> str | None:
        """The ASIN, if there is exactly one."""
        return self.asins[0] if len(self.asins) == 1 else None

    @property
    def sku(self) -> str | None:
        """The seller's SKU, if there is exactly one."""
        return self.skus[0] if len(self.skus) == 1 else None


def identifiers_of(payload: Mapping[str, Any]) -> Identifiers:
    """Return whom and what a notification's payload is about."""
    scopes = _Scopes(payload)
    orders = scopes.all(_ORDER)
    return Identifiers(
        seller_id=_seller(scopes),
        marketplace_id=scopes.one(_MARKETPLACE, _MARKETPLACE[:1]),
        order_id=orders[0] if len(orders) == 1 else None,
        asins=scopes.all(_ASIN),
        skus=scopes.all(_SKU),
    )


def owner_of(payload: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """Return seller and marketplace alone, as `identifiers_of` would."""
    scopes = _Scopes(payload)
    return _seller(scopes), scopes.one(_MARKETPLACE, _MARKETPLACE[:1])


def read_payload(
    payload: Mapping[str, Any],
) -> tuple[str | None, str | None, tuple[Reference, ...]]:
    """Return seller, marketplace, and what the notification can be found by later.

    References are each once; of a batch that names more than `MAX_REFERENCES`, so many.
    """
    scopes = _Scopes(payload)
    seller_id, marketplace_id = _seller(scopes), scopes.one(_MARKETPLACE, _MARKETPLACE[:1])
    return seller_id, marketplace_id, scopes.references()


def usable_id(value: Any) -> str | None:
    """Return an id without the spaces around it, or None where there is no usable one.

    Keys of the store have bounded length, and PostgreSQL refuses NUL in text.
    """
    if not isinstance(value, str):
        return None
    id_ = value.strip()
    return id_ if id_ and len(id_) <= MAX_ID_CHARS and id_.isprintable() else None


def folded(members: Mapping[str, Any]) -> dict[str, Any]:
    """Return an object's members by what all spellings of their keys have in common."""
    return {key.lower().replace("_", ""): value for key, value in members.items()}


def _seller(scopes: _Scopes) -> str | None:
    id_ = scopes.one(_SELLER, _ROW_SELLER)
    return None if id_ is None else id_.removeprefix(MERCHANT_PREFIX) or None


class _Scopes:
    """The objects of a payload in which ids are looked for: itself, and what its wrapper holds."""

    def __init__(self, payload: Mapping[str, Any]) -> None:
        outer = folded(payload)
        if len(outer) == 1:
            (inner,) = outer.values()
        else:
            inner = next((v for k, v in outer.items() if k.endswith("notification")), None)
        self._outer = outer
        self._inner = folded(inner) if isinstance(inner, dict) else {}
        rows = inner if isinstance(inner, list) else ()
        self._rows: Sequence[Mapping[str, Any]] = [folded(r) for r in rows if isinstance(r, dict)]

    def one(self, places: _Places, row_places: _Places) -> str | None:
        """Return the first id found; rows of a batch that differ have none in common."""
        for scope in (self._outer, self._inner):
            if (id_ := _first(scope, places)) is not None:
                return id_
        ids = {_first(row, row_places) for row in self._rows}
        return ids.pop() if len(ids) == 1 else None

    def all(self, places: _Places) -> tuple[str, ...]:
        """Return all different ids of the first place that has any, or of all rows."""
        for scope in (self._outer, self._inner):
            for place in places:
                if found := tuple(dict.fromkeys(_at(scope, place))):
                    return found
        return tuple(dict.fromkeys(id_ for row in self._rows for id_ in _at(row, places[0])))

    def references(self) -> tuple[Reference, ...]:
        """Return what the payload can be found by."""
        found: list[Reference] = []
        for scope in (self._outer, self._inner, *self._rows):
            # Every message passes here: what is not there must cost next to nothing.
            found += [
                (_REFERENCES[key], id_)
                for key in scope.keys() & _REFERENCES.keys()
                if (id_ := usable_id(scope[key])) is not None
            ]
            for first, place, kind in _DEEPER:
                if first in scope:
                    found += [(kind, id_) for id_ in _at(scope, place)]
        return tuple(sorted(set(found))[:MAX_REFERENCES]) if len(found) > 1 else tuple(found)


def _first(scope: Mapping[str, Any], places: _Places) -> str | None:
    for place in places:
        value = scope.get(place[0])
        if value is None:
            continue
        id_ = usable_id(value) if len(place) == 1 else next(_at(scope, place), None)
        if id_ is not None:
            return id_
    return None


def _at(scope: Mapping[str, Any], place: Sequence[str]) -> Iterator[str]:
    """Yield the usable ids at a place below an object whose keys are folded."""
    step, *rest = place
    if "=" in step:
        name, _, wanted = step.partition("=")
        if _folded_word(scope.get(name)) == wanted:
            yield from _at(scope, rest)
        return
    value = scope.get(step.removesuffix("[]"))
    if not rest:
        if (id_ := usable_id(value)) is not None:
            yield id_
        return
    for member in _members(value) if step.endswith("[]") else (value,):
        if isinstance(member, dict):
            yield from _at(folded(member), rest)


def _members(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list) else ()


def _folded_word(value: Any) -> str | None:
    return value.lower().replace("_", "") if isinstance(value, str) else None
