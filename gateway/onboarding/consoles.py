"""Where sellers and vendors consent: Amazon's consoles, as data. Pure.

Sources: Amazon's pages "Seller Central URLs", "Vendor Central URLs", "Website Authorization
Workflow" and "Selling Partner Appstore Authorization Workflow".
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import urlencode, urlsplit

from gateway.errors import InvalidInputError
from gateway.spapi.regions import MARKETPLACES, Marketplace, Region

CONSENT_PATH: Final = "/apps/authorize/consent"
CONFIRM_PATH: Final = "/apps/authorize/confirm/"

_EUROPE: Final = "sellercentral-europe.amazon.com"
_SELLER: Final = {
    "CA": "sellercentral.amazon.ca",
    "US": "sellercentral.amazon.com",
    "MX": "sellercentral.amazon.com.mx",
    "BR": "sellercentral.amazon.com.br",
    "IE": "sellercentral.amazon.ie",
    "ES": _EUROPE,
    "GB": _EUROPE,
    "FR": _EUROPE,
    "BE": "sellercentral.amazon.com.be",
    "NL": "sellercentral.amazon.nl",
    "DE": _EUROPE,
    "IT": _EUROPE,
    "SE": "sellercentral.amazon.se",
    "ZA": "sellercentral.amazon.co.za",
    "PL": "sellercentral.amazon.pl",
    "EG": "sellercentral.amazon.eg",
    "TR": "sellercentral.amazon.com.tr",
    "SA": "sellercentral.amazon.sa",
    "AE": "sellercentral.amazon.ae",
    "IN": "sellercentral.amazon.in",
    "SG": "sellercentral.amazon.sg",
    "AU": "sellercentral.amazon.com.au",
    "JP": "sellercentral.amazon.co.jp",
}
_VENDOR: Final = {
    "CA": "vendorcentral.amazon.ca",
    "US": "vendorcentral.amazon.com",
    "MX": "vendorcentral.amazon.com.mx",
    "BR": "vendorcentral.amazon.com.br",
    "ES": "vendorcentral.amazon.es",
    "GB": "vendorcentral.amazon.co.uk",
    "FR": "vendorcentral.amazon.fr",
    "BE": "vendorcentral.amazon.com.be",
    "NL": "vendorcentral.amazon.nl",
    "DE": "vendorcentral.amazon.de",
    "IT": "vendorcentral.amazon.it",
    "SE": "vendorcentral.amazon.se",
    "PL": "vendorcentral.amazon.pl",
    "EG": "vendorcentral.amazon.me",
    "TR": "vendorcentral.amazon.com.tr",
    "SA": "vendorcentral.amazon.me",
    "AE": "vendorcentral.amazon.me",
    "IN": "www.vendorcentral.in",
    "SG": "vendorcentral.amazon.com.sg",
    "AU": "vendorcentral.amazon.com.au",
    "JP": "vendorcentral.amazon.co.jp",
}
# Where to send those of whom only the region is known; of the Far East any console will do.
_FIRST: Final = {Region.NA: "US", Region.EU: "GB", Region.FE: "JP"}
# What browsers and this module read alike: no backslashes, controls or names in other scripts.
_PLAIN: Final = re.compile(r"[A-Za-z0-9:/?&=%._~+-]+")
_HOST: Final = re.compile(r"[a-z0-9.-]+")
_AMAZONS: Final = frozenset(
    host.split(".", 1)[1] if host.startswith(("sellercentral", "vendorcentral")) else host[4:]
    for host in (*_SELLER.values(), *_VENDOR.values())
)
_BY_COUNTRY: Final = {place.country: place for place in MARKETPLACES.values()}


def marketplace_named(text: str) -> Marketplace:
    """Return the marketplace of an id, or of a country such as `DE`.

    Raises:
        InvalidInputError: There is none.
    """
    name = text.strip().upper()
    found = MARKETPLACES.get(name) or _BY_COUNTRY.get("GB" if name == "UK" else name)
    if found is None:
        known = ", ".join(sorted(_BY_COUNTRY))
        raise InvalidInputError(
            f"marketplace {text!r} is unknown; write an id of Amazon's or a country: {known}"
        )
    return found


def console_url(
    *, region: str | None, marketplace_id: str | None, vendor: bool, instead: str | None = None
) -> str:
    """Return the address of the console where a seller of a marketplace or region signs in.

    Args:
        region: Where no marketplace is known; North America's without both.
        marketplace_id: Decides where it is known.
        vendor: Whether it is Vendor Central.
        instead: Another address for all of them, such as that of a local SP-API.
    """
    if instead is not None:
        return instead.rstrip("/")
    place = MARKETPLACES.get(marketplace_id or "")
    first = _FIRST[Region(region)] if region is not None else "US"
    hosts = _VENDOR if vendor else _SELLER
    return f"https://{hosts.get(place.country if place else first, hosts[first])}"


def consent_url(
    console: str, *, solution_id: str, state: str, redirect_uri: str, draft: bool
) -> str:
    """Return the page on which a seller consents."""
    query = {"application_id": solution_id, "state": state, "redirect_uri": redirect_uri}
    return f"{console}{CONSENT_PATH}?{urlencode(query | _version(draft=draft))}"


def confirm_url(
    callback_uri: str, *, amazon_state: str, state: str, redirect_uri: str, draft: bool
) -> str:
    """Return where a browser goes on that Amazon sent to the login URI."""
    query = {"redirect_uri": redirect_uri, "amazon_state": amazon_state, "state": state}
    joint = "&" if urlsplit(callback_uri).query else "?"
    return f"{callback_uri}{joint}{urlencode(query | _version(draft=draft))}"


def confirmed_solution(callback_uri: str, *, instead: str | None = None) -> str | None:
    """Return the application that a callback URI of Amazon's confirms; None if it isn't Amazon's.

    Anybody can write the address that a browser is sent on to, with a state of ours in it.

    Args:
        callback_uri: `amazon_callback_uri`.
        instead: Address of a local SP-API that is taken for Amazon's.
    """
    if _PLAIN.fullmatch(callback_uri) is None:
        return None
    try:
        split = urlsplit(callback_uri)
        host, port = split.hostname or "", split.port
    except ValueError:
        return None
    local = instead is not None and callback_uri.startswith(f"{instead.rstrip('/')}/")
    amazons = split.scheme == "https" and port in {None, 443} and _is_amazons(host)
    plain = split.username is None and split.password is None and not split.fragment
    if not plain or not (local or amazons) or not split.path.startswith(CONFIRM_PATH):
        return None
    return split.path.removeprefix(CONFIRM_PATH) or None


def region_of(callback_uri: str) -> str | None:
    """Return the region of the console that a URI is of, where that tells it.

    Accounts of all regions can sign in at amazon.com.
    """
    host = urlsplit(callback_uri).hostname or ""
    if host.endswith("amazon.com") and host != _EUROPE:
        return None
    for hosts in (_SELLER, _VENDOR):
        for country, known in hosts.items():
            if host == known:
                return _BY_COUNTRY[country].region.value
    return None


def _is_amazons(host: str) -> bool:
    return _HOST.fullmatch(host) is not None and any(
        host == domain or host.endswith(f".{domain}") for domain in _AMAZONS
    )


def _version(*, draft: bool) -> dict[str, str]:
    return {"version": "beta"} if draft else {}
