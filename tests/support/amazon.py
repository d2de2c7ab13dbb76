"""The simulator's operations without HTTP: calls by name, the clock in hand, messages in a list."""

from __future__ import annotations

import json
from typing import Any

from multidict import MultiDict

from gateway.simulator.agenda import Agenda
from gateway.simulator.apis.assembly import Apis
from gateway.simulator.cast import DEFAULT_APPLICATION, DEFAULT_SELLERS
from gateway.simulator.orders import OrderBook
from gateway.simulator.spapi.accounts import Accounts, Grant, Seller
from gateway.simulator.spapi.answers import RefusalError
from gateway.simulator.spapi.call import Call
from gateway.simulator.spapi.documents import Documents
from gateway.simulator.spapi.usage import Caller
from gateway.simulator.work import Work
from gateway.spapi.catalog import Catalog
from tests.support.clock import FakeClock

QUEUE_ARN = "arn:aws:sqs:us-east-1:000000000000:a"
CATALOG = Catalog.load()
SELLER = DEFAULT_SELLERS[0]


class LocalAmazon:
    """Calls operations as a seller, or grantless; what they publish is in `sent` by ARN."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.agenda = Agenda(self.clock)
        self.sent: list[tuple[str, dict[str, Any]]] = []
        self.accounts = Accounts([DEFAULT_APPLICATION], DEFAULT_SELLERS, clock=self.clock)
        self.orders = OrderBook(clock=self.clock)
        self.work = Work(clock=self.clock, queue_s=10, work_s=20)
        self.documents = Documents(self.clock)
        self.apis = Apis(
            accounts=self.accounts,
            orders=self.orders,
            work=self.work,
            documents=self.documents,
            outlet=self,
            first_arn=QUEUE_ARN,
            agenda=self.agenda,
            clock=self.clock,
        )

    def send(self, arn: str, body: str) -> bool:
        """See `Outlet`."""
        if arn.endswith(":missing"):
            return False
        self.sent.append((arn, json.loads(body)))
        return True

    def pass_time(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.agenda.run_due()

    def call(
        self,
        name: str,
        body: dict[str, Any] | None = None,
        *,
        seller: Seller | None = SELLER,
        application: str = DEFAULT_APPLICATION.id,
        query: dict[str, Any] | None = None,
        opened: dict[str, frozenset[str]] | None = None,
        **arguments: str,
    ) -> Any:
        """Return what an operation answers; raises `RefusalError`."""
        operation = CATALOG.find(name)
        grant = Grant(
            application=application,
            seller=seller,
            scope=operation.scope if seller is None else None,
            expires_at_ms=0,
            data_elements=opened,
        )
        answer = self.apis.answers[operation.name](
            Call(
                operation=operation,
                path=operation.path.format(**arguments),
                arguments=arguments,
                query=MultiDict(query or {}),
                body=json.dumps(body or {}).encode(),
                grant=grant,
                caller=Caller(application, seller and seller.id, "na", operation.name),
                base_url="http://amazon.test",
            )
        )
        return answer.body

    def refusal(self, name: str, *args: Any, **kwargs: Any) -> tuple[int, str, str]:
        """Return status, code and message that an operation refuses a call with."""
        try:
            answer = self.call(name, *args, **kwargs)
        except RefusalError as refused:
            return refused.status, refused.code, f"{refused} {refused.details}".strip()
        raise AssertionError(f"{name} answered {answer}")

    def destination(self, arn: str = QUEUE_ARN, **kwargs: Any) -> str:
        specification = {"sqs": {"arn": arn}}
        answer = self.call(
            "createDestination",
            {"name": "d", "resourceSpecification": specification},
            seller=None,
            **kwargs,
        )
        return answer["payload"]["destinationId"]

    def subscribe(self, type_: str, destination: str, **fields: Any) -> dict[str, Any]:
        seller = fields.pop("seller", SELLER)
        body = {"payloadVersion": "1.0", "destinationId": destination, **fields}
        answer = self.call("createSubscription", body, seller=seller, notificationType=type_)
        return answer["payload"]
