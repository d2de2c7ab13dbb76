"""The local LWA and SP-API over HTTP, as a plain client meets them."""

import time
from collections.abc import Mapping
from typing import Any

import aiohttp
import pytest

from gateway.model import UsagePlan
from gateway.simulator.cast import DEFAULT_APPLICATION, DEFAULT_SELLERS
from gateway.simulator.server import Simulator
from gateway.simulator.spapi.usage import Caller

SELLER = DEFAULT_SELLERS[0]
NEW = "/orders/2026-01-01/orders/902-1-1"
OLD = "/orders/v0/orders/902-1-1"


class Client:
    """Asks for tokens and makes calls; answers are (status, headers, body)."""

    def __init__(self, simulator: Simulator, http: aiohttp.ClientSession) -> None:
        self.simulator = simulator
        self._http = http

    async def lwa(self, *, as_json: bool = False, **fields: str) -> tuple[int, dict[str, Any]]:
        filled = {
            "grant_type": "refresh_token",
            "refresh_token": SELLER.refresh_token,
            "client_id": DEFAULT_APPLICATION.client_id,
            "client_secret": DEFAULT_APPLICATION.client_secret,
            **fields,
        }
        body = {"json": filled} if as_json else {"data": filled}
        async with self._http.post(self.simulator.lwa_url, **body) as answer:
            return answer.status, await answer.json()

    async def token(self, **fields: str) -> str:
        status, answer = await self.lwa(**fields)
        assert status == 200, answer
        return answer["access_token"]

    async def call(
        self, path: str, token: str | None, *, method: str = "GET", **options: Any
    ) -> tuple[int, Mapping[str, str], Any]:
        headers = options.pop("headers", {})
        if token is not None:
            headers = {**headers, "x-amz-access-token": token}
        url = self.simulator.spapi_url + path
        async with self._http.request(method, url, headers=headers, **options) as answer:
            text = await answer.text()
            is_json = answer.content_type == "application/json"
            return answer.status, answer.headers, await answer.json() if is_json else text


@pytest.fixture
def client(simulator: Simulator, http: aiohttp.ClientSession) -> Client:
    return Client(simulator, http)


def _details(body: Any) -> tuple[str, str]:
    [error] = body["errors"]
    return error["code"], error["details"]


async def test_a_form_and_a_json_request_both_get_a_token(client):
    for as_json in (False, True):
        status, answer = await client.lwa(as_json=as_json)
        assert status == 200
        assert answer["token_type"] == "bearer"
        assert answer["expires_in"] == 3600
        assert answer["refresh_token"] == SELLER.refresh_token


@pytest.mark.parametrize(
    ("fields", "status", "error"),
    [
        ({"client_secret": "wrong"}, 401, "invalid_client"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"refresh_token": ""}, 400, "invalid_grant"),
        ({"grant_type": "client_credentials", "scope": "x"}, 400, "invalid_scope"),
        ({"grant_type": "authorization_code", "code": "nobody"}, 400, "invalid_grant"),
    ],
)
async def test_wrong_credentials_are_told_apart(client, fields, status, error):
    assert (await client.lwa(**fields))[0] == status
    assert (await client.lwa(**fields))[1]["error"] == error


async def test_a_revoked_seller_gets_no_token(client):
    client.simulator.accounts.revoke(SELLER.id)
    status, answer = await client.lwa()
    assert (status, answer["error"]) == (400, "invalid_grant")


async def test_a_consent_gives_the_refresh_token(client):
    status, answer = await client.lwa(grant_type="authorization_code", code=SELLER.id)
    assert (status, answer["refresh_token"]) == (200, SELLER.refresh_token)


async def test_both_versions_of_an_order(client):
    token = await client.token()
    status, headers, body = await client.call(NEW + "?includedData=BUYER&unknown=1", token)
    assert status == 200
    assert body["order"]["orderId"] == "902-1-1"
    assert "buyer" in body["order"]
    assert headers["x-amzn-RateLimit-Limit"] == "0.5"
    assert headers["x-amzn-RequestId"]
    status, _, body = await client.call(OLD, token)
    assert (status, body["payload"]["AmazonOrderId"]) == (200, "902-1-1")
    assert "BuyerInfo" not in body["payload"]


