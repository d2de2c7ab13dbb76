"""What the local SP-API keeps between calls, over HTTP: links that die, queues that fill."""

import gzip
import re
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import aiohttp
import orjson
import pytest

from gateway.simulator.cast import DEFAULT_APPLICATION, DEFAULT_SELLERS
from gateway.simulator.server import Simulator
from gateway.spapi.catalog import UNKNOWN_PLAN, Catalog
from tests.integration.simulator.test_spapi_server import Client
from tests.support.clock import FakeClock

SELLER = DEFAULT_SELLERS[0]
PLACE = "ATVPDKIKX0DER"
EXPORTS = "/tax/invoices/2024-06-19"
REPORTS = "/reports/2021-06-30"
NOTIFICATIONS = "/notifications/v1"


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def client(clock: FakeClock, http: aiohttp.ClientSession) -> AsyncIterator[Client]:
    async with Simulator(queues=["a"], queue_s=0, work_s=0, clock=clock) as simulator:
        yield Client(simulator, http)


async def _post(client: Client, path: str, token: str, body: Any) -> Any:
    status, _, answer = await client.call(path, token, method="POST", json=body)
    assert status < 300, answer
    return answer


async def _grantless(client: Client, scope: str = "notifications") -> str:
    return await client.token(grant_type="client_credentials", scope=f"sellingpartnerapi::{scope}")


async def _get(url: str, http: aiohttp.ClientSession) -> tuple[int, bytes]:
    async with http.get(url, auto_decompress=False) as answer:
        return answer.status, await answer.read()


async def test_the_url_of_an_invoices_document_dies_after_30_seconds(client, clock, http):
    token = await client.token()
    made = await _post(client, f"{EXPORTS}/exports", token, {"marketplaceId": "A2Q3Y263D00KWC"})
    _, _, shown = await client.call(f"{EXPORTS}/exports/{made['exportId']}", token)
    [first, second] = shown["export"]["invoicesDocumentIds"]
    _, _, document = await client.call(f"{EXPORTS}/documents/{first}", token)
    url = document["invoicesDocument"]["invoicesDocumentUrl"]
    clock.advance(29)
    status, body = await _get(url, http)
    assert (status, body[:2]) == (200, b"PK")
    clock.advance(1)
    status, body = await _get(url, http)
    assert status == 403
    assert b"Request has expired" in body
    # One document a minute: the bucket of the plan holds a single call.
    clock.advance(-30)
    assert (await client.call(f"{EXPORTS}/documents/{second}", token))[0] == 429
    clock.advance(60)
    assert (await client.call(f"{EXPORTS}/documents/{second}", token))[0] == 200


async def test_a_report_document_is_compressed_by_field_or_by_header(client, clock, http):
    token = await client.token()
    control = {"work": "reports", "gzip": True}
    await client.call("/_simulator/work", None, method="POST", json=control)
    body = {"reportType": "GET_MERCHANT_LISTINGS_ALL_DATA", "marketplaceIds": [PLACE]}
    made = await _post(client, f"{REPORTS}/reports", token, body)
    _, _, report = await client.call(f"{REPORTS}/reports/{made['reportId']}", token)
    path = f"{REPORTS}/documents/{report['reportDocumentId']}"
    _, _, document = await client.call(path, token)
    assert document["compressionAlgorithm"] == "GZIP"
    async with http.get(document["url"]) as plain:
        packed = await plain.read()
        assert "Content-Encoding" not in plain.headers
        assert plain.headers["Content-Type"] == "text/plain; charset=UTF-8"
    _, _, document = await client.call(path + "?enableContentEncodingUrlHeader=true", token)
    async with http.get(document["url"]) as encoded:
        assert encoded.headers["Content-Encoding"] == "gzip"
        assert await encoded.read() == gzip.decompress(packed)
    clock.advance(300)
    assert (await _get(document["url"], http))[0] == 403
    assert (await _get(document["url"].replace("_documents/", "_documents/x"), http))[0] == 403


async def test_a_feed_is_uploaded_under_the_content_type_it_was_signed_for(client, http):
    token = await client.token()
    made = await _post(
        client, "/feeds/2021-06-30/documents", token, {"contentType": "application/json"}
    )
    body = orjson.dumps({"messages": [{}]})
    for content_type, status in (("text/plain", 403), ("application/json", 200)):
        headers = {"Content-Type": content_type}
        async with http.put(made["url"], data=body, headers=headers) as answer:
            assert answer.status == status
    assert (await _get(made["url"], http))[0] == 403
    feed = {
        "feedType": "JSON_LISTINGS_FEED",
        "marketplaceIds": [PLACE],
        "inputFeedDocumentId": made["feedDocumentId"],
    }
    feed_id = (await _post(client, "/feeds/2021-06-30/feeds", token, feed))["feedId"]
    _, _, shown = await client.call(f"/feeds/2021-06-30/feeds/{feed_id}", token)
    assert shown["processingStatus"] == "DONE"


