"""Composition of the simulator: local SQS, LWA and SP-API on one port, told apart by the request.

X-Amz-Target: AmazonSQS.…       local SQS
POST /auth/o2/token             LWA
/apps/authorize/consent         the page on which a seller authorises an application
/apps/authorize/confirm/…       where it goes on from the application's login URI
/_simulator/…                   control routes
/_documents/…                   documents of reports, feeds, queries and exports
[/sandbox][/na|/eu|/fe]/…       SP-API
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Self

from gateway.clock import Clock, SystemClock
from gateway.simulator.agenda import Agenda
from gateway.simulator.apis.assembly import Apis
from gateway.simulator.cast import DEFAULT_APPLICATION, DEFAULT_SELLERS
from gateway.simulator.control.accounts import AccountControl
from gateway.simulator.control.calls import CallControl
from gateway.simulator.control.play import PlayControl
from gateway.simulator.control.router import PREFIX, Control
from gateway.simulator.control.traffic import TrafficControl
from gateway.simulator.http import HttpServer
from gateway.simulator.orders import OrderBook
from gateway.simulator.outlet import LocalOutlet, RemoteOutlet
from gateway.simulator.spapi import wire
from gateway.simulator.spapi.accounts import Accounts, Application, Seller
from gateway.simulator.spapi.api import SpApi, unserved
from gateway.simulator.spapi.consent import PREFIX as AUTHORIZE_PREFIX
from gateway.simulator.spapi.consent import Consent
from gateway.simulator.spapi.documents import PREFIX as DOCUMENTS_PREFIX
from gateway.simulator.spapi.documents import Documents
from gateway.simulator.spapi.faults import GET_DOCUMENT, PUT_DOCUMENT, TOKEN, SpApiFaults
from gateway.simulator.spapi.lwa import TOKEN_PATH, Lwa
from gateway.simulator.spapi.static_cases import StaticCases
from gateway.simulator.spapi.usage import Caller, Calls, Usage
from gateway.simulator.sqs.faults import SqsFaults
from gateway.simulator.sqs.protocol import SqsProtocol, is_sqs
from gateway.simulator.sqs.service import LocalSqs
from gateway.simulator.work import Work
from gateway.spapi.catalog import Catalog

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path
    from types import TracebackType

    from aiohttp import web

    from gateway.model import UsagePlan


_EVERYWHERE = frozenset({"", "0.0.0.0", "::"})  # noqa: S104 compared, not bound


class Simulator:
    """A running simulator; enter it to listen, leave it to stop.

    Args:
        host: Address to listen on.
        port: Port to listen on; 0 takes a free one.
        queues: Names of standard queues to make at once.
        applications: Who may ask for tokens; others may too unless `strict`.
        sellers: Who authorised them; others did too unless `strict`.
        strict: Refuse credentials that are not listed.
        usage_plans: Plans by operation id or full name that win over the operations' own.
        token_life_s: Seconds that an access token lives.
        queue_s: Seconds that reports, feeds, queries and exports wait before work on them begins.
        work_s: Seconds that the work takes.
        models: Checkout of amzn/selling-partner-api-models, whose static cases answer the
            operations that are not played.
        sqs_endpoint: An SQS elsewhere, where notifications go whose queue is not a local one.
        seed: What the orders are drawn from.
        clock: Time of queues, tokens, buckets and work.

    Raises:
        InvalidInputError: `models` holds no API model.

    Attributes:
        accounts: Applications, sellers and tokens.
        orders: The orders that the SP-API shows.
        work: How reports, feeds, queries and exports turn out.
        faults: What goes wrong with calls.
        apis: The state of the operations that are served.
        sqs: The local SQS.
        sqs_faults: What goes wrong with queues.
    """

    def __init__(  # noqa: PLR0913 each has a default, and all are keywords
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        queues: Sequence[str] = (),
        applications: Sequence[Application] = (DEFAULT_APPLICATION,),
        sellers: Sequence[Seller] = DEFAULT_SELLERS,
        strict: bool = False,
        usage_plans: Mapping[str, UsagePlan] | None = None,
        token_life_s: int = 3_600,
        queue_s: float = 1.0,
        work_s: float = 2.0,
        models: Path | None = None,
        sqs_endpoint: str | None = None,
        seed: int = 0,
        clock: Clock | None = None,
    ) -> None:
        clock = clock or SystemClock()
        self.sqs_faults = SqsFaults()
        self.sqs = LocalSqs(faults=self.sqs_faults, clock=clock)
        for name in queues:
            self.sqs.queues.create(name)
        self.faults = SpApiFaults()
        self.accounts = Accounts(
            applications, sellers, clock=clock, strict=strict, token_life_s=token_life_s
        )
        self.orders = OrderBook(clock=clock, seed=seed)
        self.work = Work(clock=clock, queue_s=queue_s, work_s=work_s)
        self._agenda = Agenda(clock)
        self._running: list[asyncio.Task[None]] = []
        self._outlet: LocalOutlet | RemoteOutlet = LocalOutlet(self.sqs)
        if sqs_endpoint is not None:
            self._outlet = RemoteOutlet(self._outlet, endpoint_url=sqs_endpoint)
        self._documents = Documents(clock)
        self.apis = self._assemble(self.sqs.queues.named(queues[0]).arn if queues else None, clock)
        self.lwa = Lwa(self.accounts)
        self._consent = Consent(self.accounts)
        self._usage = Usage(clock=clock, plans=usage_plans or {})
        catalog = Catalog.load()
        cases = StaticCases.load(models, catalog) if models is not None else None
        self._spapi = SpApi(
            accounts=self.accounts,
            catalog=catalog,
            answers=self.apis.answers,
            fallback=unserved if cases is None else cases.answer,
            usage=self._usage,
            faults=self.faults,
            base_url=self._reached_at,
        )
        self._sqs_protocol = SqsProtocol(self.sqs, self.sqs_faults)
        self._control = self._controlled(clock)
        self._server = HttpServer(self._answer, host=host, port=port)

    def _assemble(self, first_arn: str | None, clock: Clock) -> Apis:
        return Apis(
            accounts=self.accounts,
            orders=self.orders,
            work=self.work,
            documents=self._documents,
            outlet=self._outlet,
            first_arn=first_arn,
            agenda=self._agenda,
            clock=clock,
        )

    def _controlled(self, clock: Clock) -> Control:
        calls = CallControl(
            lwa=self.lwa,
            usage=self._usage,
            spapi_faults=self.faults,
            sqs_faults=self.sqs_faults,
        )
        play = PlayControl(apis=self.apis, work=self.work, orders=self.orders, clock=clock)
        traffic = TrafficControl(
            self.apis.traffic, sellers=self.sellers, seed=self.orders.seed, clock=clock
        )
        accounts = AccountControl(self.accounts)
        return Control(
            [
                {("GET", ""): lambda _: self.describe()},
                calls.routes(),
                accounts.routes(),
                play.routes(),
                traffic.routes(),
            ]
        )

    # ── where things are ─────────────────────────────────────────────────────────────────────────

    @property
    def spapi_url(self) -> str:
        """Base URL of the SP-API for every region; `/na`, `/eu` or `/fe` behind it binds one."""
        return self._server.url

    @property
    def lwa_url(self) -> str:
        """URL of the token endpoint, whole."""
        return self._server.url + TOKEN_PATH

    @property
    def sqs_url(self) -> str:
        """Endpoint URL of the local SQS."""
        return self._server.url

    def queue_url(self, name: str) -> str:
        """Return the URL of a queue.

        Raises:
            SqsError: There is no queue of this name.
        """
        return self.sqs.queues.url(self.sqs.queues.named(name), self._server.url)

    @property
    def applications(self) -> Sequence[Application]:
        """The applications that are listed."""
        return self.accounts.applications

    @property
    def sellers(self) -> Sequence[Seller]:
        """The sellers that are listed."""
        return self.accounts.sellers

    @property
    def calls(self) -> Mapping[Caller, Calls]:
        """The SP-API calls that came in so far."""
        return self._usage.calls()

    def describe(self) -> dict[str, Any]:
        """Return where everything is and which credentials open it, as plain data."""
        return {
            "spapi": self.spapi_url,
            "lwa": self.lwa_url,
            "sqs": self.sqs_url,
            "queue_urls": [
                self.sqs.queues.url(queue, self._server.url) for queue in self.sqs.queues.all()
            ],
            "applications": [
                {
                    "id": application.id,
                    "client_id": application.client_id,
                    "client_secret": application.client_secret,
                }
                for application in self.applications
            ],
            "sellers": [
                {"id": seller.id, "region": seller.region, "refresh_token": seller.refresh_token}
                for seller in self.sellers
            ],
        }

    # ── running ──────────────────────────────────────────────────────────────────────────────────

    async def __aenter__(self) -> Self:
        """Begin to listen.

        Raises:
            OSError: The port is taken, or the host is not ours.
        """
        await self._server.__aenter__()
        self._running.append(asyncio.create_task(self._agenda.run(), name="simulator agenda"))
        if isinstance(self._outlet, RemoteOutlet):
            self._running.append(asyncio.create_task(self._outlet.run(), name="simulator outlet"))
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop listening; waiting polls are answered with what there is."""
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        self._running.clear()
        self.sqs.close()
        await self._server.__aexit__(kind, error, trace)

    def _reached_at(self, request: web.BaseRequest) -> str:
        # Some clients send a Host that is none, where the URL that they were given is no HTTPS.
        if self._server.host not in _EVERYWHERE:
            return self._server.url
        return f"{request.scheme}://{request.host}"

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        if is_sqs(request):
            return await self._sqs_protocol.answer(request)
        if request.path == TOKEN_PATH:
            fault = self.faults.strike(operation=TOKEN, seller=None)
            return await wire.faulted(request, fault, lambda: self.lwa.answer(request))
        if request.path.startswith(AUTHORIZE_PREFIX):
            return self._consent.answer(request)
        if request.path.startswith(PREFIX):
            return await self._control.answer(request)
        if request.path.startswith(DOCUMENTS_PREFIX):
            name = PUT_DOCUMENT if request.method == "PUT" else GET_DOCUMENT
            fault = self.faults.strike(operation=name, seller=None)
            return await wire.faulted(request, fault, lambda: self._documents.answer(request))
        return await self._spapi.answer(request)


async def serve(
    simulator: Simulator, *, ready: Callable[[Mapping[str, Any]], None], stop: asyncio.Event
) -> None:
    """Run a simulator until `stop` is set.

    Args:
        simulator: Not entered yet.
        ready: Called with `describe()` once it listens.
        stop: Set by whoever wants it to end.

    Raises:
        OSError: The port is taken, or the host is not ours.
    """
    async with simulator:
        ready(simulator.describe())
        await stop.wait()