async def test_included_data_is_read_as_a_list_and_as_repeats(client):
    token = await client.token()
    _, _, listed = await client.call(NEW + "?includedData=BUYER,FULFILLMENT", token)
    _, _, repeated = await client.call(NEW + "?includedData=BUYER&includedData=FULFILLMENT", token)
    assert listed == repeated
    status, _, body = await client.call(NEW + "?includedData=EVERYTHING", token)
    assert (status, *_details(body)) == (400, "InvalidInput", "EVERYTHING")


async def test_an_order_declared_missing_is_not_found(client):
    client.simulator.orders.lose("902-1-1")
    status, headers, body = await client.call(NEW, await client.token())
    assert (status, _details(body)[0]) == (404, "NotFound")
    assert "x-amzn-RateLimit-Limit" in headers


async def test_a_restricted_token_opens_personal_data(client):
    token = await client.token()
    resource = {"method": "GET", "path": OLD, "dataElements": ["buyerInfo", "shippingAddress"]}
    status, _, body = await client.call(
        "/tokens/2021-03-01/restrictedDataToken",
        token,
        method="POST",
        json={"restrictedResources": [resource]},
    )
    assert (status, body["expiresIn"]) == (200, 3600)
    _, _, opened = await client.call(OLD, body["restrictedDataToken"])
    assert {"BuyerInfo", "ShippingAddress"} <= set(opened["payload"])
    status, _, _ = await client.call(
        "/tokens/2021-03-01/restrictedDataToken", token, method="POST", json={}
    )
    assert status == 400


async def test_no_token_an_unknown_one_and_an_ended_one_are_denied(client):
    token = await client.token()
    client.simulator.accounts.expire_tokens()
    seen = set()
    for presented in (None, "Atza|nobodys", token):
        status, headers, body = await client.call(NEW, presented)
        assert status == 403
        assert "x-amzn-RateLimit-Limit" not in headers
        code, details = _details(body)
        assert code == "Unauthorized"
        seen.add(details)
    assert len(seen) == 3
    assert client.simulator.calls == {}


async def test_a_grantless_token_reads_no_orders(client):
    scope = "sellingpartnerapi::notifications"
    token = await client.token(grant_type="client_credentials", scope=scope)
    assert (await client.call(NEW, token))[0] == 403


async def test_a_seller_is_at_home_in_one_region(client):
    token = await client.token()
    assert (await client.call("/na" + NEW, token))[0] == 200
    assert (await client.call("/eu" + NEW, token))[0] == 403


async def test_what_is_not_served_says_so(client):
    token = await client.token()
    status, _, body = await client.call("/sales/v1/orderMetrics", token)
    assert status == 501
    assert "--models" in _details(body)[1]
    status, _, body = await client.call("/catalog/v0/items", token)
    assert (status, _details(body)[0]) == (404, "NotFound")
    assert "was removed on 2025" in _details(body)[1]
    assert (await client.call("/no/such/path", token))[0] == 404


@pytest.mark.parametrize("agent", ["", "x" * 501])
async def test_a_bad_user_agent_is_refused(client, agent):
    token = await client.token()
    status, _, body = await client.call(NEW, token, headers={"User-Agent": agent})
    assert (status, _details(body)[0]) == (400, "InvalidInput")


async def test_calls_beyond_the_plan_are_refused_and_counted(http):
    plans = {"getOrder": UsagePlan(rate_per_s=0.001, burst=2)}
    async with Simulator(usage_plans=plans) as simulator:
        client = Client(simulator, http)
        token = await client.token()
        answers = [await client.call(NEW, token) for _ in range(3)]
        assert [status for status, _, _ in answers] == [200, 200, 429]
        assert _details(answers[2][2])[0] == "QuotaExceeded"
        assert "x-amzn-RateLimit-Limit" not in answers[2][1]
        assert (await client.call(OLD, token))[0] == 200
        other = await client.token(refresh_token=DEFAULT_SELLERS[1].refresh_token)
        assert (await client.call(NEW, other))[0] == 200
        caller = Caller(DEFAULT_APPLICATION.id, SELLER.id, "na", "orders.2026-01-01.getOrder")
        calls = simulator.calls[caller]
        assert (calls.count, calls.throttled, len(calls.times_ms)) == (3, 1, 3)
        _, _, shown = await client.call("/_simulator/calls", None)
        assert {(item["seller"], item["count"]) for item in shown["items"]} == {
            (SELLER.id, 3),
            (SELLER.id, 1),
            (DEFAULT_SELLERS[1].id, 1),
        }
        assert shown["lwa"] == {"issued": 2}


