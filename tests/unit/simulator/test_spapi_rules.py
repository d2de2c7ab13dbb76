"""Tokens, usage plans, faults and routes of the local SP-API, without HTTP."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import InvalidInputError
from gateway.model import UsagePlan
from gateway.simulator.apis.restricted import asked_resources, opened_elements
from gateway.simulator.cast import DEFAULT_APPLICATION, DEFAULT_SELLERS
from gateway.simulator.spapi.accounts import Accounts, TokenState
from gateway.simulator.spapi.api import split_region
from gateway.simulator.spapi.faults import FaultKind, SpApiFaults, parse_fault
from gateway.simulator.spapi.operations import Routes
from gateway.simulator.spapi.usage import Caller, Usage
from gateway.spapi.catalog import Catalog
from tests.support.clock import FakeClock

CATALOG = Catalog.load()
GET_ORDER = CATALOG.find("orders.2026-01-01.getOrder")
GET_ORDER_V0 = CATALOG.find("orders.v0.getOrder")
CALLER = Caller("app", "seller", "na", GET_ORDER.name)
SELLER = DEFAULT_SELLERS[0]


def _accounts(clock: FakeClock, *, strict: bool = False) -> Accounts:
    return Accounts([DEFAULT_APPLICATION], DEFAULT_SELLERS, clock=clock, strict=strict)


@given(
    rate=st.sampled_from([0.0167, 0.5, 1.0, 5.0]),
    burst=st.integers(1, 40),
    waits=st.lists(st.sampled_from([0.0, 0.001, 0.3, 1.0, 2.0, 60.0]), max_size=120),
)
def test_a_bucket_lets_exactly_burst_and_rate_through(rate, burst, waits):
    clock = FakeClock()
    plan = UsagePlan(rate_per_s=rate, burst=burst)
    usage = Usage(clock=clock, plans={GET_ORDER.name: plan})
    passed_ms = []
    for wait_s in waits:
        clock.advance(wait_s)
        if usage.take(CALLER, GET_ORDER):
            passed_ms.append(clock.now_ms())
    for first, start_ms in enumerate(passed_ms):
        for last in range(first, len(passed_ms)):
            window_s = (passed_ms[last] - start_ms) / 1000
            assert last - first + 1 <= burst + window_s * rate + 1e-6


def test_buckets_are_apart_by_each_part_of_the_caller():
    plan = UsagePlan(rate_per_s=0.5, burst=1)
    usage = Usage(clock=FakeClock(), plans={GET_ORDER.name: plan})
    assert usage.take(CALLER, GET_ORDER)
    assert not usage.take(CALLER, GET_ORDER)
    for field in Caller._fields:
        assert usage.take(CALLER._replace(**{field: "other"}), GET_ORDER)


def test_a_plan_by_full_name_wins_over_one_by_operation_id():
    by_name, by_id = UsagePlan(rate_per_s=1, burst=1), UsagePlan(rate_per_s=2, burst=2)
    usage = Usage(clock=FakeClock(), plans={GET_ORDER.name: by_name, "getOrder": by_id})
    assert usage.plan(GET_ORDER) == by_name
    assert usage.plan(GET_ORDER_V0) == by_id
    assert Usage(clock=FakeClock(), plans={}).plan(GET_ORDER) == UsagePlan(rate_per_s=0.5, burst=30)


def test_calls_are_counted_with_times_and_throttles():
    clock = FakeClock(1_767_225_600_000)
    usage = Usage(clock=clock, plans={})
    for status in (200, 429):
        usage.came(CALLER)
        usage.answered(CALLER, status)
    assert usage.show() == [
        {
            "application": "app",
            "seller": "seller",
            "region": "na",
            "operation": "orders.2026-01-01.getOrder",
            "count": 2,
            "throttled": 1,
            "statuses": {"200": 1, "429": 1},
            "times": ["2026-01-01T00:00:00.000Z"] * 2,
        }
    ]


def test_a_token_is_good_until_it_ends():
    clock = FakeClock()
    accounts = _accounts(clock)
    token = accounts.issue("app", seller=SELLER)
    assert accounts.grant(token)[0] is TokenState.GOOD
    clock.advance(3_600)
    assert accounts.grant(token) == (TokenState.EXPIRED, None)
    assert accounts.grant("Atza|other") == (TokenState.UNKNOWN, None)
    assert accounts.grant(None) == (TokenState.MISSING, None)


def test_tokens_end_by_seller_or_all_together():
    accounts = _accounts(FakeClock())
    mine = accounts.issue("app", seller=SELLER)
    other = accounts.issue("app", seller=DEFAULT_SELLERS[1])
    accounts.expire_tokens(SELLER.id)
    assert accounts.grant(mine)[0] is TokenState.EXPIRED
    assert accounts.grant(other)[0] is TokenState.GOOD
    accounts.expire_tokens()
    assert accounts.grant(other)[0] is TokenState.EXPIRED


def test_ended_tokens_are_forgotten_in_time():
    clock = FakeClock()
    accounts = _accounts(clock)
    for _ in range(5):
        for _ in range(1_000):
            accounts.issue("app", seller=SELLER)
        clock.advance(3_600)
    assert len(accounts._grants) <= 3_000


def test_a_revoked_seller_loses_tokens_and_gets_none_until_restored():
    accounts = _accounts(FakeClock())
    token = accounts.issue(DEFAULT_APPLICATION.id, seller=SELLER)
    accounts.revoke(SELLER.id)
    assert accounts.grant(token)[0] is TokenState.EXPIRED
    assert accounts.seller(DEFAULT_APPLICATION, SELLER.refresh_token) is None
    accounts.restore(SELLER.id)
    assert accounts.seller(DEFAULT_APPLICATION, SELLER.refresh_token) is SELLER


def test_unknown_credentials_are_good_unless_strict():
    accounts = _accounts(FakeClock())
    application = accounts.application("someone", "secret")
    assert application is not None
    seller = accounts.seller(application, "Atzr|anything")
    assert seller is not None
    assert seller == accounts.seller(application, "Atzr|anything")
    assert seller.id != accounts.seller(application, "Atzr|else").id
    assert accounts.application(DEFAULT_APPLICATION.client_id, "wrong") is None
    assert accounts.application("", "") is None
    strict = _accounts(FakeClock(), strict=True)
    assert strict.application("someone", "secret") is None
    assert strict.seller(DEFAULT_APPLICATION, "Atzr|anything") is None


def test_a_refresh_token_is_worth_nothing_to_another_application():
    accounts = _accounts(FakeClock())
    assert accounts.seller(accounts.application("x", "y"), SELLER.refresh_token) is None


@pytest.mark.parametrize(
    ("text", "kind", "number"),
    [
        ("status=429", FaultKind.STATUS, 429),
        ("status", FaultKind.STATUS, 500),
        ("html", FaultKind.HTML, 503),
        ("empty=502", FaultKind.EMPTY, 502),
        ("stall=0.5", FaultKind.STALL, 0.5),
        (" dropped ", FaultKind.DROPPED, 0),
    ],
)
def test_a_fault_is_read_from_its_text(text, kind, number):
    fault = parse_fault(text)
    assert (fault.kind, fault.number) == (kind, number)


@pytest.mark.parametrize("text", ["", "nonsense", "status=x", "status=42", "html=600"])
def test_a_text_that_is_no_fault_is_refused(text):
    with pytest.raises(InvalidInputError):
        parse_fault(text)


def test_a_fault_strikes_whom_it_is_for_and_as_often_as_told():
    faults = SpApiFaults(random=Random(1))
    faults.add("html", operation="getOrder", seller="s", times=2)
    assert faults.strike(operation="orders.v0.getOrder", seller="other") is None
    assert faults.strike(operation="orders.v0.getOrders", seller="s") is None
    assert faults.strike(operation="orders.v0.getOrder", seller="s").kind is FaultKind.HTML
    assert faults.strike(operation=GET_ORDER.name, seller="s").kind is FaultKind.HTML
    assert faults.strike(operation=GET_ORDER.name, seller="s") is None
    assert faults.show() == []


def test_a_fault_with_a_chance_strikes_some():
    faults = SpApiFaults(random=Random(1))
    faults.add("status=500", chance=0.25)
    struck = sum(faults.strike(operation="x", seller=None) is not None for _ in range(1_000))
    assert 200 < struck < 300
    with pytest.raises(InvalidInputError):
        faults.add("status=500", chance=1.5)


def test_routes_tell_the_versions_apart():
    routes = Routes(CATALOG.operations)
    operation, arguments = routes.find("GET", "/orders/v0/orders/111-2-3")
    assert (operation, arguments) == (GET_ORDER_V0, {"orderId": "111-2-3"})
    assert routes.find("GET", "/orders/2026-01-01/orders/1")[0] is GET_ORDER
    assert routes.find("POST", "/orders/v0/orders/1") is None
    assert routes.find("GET", "/orders/v0/orders/1/nothing") is None
    assert routes.find("GET", "/orders/v0/orders/") is not routes.find("GET", "/orders/v0/orders/1")


def test_every_catalogued_operation_is_found_by_its_own_path():
    routes = Routes(CATALOG.operations)
    for operation in CATALOG.operations:
        path = operation.path.replace("{", "a%2Fb-").replace("}", "")
        found, arguments = routes.find(operation.method, path)
        assert found is operation
        assert all(value == f"a/b-{name}" for name, value in arguments.items())
        assert len(arguments) == operation.path.count("{")


def test_an_application_has_a_limit_over_all_its_sellers_where_amazon_states_one():
    operation = CATALOG.find("catalogItems.2022-04-01.getCatalogItem")
    shared = operation.application_plan
    usage = Usage(clock=FakeClock(), plans={})
    passed = sum(
        usage.take(Caller("app", f"seller-{number}", "na", operation.name), operation)
        for number in range(shared.burst + 7)
    )
    assert passed == shared.burst
    assert usage.take(Caller("other", "seller-1", "na", operation.name), operation)


@pytest.mark.parametrize(
    ("path", "region", "rest"),
    [
        ("/eu/orders/v0/orders/1", "eu", "/orders/v0/orders/1"),
        ("/orders/v0/orders/1", "", "/orders/v0/orders/1"),
        ("/na", "na", "/"),
        ("/", "", "/"),
    ],
)
def test_the_region_is_read_off_the_path(path, region, rest):
    assert split_region(path) == (region, rest)


def test_a_restricted_token_opens_by_path_and_by_template():
    body = (
        b'{"restrictedResources": [{"method": "GET", "path": "/orders/v0/orders/{orderId}",'
        b' "dataElements": ["buyerInfo"]}, {"method": "GET", "path": "/orders/v0/orders/1",'
        b' "dataElements": ["shippingAddress"]}]}'
    )
    accounts = _accounts(FakeClock())
    _, grant = accounts.grant(accounts.issue("app", seller=SELLER))
    _, opened = accounts.grant(accounts.restrict(grant, asked_resources(body)))
    template = GET_ORDER_V0.path
    assert opened_elements(opened, path="/orders/v0/orders/1", template=template) == {
        "buyerInfo",
        "shippingAddress",
    }
    assert opened_elements(opened, path="/orders/v0/orders/2", template=template) == {"buyerInfo"}
    assert opened_elements(grant, path="/orders/v0/orders/1", template=template) == frozenset()