async def test_a_data_kiosk_document_is_compressed_by_content_encoding(client, http):
    token = await client.token()
    await client.call(
        "/_simulator/work", None, method="POST", json={"work": "queries", "gzip": True}
    )
    base = "/dataKiosk/2023-11-15"
    made = await _post(client, f"{base}/queries", token, {"query": "query { orders }"})
    _, _, query = await client.call(f"{base}/queries/{made['queryId']}", token)
    _, _, document = await client.call(f"{base}/documents/{query['dataDocumentId']}", token)
    async with http.get(document["documentUrl"]) as answer:
        assert answer.headers["Content-Encoding"] == "gzip"
        lines = (await answer.read()).splitlines()
    assert len(lines) == 25


async def test_finished_work_reaches_the_local_queue_of_who_is_subscribed(client):
    token, grantless = await client.token(), await _grantless(client)
    arn = client.simulator.sqs.queues.named("a").arn
    destination = {"name": "d", "resourceSpecification": {"sqs": {"arn": arn}}}
    made = await _post(client, f"{NOTIFICATIONS}/destinations", grantless, destination)
    subscription = {
        "payloadVersion": "1.0",
        "destinationId": made["payload"]["destinationId"],
    }
    path = f"{NOTIFICATIONS}/subscriptions/REPORT_PROCESSING_FINISHED"
    await _post(client, path, token, subscription)
    report = {"reportType": "GET_MERCHANT_LISTINGS_ALL_DATA", "marketplaceIds": [PLACE]}
    await _post(client, f"{REPORTS}/reports", token, report)
    await _post(
        client,
        "/_simulator/notifications",
        "",
        {
            "type": "REPORT_PROCESSING_FINISHED",
            "seller": SELLER.id,
            "report_id": "77",
        },
    )
    test = {
        "destinationId": made["payload"]["destinationId"],
        "testNotification": {"payloadVersion": "1.0", "testScenario": "Default"},
    }
    await _post(client, f"{path}/testNotification", grantless, test)
    _, _, seen = await client.call("/_simulator/notifications", None)
    assert seen["published"] == {"REPORT_PROCESSING_FINISHED": 3}
    assert [one["seller"] for one in seen["subscriptions"]] == [SELLER.id]
    assert len(seen["destinations"]) == 1
    assert client.simulator.sqs.queues.named("a").depth().visible == 3


async def test_tokens_open_the_operations_they_are_for(client):
    token = await client.token()
    assert (await client.call(f"{NOTIFICATIONS}/destinations", token))[0] == 403
    rotation = await _grantless(client, "client_credential:rotation")
    assert (await client.call(f"{NOTIFICATIONS}/destinations", rotation))[0] == 403
    grantless = await _grantless(client)
    assert (await client.call(f"{NOTIFICATIONS}/destinations", grantless))[0] == 200
    path = f"{NOTIFICATIONS}/subscriptions/ORDER_CHANGE"
    assert (await client.call(path, grantless))[0] == 403


async def test_a_rotated_secret_opens_lwa_and_the_old_one_is_named_when_it_has_ended(client):
    rotation = await _grantless(client, "client_credential:rotation")
    path = "/applications/2023-11-30/clientSecret"
    status, _, body = await client.call(path, rotation, method="POST")
    assert (status, body) == (204, "")
    assert client.simulator.applications[0].client_secret != DEFAULT_APPLICATION.client_secret
    assert (await client.lwa())[0] == 200
    ended = {"client_id": DEFAULT_APPLICATION.client_id}
    await client.call("/_simulator/secrets/expire", None, method="POST", json=ended)
    status, answer = await client.lwa()
    assert (status, answer["error"]) == (401, "invalid_client")
    assert answer["error_description"] == "The LWA secret token you provided has expired."
    new = client.simulator.applications[0].client_secret
    assert (await client.lwa(client_secret=new))[0] == 200


async def test_plans_and_orders_are_changed_by_http(client):
    token = await client.token()
    plan = {"operation": "orders.2026-01-01.getOrder", "rate": 0.001, "burst": 1}
    status, _, shown = await client.call("/_simulator/plans", None, method="PUT", json=plan)
    assert (status, shown["items"]) == (200, [plan])
    await client.call("/_simulator/orders/lose", None, method="POST", json={"order": "1"})
    path = "/orders/2026-01-01/orders/1"
    assert (await client.call(path, token))[0] == 404
    assert (await client.call(path, token))[0] == 429
    assert (await client.call("/_simulator/plans", None, method="DELETE"))[0] == 200
    for wrong in ({"operation": "x", "rate": 0}, {"operation": "x", "rate": "fast"}, {"rate": 1}):
        answer = await client.call("/_simulator/plans", None, method="PUT", json=wrong)
        assert answer[0] == 400