async def test_only_listed_credentials_are_good_when_strict(http):
    async with Simulator(strict=True) as simulator:
        client = Client(simulator, http)
        assert (await client.lwa(client_id="other"))[0] == 401
        assert (await client.lwa(refresh_token="Atzr|other"))[0] == 400
        assert (await client.lwa())[0] == 200


@pytest.mark.parametrize(
    ("fault", "status", "start"),
    [
        ("status=429", 429, "QuotaExceeded"),
        ("status=503", 503, "InternalFailure"),
        ("html=502", 502, "<html>"),
        ("empty", 500, ""),
        ("expired-token", 403, "Unauthorized"),
    ],
)
async def test_a_fault_asked_for_by_header_takes_the_answers_place(client, fault, status, start):
    got, _, body = await client.call(
        NEW, await client.token(), headers={"x-simulator-fault": fault}
    )
    shown = body if isinstance(body, str) else _details(body)[0]
    assert got == status
    assert shown.startswith(start)
    assert bool(shown) == bool(start)


async def test_faults_of_the_wire(client):
    token = await client.token()
    with pytest.raises(aiohttp.ClientPayloadError):
        await client.call(NEW, token, headers={"x-simulator-fault": "truncated"})
    with pytest.raises(aiohttp.ServerDisconnectedError):
        # aiohttp repeats a GET whose connection was cut, by itself and out of sight; not a POST.
        await client.call(
            "/tokens/2021-03-01/restrictedDataToken",
            token,
            method="POST",
            headers={"x-simulator-fault": "dropped"},
        )
    with pytest.raises(ValueError, match=r"Expecting|Unterminated"):
        await client.call(NEW, token, headers={"x-simulator-fault": "malformed"})
    status, headers, _ = await client.call(
        NEW, token, headers={"x-simulator-fault": "no-rate-header"}
    )
    assert status == 200
    assert "x-amzn-RateLimit-Limit" not in headers
    began_s = time.perf_counter()
    status, _, _ = await client.call(NEW, token, headers={"x-simulator-fault": "stall=0.2"})
    assert status == 200
    assert time.perf_counter() - began_s >= 0.2
    orders, tokens = client.simulator.calls.values()
    assert dict(orders.statuses) == {0: 1, 200: 3}
    assert dict(tokens.statuses) == {0: 1}


async def test_faults_are_put_into_force_and_ended_by_http(client):
    token = await client.token()
    storm = {"fault": "status=429", "operation": "getOrder", "seller": SELLER.id, "times": 2}
    status, _, body = await client.call("/_simulator/spapi/faults", None, method="POST", json=storm)
    assert (status, body["items"]) == (200, [{**storm, "chance": 1.0}])
    assert [(await client.call(NEW, token))[0] for _ in range(3)] == [429, 429, 200]
    for bad in ({"fault": "nonsense"}, {}, {"fault": "html", "chance": "x"}):
        answer = await client.call("/_simulator/spapi/faults", None, method="POST", json=bad)
        assert answer[0] == 400
    assert (await client.call("/_simulator/spapi/faults", None, method="DELETE"))[0] == 200
    assert (await client.call("/_simulator/none", None))[0] == 404


async def test_sellers_and_tokens_are_ended_by_http(client):
    token = await client.token()
    for path, body in (("tokens/expire", {}), ("sellers/revoke", {"seller": SELLER.id})):
        answer = await client.call(f"/_simulator/{path}", None, method="POST", json=body)
        assert answer[0] == 200
        assert (await client.call(NEW, token))[0] == 403
    assert (await client.lwa())[0] == 400
    await client.call(
        "/_simulator/sellers/restore", None, method="POST", json={"seller": SELLER.id}
    )
    assert (await client.lwa())[0] == 200
