"""What each check makes of what it is told; those of whole set-ups are in tests/integration/cli."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from email.utils import formatdate
from types import SimpleNamespace
from typing import Any

import aiohttp
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError

from gateway.aws.provisioning.clients import Clients
from gateway.delivery.egress import BlockedAddressError, ResolutionError
from gateway.delivery.reach import EndpointUnreachableError
from gateway.doctor.bus import BusCheck
from gateway.doctor.check import Check
from gateway.doctor.credentials import CredentialsCheck
from gateway.doctor.destinations import DestinationsCheck
from gateway.doctor.endpoints import EndpointsCheck
from gateway.doctor.kinds import found
from gateway.doctor.network import Host, NetworkCheck
from gateway.doctor.queues import Aim, MakeClients, QueuesCheck
from gateway.doctor.sellers import SellersCheck
from gateway.endpoints import Endpoint, EndpointState, Transport
from gateway.errors import (
    InvalidInputError,
    SecretExpiredError,
    SpApiAccessError,
    SpApiAuthorizationError,
    SpApiError,
    SpApiRetryableError,
)
from gateway.findings import Finding, Level
from gateway.model import Application, Seller, SellerState
from gateway.spapi.apis.notifications import Destination
from gateway.subscriptions.declaration import DeclaredDestination
from gateway.subscriptions.desired import Declared
from tests.support.clock import FakeClock

ACCOUNT = "123456789012"
AIM = Aim(
    url=f"https://sqs.eu-west-1.amazonaws.com/{ACCOUNT}/orders",
    name="orders",
    region="eu-west-1",
    account=ACCOUNT,
    endpoint=None,
)
PLACES = {"na": "https://na", "eu": "https://eu", "fe": "https://fe"}


async def looked(
    check: Check, before: Mapping[str, Sequence[Finding]] | None = None
) -> list[Finding]:
    return [one async for one in check.look(before or dict.fromkeys(check.needs, ()))]


async def amiss(
    check: Check, before: Mapping[str, Sequence[Finding]] | None = None
) -> list[tuple[str, str]]:
    every = await looked(check, before)
    return [(one.id, one.subject) for one in every if one.level is not Level.OK]


def seller(seller_id: str = "S1", **changes: Any) -> Seller:
    facts = {"application_id": "app", "region": "eu", "refresh_token": "Atzr|x", **changes}
    return Seller(id=seller_id, **facts)


class Known:
    def __init__(self, *sellers: Seller) -> None:
        self._sellers = sellers

    async def applications(self) -> Sequence[Application]:
        return [Application(id="app", client_id="client", client_secret="secret")]

    async def sellers(self) -> Sequence[Seller]:
        return self._sellers


# ── network and clock ─────────────────────────────────────────────────────────────────────────────


class Session:
    """Answers every GET with a date, or not at all."""

    def __init__(self, ahead_s: float = 0.0, fault: Exception | None = None) -> None:
        self.date = formatdate(FakeClock().now_ms() / 1000 - ahead_s, usegmt=True)
        self.fault = fault

    @asynccontextmanager
    async def get(self, url: str, **_: Any) -> AsyncIterator[Any]:
        if self.fault is not None:
            raise self.fault
        yield SimpleNamespace(headers={"Date": self.date})


def network(session: Any) -> NetworkCheck:
    async def hosts() -> Sequence[Host]:
        return [
            Host(name="Login with Amazon", url="https://lwa.example/", kind="lwa.unreachable"),
            Host(name="SQS", url="https://sqs.example/"),
        ]

    return NetworkCheck("network", hosts, session, FakeClock())


@pytest.mark.parametrize(
    ("ahead_s", "kinds"),
    [
        (0.0, []),
        (-59.0, []),
        (61.0, ["clock.skewed"]),
        (-299.0, ["clock.skewed"]),
        (301.0, ["clock.wrong"]),
    ],
)
async def test_the_clock_is_compared_with_theirs(ahead_s: float, kinds: list[str]) -> None:
    assert [one for one, _ in await amiss(network(Session(ahead_s)))] == kinds


@pytest.mark.parametrize("fault", [aiohttp.ClientError("refused"), TimeoutError()])
async def test_a_host_that_does_not_answer(fault: Exception) -> None:
    assert await amiss(network(Session(fault=fault))) == [("lwa.unreachable", "Login with Amazon")]


# ── queues ────────────────────────────────────────────────────────────────────────────────────────


class Aws:
    """Answers calls by `service.operation`; what it is not told of is refused."""

    def __init__(self, **answers: Any) -> None:
        self._answers = answers

    def clients(self, region: str | None, endpoint: str | None) -> Clients:
        del endpoint
        return Clients(region, make_client=lambda service, **_: _Client(service, self._answers))


class _Client:
    def __init__(self, service: str, answers: Mapping[str, Any]) -> None:
        self._service = service
        self._answers = answers

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        answer = self._answers.get(f"{self._service}_{operation}", refusal("AccessDenied"))

        def call(**_: Any) -> Any:
            if isinstance(answer, Exception):
                raise answer
            return answer

        return call


def queues(make_clients: MakeClients, aims: Sequence[Aim] = (AIM,)) -> QueuesCheck:
    return QueuesCheck(aims, make_clients, FakeClock())


def refusal(code: str, message: str = "no") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, "X")


def attributes(**more: str) -> dict[str, Any]:
    arn = f"arn:aws:sqs:eu-west-1:{ACCOUNT}:orders"
    return {
        "Attributes": {
            "QueueArn": arn,
            "MessageRetentionPeriod": "1209600",
            "ApproximateNumberOfMessages": "3",
            **more,
        }
    }


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (refusal("InvalidClientTokenId", "x-amz-security-token:SESSION"), "aws.credentials"),
        (NoCredentialsError(), "aws.credentials"),
        (refusal("AccessDenied"), "aws.denied"),
        (EndpointConnectionError(endpoint_url="https://sqs"), "aws.unreachable"),
    ],
)
async def test_a_queue_that_is_not_shown(fault: Exception, kind: str) -> None:
    check = queues(Aws(sqs_get_queue_attributes=fault).clients)
    (told,) = await looked(check)
    assert (told.id, told.subject) == (kind, "queue orders")
    assert "SESSION" not in told.what, "Amazon quotes the request where it refuses credentials"


async def test_a_queue_that_is_not_there() -> None:
    gone = refusal("AWS.SimpleQueueService.NonExistentQueue")
    check = queues(Aws(sqs_get_queue_attributes=gone).clients)
    assert await amiss(check) == [("queue.missing", "queue orders")]


async def test_what_the_rights_of_a_gateway_do_not_show_is_said_and_not_taken_for_missing() -> None:
    check = queues(Aws(sqs_get_queue_attributes=attributes(KmsMasterKeyId="k")).clients)
    kinds = {kind for kind, _ in await amiss(check)}
    assert kinds == {"aws.unreadable", "queue.policy_lacks", "queue.dlq_missing"}


async def test_messages_that_wait_are_told_of_where_they_are_many() -> None:
    many = attributes(ApproximateNumberOfMessages="10000")
    check = queues(Aws(sqs_get_queue_attributes=many).clients)
    assert ("queue.backlog", "queue orders") in await amiss(check)


@pytest.mark.parametrize(("age_s", "kinds"), [(899.0, []), (900.0, ["queue.old_messages"])])
async def test_the_oldest_message_is_told_of_where_it_is_old(
    age_s: float, kinds: list[str]
) -> None:
    points = [
        {"Timestamp": "2026-01-01T00:01:00Z", "Maximum": age_s},
        {"Timestamp": "2026-01-01T00:00:00Z", "Maximum": 5_000.0},
    ]
    told = Aws(
        sqs_get_queue_attributes=attributes(),
        cloudwatch_get_metric_statistics={"Datapoints": points},
    )
    found_ids = [kind for kind, _ in await amiss(queues(told.clients))]
    assert [kind for kind in found_ids if kind == "queue.old_messages"] == kinds


async def test_no_queue_at_all() -> None:
    assert await amiss(queues(Aws().clients, [])) == [("queue.none", "settings")]


# ── credentials and sellers ───────────────────────────────────────────────────────────────────────


class Tokens:
    """Refuses, or doesn't."""

    def __init__(self, fault: SpApiError | None = None) -> None:
        self._fault = fault

    async def for_application(self, application_id: str, scope: str) -> object:
        return self._token()

    async def for_seller(self, seller: Seller) -> object:
        return self._token()

    def _token(self) -> object:
        if self._fault is not None:
            raise self._fault
        return object()


