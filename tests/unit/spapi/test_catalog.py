import pytest

from gateway.errors import InvalidInputError
from gateway.model import UsagePlan
from gateway.spapi.catalog import Catalog


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
    with pytest.raises(
        InvalidInputError, match=r"removed on 2024-06-27; use feeds\.2021-06-30\.createFeed"
    ):
        catalog.find("feeds.2020-09-04.createFeed")
    with pytest.raises(InvalidInputError, match="nothing replaces it"):
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
