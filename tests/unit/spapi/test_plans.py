import pytest
from structlog.testing import capture_logs

from gateway.errors import ConfigurationError
from gateway.model import UsagePlan
from gateway.spapi.catalog import UNKNOWN_PLAN, Catalog
from gateway.spapi.plans import UsagePlans, with_margin

CATALOG = Catalog.load()
GET_ORDER = CATALOG.find("orders.2026-01-01.getOrder")
GET_ORDER_V0 = CATALOG.find("orders.v0.getOrder")
UNPUBLISHED = CATALOG.find("awd.2024-05-09.listReplenishmentOrders")
MINE = UsagePlan(rate_per_s=2, burst=7)


def test_the_catalogues_plan_holds_until_amazon_names_another_rate():
    plans = UsagePlans(CATALOG)

    assert (
        plans.known(GET_ORDER, "k")
        == plans.stated(GET_ORDER)
        == UsagePlan(rate_per_s=0.5, burst=30)
    )
    assert plans.learn(GET_ORDER, "k", "1.5") == UsagePlan(rate_per_s=1.5, burst=30)
    assert plans.known(GET_ORDER, "k").rate_per_s == 1.5
    assert plans.known(GET_ORDER, "another seller").rate_per_s == 0.5
    assert plans.stated(GET_ORDER).rate_per_s == 0.5


def test_a_rate_is_news_when_it_is_first_named_and_when_it_changes():
    plans = UsagePlans(CATALOG)

    assert plans.learn(GET_ORDER, "k", "0.5003") == UsagePlan(rate_per_s=0.5, burst=30)
    assert plans.learn(GET_ORDER, "k", "0.5") is None
    assert plans.learn(GET_ORDER, "k", "0.25") is not None
    assert plans.learn(GET_ORDER, "k", "0.25") is None
    assert plans.learn(GET_ORDER, "k", "0.5") is not None


@pytest.mark.parametrize("limit", [None, "", "fast", "nan", "inf", "-1", "0"])
def test_a_header_that_names_no_rate_changes_nothing(limit):
    assert UsagePlans(CATALOG).learn(GET_ORDER, "k", limit) is None


def test_the_settings_win_over_header_and_catalogue():
    plans = UsagePlans(CATALOG, {"getOrder": MINE})

    assert plans.stated(GET_ORDER) == plans.stated(GET_ORDER_V0) == MINE
    assert plans.learn(GET_ORDER, "k", "9") is None
    assert plans.known(GET_ORDER, "k") == MINE


def test_a_full_name_wins_over_a_bare_id():
    other = UsagePlan(rate_per_s=3, burst=1)
    plans = UsagePlans(CATALOG, {"orders.v0.getOrder": other, "getOrder": MINE})

    assert plans.stated(GET_ORDER) == MINE
    assert plans.stated(GET_ORDER_V0) == other


def test_faults_of_the_settings_are_reported_together():
    bad = {
        "getOdrer": MINE,
        "getOrder": UsagePlan(rate_per_s=0, burst=1),
        "getFeed": UsagePlan(rate_per_s=1, burst=0),
    }

    with pytest.raises(ConfigurationError) as caught:
        UsagePlans(CATALOG, bad)
    assert {fault.where for fault in caught.value.faults} == {
        f"spapi.usage_plans.{name}" for name in bad
    }


def test_a_guess_is_careful_and_said_once():
    plans = UsagePlans(CATALOG)
    with capture_logs() as logs:
        assert plans.stated(UNPUBLISHED) == plans.known(UNPUBLISHED, "b") == UNKNOWN_PLAN
    plans.learn(UNPUBLISHED, "a", "5")

    assert [line["operation"] for line in logs] == [UNPUBLISHED.name]
    assert plans.known(UNPUBLISHED, "a") == UsagePlan(rate_per_s=5, burst=1)


def test_a_margin_is_left_unused():
    assert with_margin(UsagePlan(rate_per_s=10, burst=30)) == UsagePlan(rate_per_s=9.8, burst=29)
    assert with_margin(UsagePlan(rate_per_s=10, burst=1)).burst == 1
