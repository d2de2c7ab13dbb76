import json
from collections import Counter

import pytest

from gateway.errors import InvalidInputError, OperationRemovedError
from gateway.model import UsagePlan
from gateway.spapi.catalog import Catalog
from tests.support.catalog_check import (
    COLUMNS,
    differences,
    digest,
    facts,
    model_differences,
    removed_facts,
)
from tests.support.models import read_models


@pytest.fixture(scope="module")
def catalog():
    return Catalog.load()


def test_it_holds_every_operation_once(catalog):
    assert len(catalog.operations) == 370
    assert len({(operation.method, operation.path) for operation in catalog.operations}) == 370
    assert len(catalog.removed) == 29


def test_a_full_name_a_unique_id_and_a_path_mean_the_same(catalog):
    operation = catalog.find("orders.2026-01-01.searchOrders")

    assert catalog.find("searchOrders") is operation
    assert catalog.find("GET /orders/2026-01-01/orders") is operation
    assert operation.page_parameter == "paginationToken"
    assert operation.next_token == "pagination.nextToken"


def test_an_ambiguous_id_is_refused_with_every_operation_it_may_mean(catalog):
    with pytest.raises(InvalidInputError) as caught:
        catalog.find("getOrder")

    for operation in catalog.all_named("getOrder"):
        assert operation.name in str(caught.value)
    assert len(catalog.all_named("getOrder")) == 5


def test_two_operations_of_one_name_are_told_apart_by_method_and_path(catalog):
    with pytest.raises(InvalidInputError, match=r"POST /shipping/v2/carrierAccounts/\{carrierId\}"):
        catalog.find("shipping.v2.linkCarrierAccount")


def test_a_removed_operation_says_when_and_what_to_use(catalog):
    for name in ("feeds.2020-09-04.createFeed", "POST /feeds/2020-09-04/feeds"):
        with pytest.raises(
            OperationRemovedError, match=r"removed on 2024-06-27; use feeds\.2021-06-30\.createFeed"
        ):
            catalog.find(name)
    with pytest.raises(OperationRemovedError, match="nothing replaces it"):
        catalog.find("CreateAmazonMotors")


def test_an_unknown_name_gets_a_hint(catalog):
    with pytest.raises(InvalidInputError, match=r"did you mean orders\.v0\.getOrder"):
        catalog.find("order.v0.getOrder")


def test_the_smaller_plan_holds_where_model_and_page_disagree(catalog):
    types = catalog.find("getDefinitionsProductType")

    assert (types.rate_per_s, types.burst) == (5, 10)
    assert types.plan == UsagePlan(rate_per_s=5, burst=5)
    assert types.application_plan == UsagePlan(rate_per_s=100, burst=100)


def test_an_unpublished_plan_is_none(catalog):
    unknown = [operation for operation in catalog.operations if operation.plan is None]

    assert len(unknown) == 52
    assert {operation.rate_source for operation in unknown} == {"unknown"}


def test_grantless_operations_name_their_scope(catalog):
    assert catalog.find("getDestinations").scope == "sellingpartnerapi::notifications"
    assert sum(operation.scope is not None for operation in catalog.operations) == 9


# What `make catalog-check` printed when the tables were last compared with their sources, without a
# difference: a table of 370 + 29 operations, and all of Amazon's models of 2026-08-05.
COMPARED = "df69b8b59a110032a4068275eaec08d9b2894fcf5338da7dad6af8d4e7e4e56e"
COMPARED_REMOVED = "431b143b89a44c5286bda37debe0769451715154ce0af01915e76de8aa2db528"


def test_the_facts_are_those_that_were_compared_with_their_sources(catalog):
    assert digest(facts(catalog)) == COMPARED
    assert digest(removed_facts(catalog)) == COMPARED_REMOVED


def test_the_figures_are_those_of_the_sources(catalog):
    live = catalog.operations

    assert Counter(one.rate_source.partition(" ")[0] for one in live) == {
        "model": 300,
        "unknown": 52,
        "history": 15,
        "page": 3,
    }
    assert sum(one.restricted for one in live) == 30
    assert sum(one.static_sandbox for one in live) == 294
    assert sum(one.sandbox_only for one in live) == 9
    assert sum(one.deprecated is not None for one in live) == 11
    assert sum(one.page_parameter is not None for one in live) == 77
    assert Counter(name for one in live for name in one.headers) == {
        "x-amzn-shipping-business-id": 20,
        "x-amzn-fulfillment-service-id": 9,
        "x-amzn-IdempotencyKey": 3,
        "destAccountDigitalSignature": 3,
        "amountDigitalSignature": 3,
        "locale": 1,
        "Accept-Language": 1,
        "x-amzn-idempotency-token": 1,
    }
    assert {one.id: one.repeated for one in live if one.repeated} == {
        "listItemComplianceDetails": ("mskus",),
        "listPrepDetails": ("mskus",),
    }


def test_the_comparison_finds_what_differs(catalog):
    own = dict(facts(catalog))
    other = dict(own)
    key = ("GET", "/sellers/v1/account")
    other[key] = (*other[key][:2], "99", *other[key][3:])
    gone = other.pop(("GET", "/sellers/v1/marketplaceParticipations"))
    other["GET", "/new"] = gone

    assert list(differences(own, other, COLUMNS)) == [
        "GET /new: the catalogue lacks it",
        "GET /sellers/v1/account: rate is '0.016', the source says '99'",
        "GET /sellers/v1/marketplaceParticipations: only the catalogue has it",
    ]
    assert digest(own) != digest(other)


def test_the_comparison_with_models_finds_what_differs(catalog, tmp_path):
    path = "/sellers/v1/account"
    plan = "| Rate (requests per second) | Burst |\n| ---- | ---- |\n| 0.5 | 15 |"
    get = {
        "operationId": "getAccountX",
        "description": plan,
        "parameters": [
            {"name": "x-amzn-a", "in": "header", "type": "string"},
            {"name": "ids", "in": "query", "type": "array", "collectionFormat": "multi"},
            {"name": "nextToken", "in": "query", "type": "string"},
        ],
        "responses": {"200": {}},
    }
    model = {
        "swagger": "2.0",
        "paths": {path: {"get": get, "x-amzn-api-sandbox-only": True}, "/new": {"put": get}},
    }
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "m.json").write_text(json.dumps(model))
    (tmp_path / "schema.json").write_text("[]")

    assert list(model_differences(catalog, read_models(tmp_path))) == [
        f"m.json: GET {path}: operation is 'getAccount', the model says 'getAccountX'",
        f"m.json: GET {path}: headers is [], the model says ['x-amzn-a']",
        f"m.json: GET {path}: repeated is [], the model says ['ids']",
        f"m.json: GET {path}: static_sandbox is True, the model says False",
        f"m.json: GET {path}: sandbox_only is False, the model says True",
        f"m.json: GET {path}: page_parameter is [None], the model says ['nextToken']",
        f"m.json: GET {path}: plan is (0.016, 15.0), the model says (0.5, 15.0)",
        "m.json: PUT /new: the catalogue lacks it",
    ]
