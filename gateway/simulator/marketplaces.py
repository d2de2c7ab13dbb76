"""What the generators need to know of marketplaces: region, country, currency, shop name.

Source: Amazon's page "Marketplace IDs".
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Marketplace:
    """A marketplace.

    Attributes:
        region: `na`, `eu` or `fe`.
        decimals: Digits behind the point in prices.
    """

    id: str
    region: str
    country: str
    currency: str
    shop: str
    decimals: int = 2


_ALL = (
    Marketplace("ATVPDKIKX0DER", "na", "US", "USD", "Amazon.com"),
    Marketplace("A2EUQ1WTGCTBG2", "na", "CA", "CAD", "Amazon.ca"),
    Marketplace("A1AM78C64UM0Y8", "na", "MX", "MXN", "Amazon.com.mx"),
    Marketplace("A2Q3Y263D00KWC", "na", "BR", "BRL", "Amazon.com.br"),
    Marketplace("A1F83G8C2ARO7P", "eu", "GB", "GBP", "Amazon.co.uk"),
    Marketplace("A1PA6795UKMFR9", "eu", "DE", "EUR", "Amazon.de"),
    Marketplace("A13V1IB3VIYZZH", "eu", "FR", "EUR", "Amazon.fr"),
    Marketplace("APJ6JRA9NG5V4", "eu", "IT", "EUR", "Amazon.it"),
    Marketplace("A1RKKUPIHCS9HS", "eu", "ES", "EUR", "Amazon.es"),
    Marketplace("A1805IZSGTT6HS", "eu", "NL", "EUR", "Amazon.nl"),
    Marketplace("A28R8C7NBKEWEA", "eu", "IE", "EUR", "Amazon.ie"),
    Marketplace("AMEN7PMS3EDWL", "eu", "BE", "EUR", "Amazon.com.be"),
    Marketplace("A2NODRKZP88ZB9", "eu", "SE", "SEK", "Amazon.se"),
    Marketplace("A1C3SOZRARQ6R3", "eu", "PL", "PLN", "Amazon.pl"),
    Marketplace("A33AVAJ2PDY3EV", "eu", "TR", "TRY", "Amazon.com.tr"),
    Marketplace("AE08WJ6YKNBMC", "eu", "ZA", "ZAR", "Amazon.co.za"),
    Marketplace("ARBP9OOSHTCHU", "eu", "EG", "EGP", "Amazon.eg"),
    Marketplace("A17E79C6D8DWNP", "eu", "SA", "SAR", "Amazon.sa"),
    Marketplace("A2VIGQ35RCS4UG", "eu", "AE", "AED", "Amazon.ae"),
    Marketplace("A21TJRUUN4KGV", "eu", "IN", "INR", "Amazon.in"),
    Marketplace("A1VC38T7YXB528", "fe", "JP", "JPY", "Amazon.co.jp", 0),
    Marketplace("A39IBJ37TRP1C6", "fe", "AU", "AUD", "Amazon.com.au"),
    Marketplace("A19VAU5U5O7RUS", "fe", "SG", "SGD", "Amazon.sg"),
)
MARKETPLACES: Mapping[str, Marketplace] = MappingProxyType({place.id: place for place in _ALL})
DEFAULT_MARKETPLACE = _ALL[0]


def marketplace(marketplace_id: str) -> Marketplace:
    """Return a marketplace by id; the United States where the id is none of Amazon's."""
    return MARKETPLACES.get(marketplace_id, DEFAULT_MARKETPLACE)
