"""Regions, their endpoints and marketplaces, as data.

It decides which URL a region's calls go to. It never decides which region a seller belongs to: one
authorisation covers one region, and the seller's record says which.

Sources: Amazon's pages "SP-API Endpoints", "Marketplace IDs" and "The Selling Partner API sandbox".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from gateway.errors import InvalidInputError


class Region(StrEnum):
    """One of Amazon's three selling regions, as settings and sellers name it."""

    NA = "na"
    EU = "eu"
    FE = "fe"


@dataclass(frozen=True, slots=True, kw_only=True)
class Marketplace:
    """One of Amazon's shops.

    Attributes:
        id: Amazon's marketplace id.
        country: ISO 3166-1 alpha-2 code; the United Kingdom is `GB`.
    """

    id: str
    country: str
    name: str
    region: Region


_BY_REGION = {
    Region.NA: (
        ("A2EUQ1WTGCTBG2", "CA", "Canada"),
        ("ATVPDKIKX0DER", "US", "United States"),
        ("A1AM78C64UM0Y8", "MX", "Mexico"),
        ("A2Q3Y263D00KWC", "BR", "Brazil"),
    ),
    Region.EU: (
        ("A28R8C7NBKEWEA", "IE", "Ireland"),
        ("A1RKKUPIHCS9HS", "ES", "Spain"),
        ("A1F83G8C2ARO7P", "GB", "United Kingdom"),
        ("A13V1IB3VIYZZH", "FR", "France"),
        ("AMEN7PMS3EDWL", "BE", "Belgium"),
        ("A1805IZSGTT6HS", "NL", "Netherlands"),
        ("A1PA6795UKMFR9", "DE", "Germany"),
        ("APJ6JRA9NG5V4", "IT", "Italy"),
        ("A2NODRKZP88ZB9", "SE", "Sweden"),
        ("AE08WJ6YKNBMC", "ZA", "South Africa"),
        ("A1C3SOZRARQ6R3", "PL", "Poland"),
        ("ARBP9OOSHTCHU", "EG", "Egypt"),
        ("A33AVAJ2PDY3EV", "TR", "Turkey"),
        ("A17E79C6D8DWNP", "SA", "Saudi Arabia"),
        ("A2VIGQ35RCS4UG", "AE", "United Arab Emirates"),
        ("A21TJRUUN4KGV", "IN", "India"),
    ),
    Region.FE: (
        ("A19VAU5U5O7RUS", "SG", "Singapore"),
        ("A39IBJ37TRP1C6", "AU", "Australia"),
        ("A1VC38T7YXB528", "JP", "Japan"),
    ),
}

MARKETPLACES: Mapping[str, Marketplace] = MappingProxyType(
    {
        marketplace_id: Marketplace(id=marketplace_id, country=country, name=name, region=region)
        for region, rows in _BY_REGION.items()
        for marketplace_id, country, name in rows
    }
)
"""Every marketplace by its id."""


def region_named(text: str) -> Region:
    """Return the region that `text` names, whatever its case.

    Raises:
        InvalidInputError: There is no such region.
    """
    try:
        return Region(text.strip().lower())
    except ValueError as exc:
        known = ", ".join(Region)
        raise InvalidInputError(f"region {text!r} is unknown; write one of {known}") from exc


_ALWAYS_LIVE = "tokens."
_SANDBOX, _LIVE = "://sandbox.sellingpartnerapi-", "://sellingpartnerapi-"


class Endpoints:
    """Where each region's calls go: Amazon's own hosts unless overridden."""

    def __init__(
        self,
        *,
        endpoint: str | None = None,
        by_region: Mapping[str, str] | None = None,
        sandbox: bool = False,
    ) -> None:
        """Fix the base URL of every region.

        Args:
            endpoint: Base URL for all regions, such as a local SP-API.
            by_region: Base URLs of single regions; win over `endpoint`.
            sandbox: Take Amazon's sandbox hosts where nothing is overridden.

        Raises:
            InvalidInputError: `by_region` names an unknown region.
        """
        prefix = "sandbox." if sandbox else ""
        self._urls = {
            region: endpoint or f"https://{prefix}sellingpartnerapi-{region}.amazon.com"
            for region in Region
        }
        for name, url in (by_region or {}).items():
            self._urls[region_named(name)] = url

    def url(self, region: Region, operation: str = "") -> str:
        """Return the base URL of `region` for an operation, without a slash at its end.

        Amazon's sandbox gives no restricted data tokens; its calls take the live ones.
        """
        url = self._urls[region].rstrip("/")
        return url.replace(_SANDBOX, _LIVE, 1) if operation.startswith(_ALWAYS_LIVE) else url