def fault(kind: type[SpApiError], code: str | None = None) -> SpApiError:
    return kind(f"refused {code}", operation="lwa.token", code=code)


@pytest.mark.parametrize(
    ("refused", "kind"),
    [
        (fault(SpApiAuthorizationError, "invalid_client"), "credentials.refused"),
        (fault(SecretExpiredError, "invalid_client"), "credentials.secret_expired"),
        (fault(SpApiAuthorizationError, "invalid_scope"), "credentials.grantless_refused"),
        (fault(SpApiRetryableError), "lwa.unreachable"),
    ],
)
async def test_why_an_application_gets_no_token(refused: SpApiError, kind: str) -> None:
    check = CredentialsCheck(Known(), Tokens(refused))
    assert await amiss(check) == [(kind, "application app")]


class Shops:
    """Sells in Germany, where it is asked in the region that it is at home in."""

    def __init__(self, home: str = "eu") -> None:
        self._home = home
        self.asked: list[tuple[str, str]] = []

    async def marketplaces(self, seller: Seller, region: str) -> Collection[str]:
        self.asked.append((seller.id, region))
        if region != self._home:
            raise fault(SpApiAccessError, "Unauthorized")
        return {"A1PA6795UKMFR9"}


def sellers_check(
    *sellers: Seller, tokens: Tokens | None = None, shops: Shops | None = None, most: int = 50
) -> SellersCheck:
    known = Known(*sellers)
    return SellersCheck(
        known, tokens or Tokens(), shops or Shops(), most=most, places=PLACES, clock=FakeClock()
    )


