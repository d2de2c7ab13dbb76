from collections import Counter

import pytest

from gateway.errors import InvalidInputError
from gateway.spapi.regions import MARKETPLACES, Endpoints, Region, region_named


def test_every_marketplace_is_there_once_in_its_region():
    regions = Counter(marketplace.region for marketplace in MARKETPLACES.values())

    assert regions == {Region.NA: 4, Region.EU: 16, Region.FE: 3}
    assert len({marketplace.country for marketplace in MARKETPLACES.values()}) == 23
    assert MARKETPLACES["A1PA6795UKMFR9"].country == "DE"


def test_amazons_own_hosts_stand_unless_overridden():
    assert Endpoints().url(Region.EU) == "https://sellingpartnerapi-eu.amazon.com"
    assert (
        Endpoints(sandbox=True).url(Region.NA) == "https://sandbox.sellingpartnerapi-na.amazon.com"
    )


def test_the_sandbox_takes_restricted_data_tokens_from_the_live_host():
    tokens = "tokens.2021-03-01.createRestrictedDataToken"

    sandbox = Endpoints(sandbox=True)
    assert sandbox.url(Region.EU, tokens) == "https://sellingpartnerapi-eu.amazon.com"
    assert sandbox.url(Region.EU, "orders.v0.getOrder").startswith("https://sandbox.")
    named = Endpoints(endpoint="https://sandbox.sellingpartnerapi-na.amazon.com/")
    assert named.url(Region.NA, tokens) == "https://sellingpartnerapi-na.amazon.com"
    assert Endpoints(endpoint="http://a", sandbox=True).url(Region.EU, tokens) == "http://a"


def test_one_regions_override_wins_over_that_of_all():
    endpoints = Endpoints(endpoint="http://a/", by_region={"FE": "http://b/"})

    assert endpoints.url(Region.NA) == "http://a"
    assert endpoints.url(Region.FE) == "http://b"


def test_an_unknown_region_is_refused_with_those_that_exist():
    assert region_named(" EU ") is Region.EU
    with pytest.raises(InvalidInputError, match="'us' is unknown; write one of na, eu, fe"):
        region_named("us")
