import asyncio
import json
import re
from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from gateway.calls_made import CallLog, CallMade
from gateway.errors import (
    InvalidInputError,
    NotFoundError,
    OperationRemovedError,
    SpApiAuthorizationError,
    SpApiRequestError,
    SpApiRetryableError,
)
from gateway.model import SellerState, UsagePlan
from gateway.spapi.catalog import Catalog
from gateway.spapi.throttle import CallDeferred
from gateway.spapi.transport import Request, TransportFault
from tests.support.clock import FakeClock
from tests.support.spapi import (
    CLIENT_SECRET,
    REFRESH_TOKEN,
    FakeAmazon,
    Rig,
    answer,
    errors,
    seller,
)
from tests.support.virtual_time import VirtualClock

GET_ORDER = "orders.2026-01-01.getOrder"
ORDER = answer(200, {"order": {"orderId": "902-1"}})
HTML = b"<html>Service Unavailable</html>"


def fault(*, sent=True, timed_out=False):
    request = Request(operation=GET_ORDER, seller_id="S1", method="GET", url="x")
    return TransportFault("broke off", request=request, sent=sent, timed_out=timed_out)


def rig(*script, **options):
    return Rig(clock=FakeClock(), amazon=FakeAmazon(script=list(script) or [ORDER]), **options)


async def get_order(made, **options):
    return await made.client.for_seller("S1", **options).call(GET_ORDER, orderId="902-1")


async def create_report(made):
    calls = made.client.for_seller("S1", patience_s=float("inf"))
    return await calls.call("reports.2021-06-30.createReport", body={"reportType": "X"})


async def test_a_call_goes_to_its_region_with_token_and_date():
    made = rig()
    answered = await get_order(made)

    (request,) = made.amazon.requests
    assert answered == {"order": {"orderId": "902-1"}}
    assert request.method == "GET"
    assert request.url == "https://sellingpartnerapi-eu.amazon.com/orders/2026-01-01/orders/902-1"
    assert request.headers["x-amz-access-token"] == "token-1"
    assert request.headers["x-amz-date"] == "20270115T080000Z"
    assert made.metrics.outcomes == [(GET_ORDER, "ok")]


async def test_typed_calls_return_an_order():
    made = rig(answer(200, {"order": {"orderId": "902-1"}, "payload": {"AmazonOrderId": "902-1"}}))
    calls = made.client.for_seller("S1")

    assert (await calls.orders.get_order("902-1")).order_id == "902-1"
    assert (await calls.orders_v0.get_order("902-1")).order_id == "902-1"
    assert made.amazon.requests[0].url.endswith("?includedData=FULFILLMENT,PROCEEDS")


async def test_a_grantless_call_carries_the_applications_token():
    made = rig(answer(200, {"payload": []}))
    await made.client.for_seller("S1").call("getDestinations")

    assert made.amazon.logins[0]["scope"] == "sellingpartnerapi::notifications"
    assert list(made.buckets.buckets) == ["app/eu/GET:notifications.v1.getDestinations"]


@pytest.mark.parametrize(
    "bad",
    [
        answer(500, errors("InternalFailure")),
        answer(502, HTML),
        answer(503, b""),
        answer(504, b'{"errors": [{"c'),
        answer(200, b'{"order": {"ord'),
        answer(200, b""),
        fault(),
        fault(timed_out=True),
        fault(sent=False),
    ],
)
async def test_a_passing_fault_is_asked_again(bad):
    made = rig(bad, bad, ORDER)

    assert await get_order(made) == {"order": {"orderId": "902-1"}}
    assert len(made.amazon.requests) == 3


@pytest.mark.parametrize(
    "bad", [answer(500, HTML), answer(503, b""), fault(), answer(200, b'{"rep')]
)
async def test_a_call_that_may_have_had_its_effect_is_not_repeated(bad):
    made = rig(bad, answer(202, {"reportId": "1"}))

    with pytest.raises(SpApiRetryableError):
        await create_report(made)
    assert len(made.amazon.requests) == 1


@pytest.mark.parametrize(
    "bad", [answer(429, errors("QuotaExceeded")), answer(401, b""), fault(sent=False)]
)
async def test_one_that_surely_had_none_is(bad):
    made = rig(bad, answer(202, {"reportId": "1"}))

    assert await create_report(made) == {"reportId": "1"}
    assert len(made.amazon.requests) == 2


@pytest.mark.parametrize("bad", [answer(500, HTML), fault()])
async def test_the_budget_ends_the_repeating(bad):
    made = rig(bad)

    with pytest.raises(SpApiRetryableError) as caught:
        await get_order(made)
    assert caught.value.retry_after_s > 0
    assert made.clock.monotonic_s() - 1_800_000_000 <= 20
    assert 5 < len(made.amazon.requests) < 15