@pytest.mark.parametrize(
    ("row", "home", "kind"),
    [
        (seller(), "eu", None),
        (seller(), "fe", "seller.wrong_region"),
        (seller(), "nowhere", "seller.denied"),
        (seller(marketplace_ids=("ATVPDKIKX0DER",)), "eu", "seller.wrong_region"),
        (seller(marketplace_ids=("A13V1IB3VIYZZH",)), "eu", "seller.marketplace"),
        (seller(state=SellerState.PAUSED), "eu", "seller.paused"),
        (seller(authorised_at_ms=FakeClock().now_ms() - 334 * 86_400_000), "eu", None),
        (seller(authorised_at_ms=FakeClock().now_ms() - 336 * 86_400_000), "eu", "seller.expiring"),
    ],
)
async def test_what_is_amiss_with_a_seller(row: Seller, home: str, kind: str | None) -> None:
    told = await amiss(sellers_check(row, shops=Shops(home)))
    assert told == ([] if kind is None else [(kind, "seller S1 (eu)")])


@pytest.mark.parametrize(
    ("refused", "kind"),
    [
        (fault(SpApiAuthorizationError, "invalid_grant"), "seller.revoked"),
        (fault(SpApiAuthorizationError, "unauthorized_client"), "seller.refused"),
        (fault(SecretExpiredError, "invalid_client"), "credentials.secret_expired"),
        (fault(SpApiRetryableError), "seller.unanswered"),
    ],
)
async def test_why_a_seller_gets_no_token(refused: SpApiError, kind: str) -> None:
    assert await amiss(sellers_check(seller(), tokens=Tokens(refused))) == [
        (kind, "seller S1 (eu)")
    ]


async def test_of_many_sellers_some_are_asked_about_paused_ones_first() -> None:
    shops = Shops()
    rows = [seller(f"S{number:02}") for number in range(30)]
    paused = seller("S99", state=SellerState.PAUSED)
    every = await looked(sellers_check(*rows, paused, shops=shops, most=10))
    assert [one.id for one in every if one.level is not Level.OK] == ["seller.paused"]
    assert [asked for asked, _ in shops.asked] == [f"S{number:02}" for number in range(9)]
    assert every[-1].what.startswith("of 31 were asked")


async def test_sellers_of_a_refused_application_are_not_asked_about() -> None:
    shops = Shops()
    refused = found("credentials.refused", "application app", "gets no token", application="app")
    before = {"credentials": [refused], "store": (), "regions": ()}
    assert await amiss(sellers_check(seller(), shops=shops), before) == [
        ("seller.unasked", "1 sellers")
    ]
    assert not shops.asked


# ── destinations and bus ──────────────────────────────────────────────────────────────────────────

QUEUE = DeclaredDestination(name="main", arn=f"arn:aws:sqs:eu-west-1:{ACCOUNT}:orders")
BUS = DeclaredDestination(name="bus", aws_region="us-east-1", aws_account=ACCOUNT)


