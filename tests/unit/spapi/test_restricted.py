import asyncio
from dataclasses import replace

import orjson
import pytest

from gateway.errors import InvalidInputError, SpApiAuthorizationError, SpApiRetryableError
from gateway.spapi.throttle import CallDeferred
from gateway.spapi.transport import Request, Response
from tests.support.clock import FakeClock
from tests.support.spapi import FakeAmazon, FakeDirectory, Rig, answer, errors, seller

TOKENS = "/tokens/2021-03-01/restrictedDataToken"
GET_ORDER = "orders.v0.getOrder"
ADDRESS = "orders.v0.getOrderAddress"
REPORT = "reports.2021-06-30.getReportDocument"
CANCEL = "merchantFulfillment.v0.cancelShipment"
ORDER = {"payload": {"AmazonOrderId": "902-1"}}


class Minting(FakeAmazon):
    """Gives numbered restricted tokens; `refused` and `denied` are answered with 403."""

    def __init__(self, *minted: Response) -> None:
        super().__init__(script=[answer(200, ORDER)])
        self.asked: list[dict[str, object]] = []
        self.minted = list(minted)
        self.refused: set[str] = set()

    async def send(self, request: Request) -> Response:
        if TOKENS in request.url:
            self.requests.append(request)
            self.asked.append(orjson.loads(request.body or b""))
            await asyncio.sleep(0)
            if self.minted:
                return self.minted.pop(0)
            return answer(
                200, {"restrictedDataToken": f"rdt-{len(self.asked)}", "expiresIn": self.life_s}
            )
        response = await super().send(request)
        if request.headers.get("x-amz-access-token") in self.refused:
            return answer(403, errors("Unauthorized", "The access token you provided has expired."))
        return response


def rig(*minted, **options):
    return Rig(clock=FakeClock(), amazon=Minting(*minted), **options)


async def call(made, name=GET_ORDER, seller_id="S1", **parameters):
    if "orders" in name:
        parameters = {"orderId": "902-1", **parameters}
    return await made.client.for_seller(seller_id).call(name, **parameters)


def resources(made):
    return [body["restrictedResources"] for body in made.amazon.asked]


async def test_personal_data_is_opened_for_every_order_by_one_token():
    made = rig()
    for order_id in ("902-1", "902-2"):
        await call(made, orderId=order_id, restricted=["shippingAddress", "buyerInfo"])

    assert resources(made) == [
        [
            {
                "method": "GET",
                "path": "/orders/v0/orders/{orderId}",
                "dataElements": ["buyerInfo", "shippingAddress"],
            }
        ]
    ]
    assert made.amazon.tokens == ["token-1", "rdt-1", "rdt-1"]


async def test_all_data_elements_where_none_is_named():
    made = rig()
    await call(made, restricted=True)
    ((resource,),) = resources(made)
    assert resource["dataElements"] == ["buyerInfo", "buyerTaxInformation", "shippingAddress"]


async def test_an_operation_that_answers_without_gets_an_ordinary_token_unless_told():
    made = rig()
    await call(made)
    await call(made, REPORT, reportDocumentId="D1")
    assert resources(made) == []
    assert made.amazon.tokens == ["token-1", "token-1"]


@pytest.mark.parametrize(
    ("name", "parameters", "resource"),
    [
        (
            ADDRESS,
            {"orderId": "902-1"},
            {"method": "GET", "path": "/orders/v0/orders/{orderId}/address"},
        ),
        (
            CANCEL,
            {"shipmentId": "F 1"},
            {"method": "DELETE", "path": "/mfn/v0/shipments/{shipmentId}"},
        ),
    ],
)
async def test_an_operation_that_never_answers_without_gets_one_by_itself(
    name, parameters, resource
):
    made = rig()
    await call(made, name, **parameters)
    assert resources(made) == [[resource]]
    assert made.amazon.tokens == ["token-1", "rdt-1"]


async def test_a_report_is_opened_by_its_own_path_alone():
    made = rig()
    await call(made, REPORT, reportDocumentId="amzn1.spdoc.1/2", restricted=True)
    await call(made, REPORT, reportDocumentId="other", restricted=True)

    assert [resource["path"] for (resource,) in resources(made)] == [
        "/reports/2021-06-30/documents/amzn1.spdoc.1%2F2",
        "/reports/2021-06-30/documents/other",
    ]
    assert made.amazon.tokens == ["token-1", "rdt-1", "token-1", "rdt-2"]


async def test_the_documents_of_restricted_reports_are_opened_so_too():
    made = rig()
    made.amazon.script = [answer(200, {"url": "https://documents.example/1"})]
    documents = made.client.for_seller("S1").documents
    async with documents.report("D1", restricted=True):
        pass
    async with documents.report("D2"):
        pass
    assert made.amazon.tokens == ["token-1", "rdt-1", "token-1"]


@pytest.mark.parametrize(
    ("name", "restricted", "message"),
    [
        ("orders.2026-01-01.getOrder", True, "takes no restricted data token"),
        (REPORT, ["buyerInfo"], "no data elements"),
        (GET_ORDER, ["buyerInfo", "shoeSize"], "no data element shoeSize"),
    ],
)
async def test_a_wish_that_can_not_be_is_refused_before_anything_is_sent(name, restricted, message):
    made = rig()
    parameters = {"reportDocumentId": "D1"} if name == REPORT else {}
    with pytest.raises(InvalidInputError, match=message):
        await call(made, name, restricted=restricted, **parameters)
    assert made.amazon.requests == []