async def test_waits_are_not_shorter_than_asked_for():
    made = rig(answer(503, b"", Retry_After="15"), ORDER)
    await get_order(made)

    assert made.clock.monotonic_s() - 1_800_000_000 >= 15


@pytest.mark.parametrize("status", [400, 404, 409, 413, 415, 422])
async def test_a_wrong_request_is_not_repeated(status):
    made = rig(answer(status, errors("InvalidInput", "no", details="why"), x_amzn_RequestId="r-1"))

    with pytest.raises(SpApiRequestError) as caught:
        await get_order(made)
    assert (caught.value.status, caught.value.code, caught.value.request_id) == (
        status,
        "InvalidInput",
        "r-1",
    )
    assert len(made.amazon.requests) == 1


# ── refused tokens ───────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("status", [401, 403])
async def test_a_refused_token_is_renewed_once(status):
    made = rig(answer(status, errors("Unauthorized")), ORDER)
    await get_order(made)

    assert made.amazon.tokens == ["token-1", "token-2"]


@pytest.mark.parametrize("status", [401, 403])
async def test_a_second_refusal_is_final(status):
    made = rig(answer(status, errors("Unauthorized", "Access to requested resource is denied.")))

    with pytest.raises(SpApiAuthorizationError, match=r"S1 \(eu\).*Unauthorized"):
        await get_order(made)
    assert made.amazon.tokens == ["token-1", "token-2"]


async def test_a_missing_role_costs_the_next_calls_no_token():
    made = rig(answer(403, errors("Unauthorized")))
    for _ in range(5):
        with pytest.raises(SpApiAuthorizationError):
            await get_order(made)

    assert len(made.amazon.logins) == 2
    assert len(made.amazon.requests) == 6


async def test_fifty_calls_whose_token_ended_renew_it_once():
    clock = VirtualClock()
    made = Rig(clock=clock, amazon=FakeAmazon(script=[answer(401, b"")] * 25 + [ORDER]))
    got = await clock.run(*(get_order(made, patience_s=float("inf")) for _ in range(25)))

    assert got == [{"order": {"orderId": "902-1"}}] * 25
    assert len(made.amazon.logins) == 2


# ── usage plans ──────────────────────────────────────────────────────────────────────────────────


async def test_a_429_closes_the_bucket_and_gives_the_worker_back():
    made = rig(answer(429, errors("QuotaExceeded")))

    with pytest.raises(CallDeferred) as caught:
        await get_order(made)
    assert caught.value.until_ms >= made.clock.now_ms() + 1000
    assert caught.value.slot == "app/eu/GET:orders.2026-01-01.getOrder/S1"
    assert made.metrics.deferrals == 1
    assert made.metrics.outcomes == [(GET_ORDER, "throttled")]


async def test_each_call_is_noted_with_how_it_ended_and_how_long_it_waited():
    made = rig(answer(500, b"", x_amzn_RequestId="r-1"), ORDER)
    log, at_ms = CallLog(), made.clock.now_ms()
    await get_order(made, log=log)
    made.amazon.script = [answer(429, errors("QuotaExceeded"), x_amzn_RequestId="r-2")]
    with pytest.raises(CallDeferred) as caught:
        await get_order(made, log=log)

    first, second = log.calls
    assert first == CallMade(
        at_ms=at_ms,
        operation=GET_ORDER,
        method="GET",
        outcome="ok",
        status=200,
        requests=2,
        duration_ms=first.duration_ms,
    )
    assert first.duration_ms > 0
    assert (second.outcome, second.status, second.request_id) == ("deferred", 429, "r-2")
    assert second.until_ms == caught.value.until_ms
    assert "902-1" not in repr(log.calls)


async def test_grantless_calls_of_an_application_are_noted_too():
    made = rig(answer(200, {"payload": []}))
    log = CallLog()
    await made.client.for_application("app", "eu", log=log).call("getDestinations")

    assert [one.operation for one in log.calls] == ["notifications.v1.getDestinations"]


async def test_the_slot_of_the_last_run_goes_with_the_first_request_only():
    made = rig(answer(500, b""), ORDER)
    await get_order(made, slot="app/eu/GET:orders.2026-01-01.getOrder/S1")

    assert [promised for _, _, promised in made.buckets.takes] == [True, False]


async def test_the_rate_header_is_taken_in():
    made = rig(answer(404, errors("NotFound"), x_amzn_RateLimit_Limit="2.0"))
    with pytest.raises(SpApiRequestError):
        await get_order(made)

    (bucket,) = made.buckets.buckets.values()
    assert bucket.plan.rate_per_s == pytest.approx(1.96)


async def test_waiting_is_counted():
    clock = VirtualClock()
    made = Rig(clock=clock)
    await clock.run(*(get_order(made, patience_s=float("inf")) for _ in range(30)))

    assert made.metrics.waited_s == pytest.approx(2.04, abs=0.05)


# ── what is refused before anything is sent ──────────────────────────────────────────────────────