class AtAmazon:
    """Has these destinations, or refuses."""

    def __init__(self, *resources: Mapping[str, Any], fault: SpApiError | None = None) -> None:
        self._resources = resources
        self._fault = fault

    async def destinations(self, application_id: str, region: str) -> Sequence[Destination]:
        if self._fault is not None:
            raise self._fault
        read = [
            Destination.read({"destinationId": str(number), "name": "n", "resource": resource})
            for number, resource in enumerate(self._resources)
        ]
        return [one for one in read if one is not None]


async def test_a_destination_is_compared_with_what_amazon_has() -> None:
    received = {("eu-west-1", "orders")}
    declared = Declared(destinations=[QUEUE, BUS])

    async def told(amazon: AtAmazon) -> list[tuple[str, str]]:
        check = DestinationsCheck(declared, Known(seller()), amazon, received=received)
        return await amiss(check)

    assert await told(AtAmazon(QUEUE.specification())) == [
        ("destination.missing", "destination bus")
    ]
    assert await told(AtAmazon(QUEUE.specification(), BUS.specification())) == []
    assert await told(AtAmazon(fault=fault(SpApiAccessError))) == [
        ("credentials.grantless_refused", "application app")
    ]
    assert await told(AtAmazon(fault=fault(SpApiRetryableError))) == [
        ("destination.unanswered", "application app")
    ]


async def test_a_bus_without_a_queue_beside_it() -> None:
    at_amazon = {"eventBridge": {
        "name": "sellingpartnerapi.amazon.com/amzn1.sellerapps.app.x",
        "region": "us-east-1",
        "accountId": ACCOUNT,
    }}  # fmt: skip
    check = BusCheck(
        Declared(destinations=[BUS]),
        Known(seller()),
        AtAmazon(at_amazon),
        aims=[AIM],
        make_clients=Aws().clients,
    )
    source = f"aws.partner/sellingpartnerapi.amazon.com/{ACCOUNT}/amzn1.sellerapps.app.x"
    assert await amiss(check) == [("source.no_queue", f"event source {source}")]


# ── endpoints ─────────────────────────────────────────────────────────────────────────────────────


class Reaching:
    """Reaches nobody for the reasons that it is given, in turn."""

    proxied = False

    def __init__(self, *faults: Exception) -> None:
        self._faults = list(faults)

    async def reach(self, endpoint: Endpoint) -> str:
        if self._faults:
            raise self._faults.pop(0)
        return "203.0.113.7"


class Door:
    """A store that holds endpoints."""

    keys_file = "keys"

    def __init__(self, *endpoints: Endpoint) -> None:
        self._endpoints = endpoints

    async def state(self) -> Any:
        raise NotImplementedError

    async def open(self) -> Any:
        async def all_with_secrets() -> tuple[int, Sequence[Endpoint]]:
            return 1, self._endpoints

        return SimpleNamespace(endpoints=SimpleNamespace(all_with_secrets=all_with_secrets))


def endpoint(number: int = 1, **changes: Any) -> Endpoint:
    return Endpoint(id=f"ep_{number}", url="https://customer.example/", **changes)


@pytest.mark.parametrize(
    ("refused", "kind"),
    [
        (BlockedAddressError("url: is private"), "endpoint.blocked"),
        (InvalidInputError("url: port 81 is not allowed"), "endpoint.unusable"),
        (ResolutionError("no address", error_class="dns"), "endpoint.unresolved"),
        (EndpointUnreachableError("refused"), "endpoint.unreachable"),
    ],
)
async def test_why_an_endpoint_is_not_reached(refused: Exception, kind: str) -> None:
    check = EndpointsCheck(Door(endpoint()), Reaching(refused))
    assert await amiss(check) == [(kind, "endpoint ep_1")]


async def test_endpoints_that_need_no_connection() -> None:
    pulled = endpoint(1, transport=Transport.PULL)
    disabled = endpoint(2, state=EndpointState.DISABLED, disabled_reason="answered 410")
    check = EndpointsCheck(Door(pulled, disabled, endpoint(3)), Reaching())
    assert await amiss(check) == [("endpoint.disabled", "endpoint ep_2")]
    assert await amiss(EndpointsCheck(Door(), Reaching())) == [("endpoint.none", "store")]