async def _fault(client: Client, **fields: Any) -> None:
    status, _, _ = await client.call("/_simulator/spapi/faults", None, method="POST", json=fields)
    assert status == 200


async def test_the_token_endpoint_fails_when_it_is_named_and_only_then(client, http):
    await _fault(client, fault="status=503")
    assert (await client.lwa())[0] == 200
    await client.call("/_simulator/spapi/faults", None, method="DELETE")
    await _fault(client, fault="html=503", operation="lwa.token", times=1)
    fields = {"grant_type": "refresh_token"}
    async with http.post(client.simulator.lwa_url, data=fields) as answer:
        assert (answer.status, answer.content_type) == (503, "text/html")
    assert (await client.lwa())[0] == 200


async def test_a_skewed_clock_shows_in_the_date_of_the_answer(client, http):
    await _fault(client, fault="clock-skew=7200", operation="lwa.token")
    async with http.post(client.simulator.lwa_url, data={}) as late:
        late_at = parsedate_to_datetime(late.headers["Date"])
    token = await client.token()
    headers = {"x-simulator-fault": "clock-skew=-7200"}
    status, answered, _ = await client.call("/orders/v0/orders/1", token, headers=headers)
    assert status == 200
    early_at = parsedate_to_datetime(answered["Date"])
    assert timedelta(hours=3, minutes=50) < early_at - late_at < timedelta(hours=4, minutes=10)


async def test_a_download_breaks_off_when_documents_are_named(client, http):
    token = await client.token()
    report = {"reportType": "GET_MERCHANT_LISTINGS_ALL_DATA", "marketplaceIds": [PLACE]}
    made = await _post(client, f"{REPORTS}/reports", token, report)
    _, _, shown = await client.call(f"{REPORTS}/reports/{made['reportId']}", token)
    path = f"{REPORTS}/documents/{shown['reportDocumentId']}"
    _, _, document = await client.call(path, token)
    await _fault(client, fault="truncated", operation="documents.get", times=1)
    with pytest.raises(aiohttp.ClientPayloadError):
        await _get(document["url"], http)
    assert (await _get(document["url"], http))[0] == 200


async def test_a_checkout_of_models_answers_what_is_not_played(http, tmp_path):
    case = {"request": {"parameters": {}}, "response": {"payload": [{"unitCount": 3}]}}
    answers = {"200": {"x-amzn-api-sandbox": {"static": [case]}}}
    model = {"swagger": "2.0", "paths": {"/sales/v1/orderMetrics": {"get": {"responses": answers}}}}
    (tmp_path / "sales.json").write_bytes(orjson.dumps(model))
    async with Simulator(models=tmp_path) as simulator:
        client = Client(simulator, http)
        token = await client.token()
        status, headers, body = await client.call("/sales/v1/orderMetrics", token)
        assert (status, body) == (200, case["response"])
        assert headers["x-amzn-RateLimit-Limit"]
        status, _, body = await client.call("/fba/inbound/v0/shipments/1/labels", token)
        assert status == 501
        assert "no static case" in body["errors"][0]["details"]
        assert (await client.call("/sellers/v1/account", token))[0] == 200
        for base in ("/sandbox", "/sandbox/na"):
            status, headers, body = await client.call(base + "/sales/v1/orderMetrics", token)
            assert (status, body) == (200, case["response"])
            assert headers["x-amzn-RateLimit-Limit"] == "5"
            assert (await client.call(base + "/sellers/v1/account", token))[0] == 501
        assert (await client.call("/sandbox/eu/sales/v1/orderMetrics", token))[0] == 403
        assert {caller.region for caller in simulator.calls} == {"na", "sandbox-na"}


async def _consent(client: Client, http: aiohttp.ClientSession, **query: str) -> Mapping[str, str]:
    asked = {
        "application_id": DEFAULT_APPLICATION.id,
        "state": "s-1",
        "redirect_uri": "https://app.test/callback?x=1",
        "version": "beta",
        **query,
    }
    url = client.simulator.spapi_url + "/apps/authorize/consent"
    async with http.get(url, params=asked, allow_redirects=False) as answer:
        if answer.status != 302:
            return {"status": str(answer.status), "text": await answer.text()}
        assert answer.headers["Location"].startswith("https://app.test/callback?x=1&")
        return dict(parse_qsl(urlsplit(answer.headers["Location"]).query))