async def test_twenty_callers_share_one_token_request():
    made = rig()
    calls = made.client.for_seller("S1", patience_s=float("inf"))
    await asyncio.gather(
        *(calls.call(ADDRESS, orderId=f"902-{number}") for number in range(20)),
    )
    assert len(made.amazon.asked) == 1
    assert made.amazon.tokens.count("rdt-1") == 20


async def test_a_restricted_token_ages_like_any_other():
    made = rig()
    await call(made, ADDRESS)
    made.clock.advance(3600)
    await call(made, ADDRESS)
    assert [token for token in made.amazon.tokens if "rdt" in token] == ["rdt-1", "rdt-2"]


async def test_a_refused_restricted_token_is_renewed_once():
    made = rig()
    await call(made, ADDRESS)
    made.amazon.refused = {"rdt-1"}
    await call(made, ADDRESS)
    assert made.amazon.tokens[-3:] == ["rdt-1", "token-1", "rdt-2"]


async def test_an_authorisation_given_anew_makes_it_void():
    made = rig()
    await call(made, ADDRESS)
    made.directory.sellers["S1"] = replace(seller(), refresh_token="another")
    await call(made, ADDRESS)
    assert made.amazon.tokens == ["token-1", "rdt-1", "token-2", "rdt-2"]


async def test_it_is_lent_to_no_other_seller_region_or_set_of_elements():
    made = rig(
        directory=FakeDirectory(
            sellers={"S1": seller("S1"), "S2": seller("S2"), "S3": seller("S3", region="na")}
        )
    )
    for seller_id in ("S1", "S2", "S3"):
        await call(made, seller_id=seller_id, restricted=["buyerInfo"])
        await call(made, seller_id=seller_id, restricted=["shippingAddress"])
    used = [token for token in made.amazon.tokens if "rdt" in token]
    assert used == [f"rdt-{number}" for number in range(1, 7)]


async def test_no_role_for_personal_data_says_which_call_was_refused():
    denied = answer(403, errors("Unauthorized", "Access to requested resource is denied."))
    made = rig(*[denied] * 4)
    with pytest.raises(SpApiAuthorizationError, match="createRestrictedDataToken"):
        await call(made, ADDRESS)
    assert [request for request in made.amazon.requests if TOKENS not in request.url] == []


async def test_an_answer_without_a_token_is_for_later():
    with pytest.raises(SpApiRetryableError, match="holds no token"):
        await call(rig(*[answer(200, {})] * 60), ADDRESS)


async def test_asking_for_one_is_inside_its_own_usage_plan():
    made = rig()
    for number in range(9):
        await call(made, REPORT, reportDocumentId=f"D{number}", restricted=True)
    with pytest.raises(CallDeferred) as caught:
        await made.client.for_seller("S1", patience_s=0).call(
            REPORT, reportDocumentId="D9", restricted=True
        )
    assert caught.value.operation == "tokens.2021-03-01.createRestrictedDataToken"
    assert caught.value.slot.endswith("POST:tokens.2021-03-01.createRestrictedDataToken/S1")


DELETE = "notifications.v1.deleteSubscriptionById"
DENIED = answer(403, errors("Unauthorized", "Access to requested resource is denied."))


async def delete(made, region=None):
    return await made.client.for_seller("S1", region).call(
        DELETE, subscriptionId="1", notificationType="B2B_ANY_OFFER_CHANGED"
    )


async def test_deleting_a_subscription_is_tried_grantless_then_in_the_sellers_name():
    made = Rig(
        clock=FakeClock(), amazon=FakeAmazon(script=[DENIED, DENIED, answer(200, {"payload": {}})])
    )
    await delete(made)

    scopes = [login.get("scope") for login in made.amazon.logins]
    assert scopes == [
        "sellingpartnerapi::notifications",
        "sellingpartnerapi::notifications",
        None,
    ]
    assert made.amazon.tokens == ["token-1", "token-2", "token-3"]


async def test_a_deletion_that_works_grantless_needs_no_seller():
    made = Rig(clock=FakeClock(), amazon=FakeAmazon(script=[answer(200, {"payload": {}})]))
    await delete(made)
    assert [login["grant_type"] for login in made.amazon.logins] == ["client_credentials"]


async def test_a_deletion_that_both_are_refused_says_so():
    made = Rig(clock=FakeClock(), amazon=FakeAmazon(script=[DENIED]))
    with pytest.raises(SpApiAuthorizationError, match="seller S1"):
        await delete(made)


async def test_other_grantless_calls_are_never_made_in_a_sellers_name():
    made = Rig(clock=FakeClock(), amazon=FakeAmazon(script=[DENIED]))
    with pytest.raises(SpApiAuthorizationError):
        await made.client.for_seller("S1").call("notifications.v1.getDestinations")
    assert {login["grant_type"] for login in made.amazon.logins} == {"client_credentials"}


async def test_another_fault_of_a_deletion_is_not_tried_otherwise():
    made = Rig(clock=FakeClock(), amazon=FakeAmazon(script=[answer(404, errors("NotFound"))]))
    with pytest.raises(Exception, match="404"):
        await delete(made)
    assert len(made.amazon.requests) == 1
