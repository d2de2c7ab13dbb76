"""Every API that is served, put together around one clock, one agenda and one publisher."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from gateway.simulator.apis.application import ApplicationManagement
from gateway.simulator.apis.data_kiosk import DataKiosk
from gateway.simulator.apis.destinations import Destinations
from gateway.simulator.apis.feeds import Feeds
from gateway.simulator.apis.finances import Finances
from gateway.simulator.apis.fulfillment import Fulfillment
from gateway.simulator.apis.inventory import Inventory
from gateway.simulator.apis.invoices import Invoices
from gateway.simulator.apis.jobs import Workshop
from gateway.simulator.apis.listings import Listings
from gateway.simulator.apis.order_lists import OrderLists
from gateway.simulator.apis.order_traffic import OrderTraffic
from gateway.simulator.apis.orders import Orders
from gateway.simulator.apis.pricing import Pricing
from gateway.simulator.apis.publishing import Publisher
from gateway.simulator.apis.report_schedules import ReportSchedules
from gateway.simulator.apis.reports import Reports
from gateway.simulator.apis.sellers import Sellers
from gateway.simulator.apis.subscriptions import Subscriptions
from gateway.simulator.apis.tokens import Tokens

if TYPE_CHECKING:
    from gateway.clock import Clock
    from gateway.simulator.agenda import Agenda
    from gateway.simulator.apis.publishing import Outlet
    from gateway.simulator.orders import OrderBook
    from gateway.simulator.spapi.accounts import Accounts
    from gateway.simulator.spapi.call import Answering, Api
    from gateway.simulator.spapi.documents import Documents
    from gateway.simulator.work import Work


class Apis:
    """The state behind the operations that are served.

    Args:
        first_arn: Queue that is registered with the applications for their secrets, and stands
            behind the rule of every event bus; None where there is none.

    Attributes:
        destinations: Where notifications go.
        subscriptions: Who is sent which.
        publisher: Sends them.
        traffic: Places orders and tells of their changes.
        answers: What answers each operation that is served, by full name.
    """

    def __init__(  # noqa: PLR0913 the parts that are shared, all by keyword
        self,
        *,
        accounts: Accounts,
        orders: OrderBook,
        work: Work,
        documents: Documents,
        outlet: Outlet,
        first_arn: str | None,
        agenda: Agenda,
        clock: Clock,
    ) -> None:
        self.destinations = Destinations()
        self.subscriptions = Subscriptions(self.destinations)
        self.publisher = Publisher(
            destinations=self.destinations,
            subscriptions=self.subscriptions,
            outlet=outlet,
            bus_arn=first_arn,
            clock=clock,
        )
        self.traffic = OrderTraffic(orders, publisher=self.publisher, agenda=agenda, clock=clock)
        shop = Workshop(
            clock=clock,
            agenda=agenda,
            work=work,
            orders=orders,
            documents=documents,
            publisher=self.publisher,
        )
        apis: list[Api] = [
            self.destinations,
            self.subscriptions,
            self.publisher,
            Orders(orders, self.traffic),
            OrderLists(orders, clock=clock),
            Tokens(accounts),
            ApplicationManagement(accounts, self.publisher, queue_arn=first_arn, clock=clock),
            *_working(shop),
            *_reading(orders, clock),
        ]
        self.answers: Mapping[str, Answering] = {
            name: answering for api in apis for name, answering in api.answers().items()
        }


def _working(shop: Workshop) -> Sequence[Api]:
    """Return the APIs whose work takes time."""
    reports = Reports(shop)
    schedules = ReportSchedules(reports, clock=shop.clock, agenda=shop.agenda)
    return [reports, schedules, Feeds(shop), DataKiosk(shop), Invoices(shop)]


def _reading(orders: OrderBook, clock: Clock) -> Sequence[Api]:
    """Return the APIs that only show something."""
    return [
        Sellers(),
        Listings(clock),
        Inventory(clock),
        Fulfillment(orders),
        Finances(orders, clock=clock),
        Pricing(),
    ]