async def test_a_seller_authorises_an_application_by_a_code_that_is_good_once(client, http, clock):
    other = DEFAULT_SELLERS[4]
    client.simulator.accounts.revoke(other.id)
    back = await _consent(client, http, seller=other.id)
    assert (back["state"], back["selling_partner_id"]) == ("s-1", other.id)
    redeemed = {"grant_type": "authorization_code", "code": back["spapi_oauth_code"]}
    status, answer = await client.lwa(**redeemed)
    assert (status, answer["refresh_token"]) == (200, other.refresh_token)
    status, answer = await client.lwa(**redeemed)
    assert (status, answer["error"]) == (400, "invalid_grant")
    late = await _consent(client, http)
    assert late["selling_partner_id"] == SELLER.id
    clock.advance(300)
    late_code = {"grant_type": "authorization_code", "code": late["spapi_oauth_code"]}
    assert (await client.lwa(**late_code))[0] == 400


@pytest.mark.parametrize(
    "query", [{"application_id": "x"}, {"redirect_uri": "javascript:x"}, {"seller": "nobody"}]
)
async def test_a_wrong_link_to_the_consent_page_says_what_is_wrong(client, http, query):
    answer = await _consent(client, http, **query)
    assert answer["status"] == "400"
    assert next(iter(query)) in answer["text"]


async def test_an_order_is_placed_by_http_and_its_changes_are_told(client, clock):
    placed = await _post(client, "/_simulator/orders", "", {"seller": SELLER.id, "speed": 1000})
    # The agenda of a simulator with a clock in hand runs what is due when something is noted.
    clock.advance(3_600)
    await _post(client, "/_simulator/orders", "", {"seller": SELLER.id})
    while True:
        _, _, truth = await client.call("/_simulator/orders", None)
        mine = [one for one in truth["items"] if one["order"] == placed["order"]]
        if mine and mine[-1]["status"] in {"SHIPPED", "CANCELLED"}:
            break
    assert mine[0]["status"] == "PENDING"
    assert all(len(one["notification_ids"]) == 1 for one in mine)


async def _control(client: Client, path: str, body: bytes) -> tuple[int, str]:
    status, _, answer = await client.call(f"/_simulator/{path}", None, method="POST", data=body)
    return status, answer.get("error", "")


@pytest.mark.parametrize(
    ("path", "body", "what"),
    [
        ("orders", b"{", "no JSON"),
        ("orders", b"[]", "JSON object"),
        ("orders", b"{}", "seller takes a text"),
        ("orders", b'{"seller": "nobody"}', "sellers lists some of"),
        ("orders", b'{"seller": "A1SIMULATORNA1", "withhold": 2}', "withhold"),
        ("notifications", b'{"type": "NO_SUCH", "seller": "x"}', "ORDER_CHANGE"),
        ("scenarios", b'{"name": "order-day", "orders": "many"}', "orders takes a number"),
        ("work", b'{"outcome": "FINE"}', "outcome is one of"),
    ],
)
async def test_a_wrong_control_request_says_what_is_wrong(client, path, body, what):
    status, error = await _control(client, path, body)
    assert status == 400
    assert what in error


async def test_recipes_are_forgotten_by_http(client):
    await _post(client, "/_simulator/work", "", {"work": "reports", "rows": 0})
    assert (await client.call("/_simulator/work", None, method="DELETE"))[0] == 200
    _, _, shown = await client.call("/_simulator/work", None)
    assert shown == {"items": []}


async def test_a_token_request_that_is_no_token_request(client, http):
    url = client.simulator.lwa_url
    async with http.get(url) as answer:
        assert (await answer.json())["error"] == "invalid_request"
    headers = {"Content-Type": "application/json"}
    for body in (b"{", b"[]"):
        async with http.post(url, data=body, headers=headers) as answer:
            assert (answer.status, (await answer.json())["error"]) == (400, "invalid_request")


async def test_every_catalogued_operation_is_known_with_its_plan(http):
    catalog = Catalog.load()
    async with Simulator() as simulator:
        client = Client(simulator, http)
        tokens = {None: await client.token()}
        for operation in catalog.operations:
            if operation.scope not in tokens:
                tokens[operation.scope] = await client.token(
                    grant_type="client_credentials", scope=operation.scope
                )
            path = re.sub(r"\{\w+\}", "x", operation.path)
            status, headers, body = await client.call(
                path, tokens[operation.scope], method=operation.method, json={}
            )
            assert status in {200, 204, 400, 403, 404, 501}, (operation.name, body)
            if status in {200, 400, 404}:
                plan = operation.plan or UNKNOWN_PLAN
                assert float(headers["x-amzn-RateLimit-Limit"]) == pytest.approx(plan.rate_per_s)
        assert {caller.operation for caller in simulator.calls} == {
            operation.name for operation in catalog.operations
        }
        assert sum(calls.count for calls in simulator.calls.values()) == 370