async def test_a_paused_seller_is_not_called_for():
    made = rig()
    made.directory.sellers["S1"] = seller(
        state=SellerState.PAUSED, paused_reason="invalid_grant: revoked"
    )

    with pytest.raises(SpApiAuthorizationError, match=r"paused \(invalid_grant: revoked"):
        await get_order(made)
    assert made.amazon.logins == []


async def test_a_revoked_seller_is_asked_for_once():
    made = rig()
    made.amazon.lwa = [answer(400, {"error": "invalid_grant"})]
    for _ in range(3):
        with pytest.raises(SpApiAuthorizationError, match="invalid_grant"):
            await get_order(made)

    assert len(made.amazon.logins) == 1
    assert made.amazon.requests == []


async def test_wrong_names_and_parameters_cost_nothing():
    made = rig()
    calls = made.client.for_seller("S1")
    for name, parameters in (("getOrder", {}), ("nonsense", {}), (GET_ORDER, {})):
        with pytest.raises(InvalidInputError):
            await calls.call(name, **parameters)
    with pytest.raises(NotFoundError):
        await made.client.for_seller("S9").call(GET_ORDER, orderId="1")

    assert made.amazon.logins == []


# ── what is told ─────────────────────────────────────────────────────────────────────────────────


async def test_each_call_writes_one_line_without_secrets():
    made = rig(answer(403, errors("Unauthorized")), answer(500, HTML), ORDER)
    with capture_logs() as logs:
        await get_order(made)

    (line,) = [line for line in logs if line["event"] == "spapi.call"]
    assert (line["operation"], line["outcome"], line["requests"], line["status"]) == (
        GET_ORDER,
        "ok",
        3,
        200,
    )
    for secret in ("token-1", "token-2", REFRESH_TOKEN, CLIENT_SECRET):
        assert secret not in json.dumps(logs)


async def test_outcomes_are_a_few_fixed_words():
    made = rig(fault(), fault(timed_out=True), answer(500, b""), answer(401, b""), answer(404, b""))
    with pytest.raises(SpApiRequestError):
        await get_order(made)

    assert [outcome for _, outcome in made.metrics.outcomes] == [
        "unreachable",
        "timeout",
        "failed",
        "refused",
        "rejected",
    ]


async def test_a_cancelled_call_is_logged_as_stopped():
    made = rig()
    gate = asyncio.Event()

    async def hang(request):
        await gate.wait()

    made.amazon.send = hang
    with capture_logs() as logs:
        task = asyncio.create_task(get_order(made))
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    assert [line["outcome"] for line in logs] == ["stopped"]


def test_a_request_shows_no_token():
    request = Request(
        operation="o",
        seller_id="S",
        method="GET",
        url="u",
        headers={"x-amz-access-token": "token-1"},
        body=b"client_secret",
    )

    assert "token-1" not in repr(replace(request)) + str(request)
    assert "client_secret" not in repr(request)


async def test_a_cancelled_report_is_not_asked_again_for_its_empty_answer():
    made = rig(answer(200))

    assert await made.client.for_seller("S1").call("cancelReport", reportId="1") == {}
    assert len(made.amazon.requests) == 1


async def test_a_removed_operation_is_told_before_anything_is_sent():
    made = rig()

    for removed in Catalog.load().removed:
        path = dict.fromkeys(re.findall(r"\{(\w+)\}", removed.path), "x")
        with pytest.raises(OperationRemovedError, match=removed.removed):
            await made.client.for_seller("S1").call(f"{removed.method} {removed.path}", **path)
    assert made.amazon.requests == []
    assert made.amazon.logins == []
    assert made.directory.looks == 0


async def test_every_request_is_put_to_its_sellers_account():
    made = rig(answer(429, errors("QuotaExceeded")), ORDER)
    await made.client.for_seller("S1", patience_s=float("inf")).call(GET_ORDER, orderId="902-1")
    await made.client.for_application("app", "eu").call("notifications.v1.getDestinations")

    assert made.usage.counted == [
        ("app", "eu", "S1", GET_ORDER, "GET", "throttled"),
        ("app", "eu", "S1", GET_ORDER, "GET", "ok"),
        ("app", "eu", None, "notifications.v1.getDestinations", "GET", "ok"),
    ]


async def test_a_token_that_ends_while_a_call_waits_for_its_plan_is_renewed_before_it_goes_out():
    clock = VirtualClock()
    made = Rig(
        clock=clock,
        amazon=FakeAmazon(script=[ORDER], life_s=60),
        plans={"getOrder": UsagePlan(rate_per_s=0.01, burst=1)},
    )
    calls = made.client.for_seller("S1", patience_s=float("inf"))
    await clock.run(*(calls.call(GET_ORDER, orderId=f"902-{number}") for number in range(3)))

    assert made.amazon.tokens == ["token-1", "token-2", "token-3"]
