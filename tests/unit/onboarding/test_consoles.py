"""Where sellers consent, and which addresses are Amazon's."""

from __future__ import annotations

import pytest

from gateway.errors import InvalidInputError
from gateway.onboarding.consoles import (
    confirmed_solution,
    console_url,
    marketplace_named,
    region_of,
)
from gateway.spapi.regions import MARKETPLACES, Region

CONFIRM = "/apps/authorize/confirm/amzn1.sp.solution.1"


def test_every_marketplace_and_region_has_a_console() -> None:
    for vendor in (False, True):
        for place in MARKETPLACES.values():
            url = console_url(region=place.region, marketplace_id=place.id, vendor=vendor)
            assert confirmed_solution(url + CONFIRM) == "amzn1.sp.solution.1"
            assert region_of(url + CONFIRM) in {None, place.region}
        for region in Region:
            assert console_url(region=region, marketplace_id=None, vendor=vendor)


@pytest.mark.parametrize(
    ("marketplace", "vendor", "host"),
    [
        ("DE", False, "sellercentral-europe.amazon.com"),
        ("DE", True, "vendorcentral.amazon.de"),
        ("JP", False, "sellercentral.amazon.co.jp"),
        ("uk", False, "sellercentral-europe.amazon.com"),
        ("ATVPDKIKX0DER", False, "sellercentral.amazon.com"),
    ],
)
def test_a_marketplace_decides_the_console(marketplace: str, vendor: bool, host: str) -> None:
    place = marketplace_named(marketplace)
    url = console_url(region=None, marketplace_id=place.id, vendor=vendor)
    assert url == f"https://{host}"


def test_a_marketplace_that_is_none_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="'XX' is unknown"):
        marketplace_named("XX")


@pytest.mark.parametrize(
    ("url", "region"),
    [
        ("https://sellercentral-europe.amazon.com", "eu"),
        ("https://sellercentral.amazon.com.au", "fe"),
        ("https://vendorcentral.amazon.ca", "na"),
        ("https://sellercentral.amazon.com", None),
        ("https://amazon.com", None),
    ],
)
def test_a_console_may_tell_the_region(url: str, region: str | None) -> None:
    assert region_of(url + CONFIRM) == region


@pytest.mark.parametrize(
    "url",
    [
        "https://amazon.com.evil.example" + CONFIRM,
        "https://evil.example/amazon.com" + CONFIRM,
        "https://evilamazon.com" + CONFIRM,
        "https://amazon.com@evil.example" + CONFIRM,
        "https://evil.example\\.amazon.com" + CONFIRM,
        "https://evil.example%2F.amazon.com" + CONFIRM,
        "https://evil.example#.amazon.com" + CONFIRM,
        "https://amazon.com:8443" + CONFIRM,
        "https://amazon.com:x" + CONFIRM,
        "http://amazon.com" + CONFIRM,
        "javascript:https://amazon.com" + CONFIRM,
        "//amazon.com" + CONFIRM,
        "https://amazon.com/apps/authorize/confirm/",
        "https://amazon.com/apps/authorize/consent",
        "https://аmazon.com" + CONFIRM,
        "https://amazon.com\n" + CONFIRM,
        "",
    ],
)
def test_a_browser_is_sent_nowhere_but_to_amazon(url: str) -> None:
    assert confirmed_solution(url) is None


def test_a_local_spapi_is_taken_for_amazon_only_where_it_is_named() -> None:
    local = "http://127.0.0.1:9324"
    assert confirmed_solution(local + CONFIRM, instead=local) == "amzn1.sp.solution.1"
    assert confirmed_solution(local + CONFIRM) is None
    assert confirmed_solution(local + "0" + CONFIRM, instead=local) is None
    assert confirmed_solution(local + "@evil.example" + CONFIRM, instead=local) is None
