"""The store as one object: opened by URL, its methods grouped by noun."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from pathlib import Path
from types import TracebackType

from gateway.clock import Clock
from gateway.errors import SchemaOutdatedError
from gateway.store.announcements import Announcements
from gateway.store.api_keys import ApiKeys
from gateway.store.archive_runs import ArchiveRuns
from gateway.store.archiving import Archiving
from gateway.store.audit import AuditedDriver, AuditEntry, AuditLog
from gateway.store.authorisations import Authorisations
from gateway.store.buckets import Buckets
from gateway.store.coalesced import Coalesced
from gateway.store.database_url import DatabaseUrl
from gateway.store.deliveries import Deliveries
from gateway.store.destinations import Destinations
from gateway.store.documents import Documents
from gateway.store.driver import Driver, Sealer, Signals
from gateway.store.endpoints import Endpoints
from gateway.store.erasing import ErasingStore
from gateway.store.erasures import Erasures
from gateway.store.feeds import Feeds
from gateway.store.handlings import Handlings
from gateway.store.inbox import Inbox
from gateway.store.jobs import Jobs
from gateway.store.lists import Lists
from gateway.store.memories import Memories
from gateway.store.migrate import SchemaState, standing, upgrade
from gateway.store.once import OnceKeys
from gateway.store.operations import Operations
from gateway.store.outbox import Outbox
from gateway.store.publishing import EVENT_URL, Publisher
from gateway.store.queries import Queries
from gateway.store.redelivering import Redeliveries
from gateway.store.replaying import Replays
from gateway.store.retention import Retention
from gateway.store.rotation import Rotation
from gateway.store.schedules import ScheduleRuns
from gateway.store.sellers import Sellers
from gateway.store.silences import Silences
from gateway.store.space import Scrubber, Space
from gateway.store.sqlite import SqliteDriver
from gateway.store.subscription_runs import SubscriptionRuns
from gateway.store.subscriptions import Subscriptions
from gateway.store.sweeps import Sweeps
from gateway.store.tenancy import Tenancy
from gateway.store.traces import Traces
from gateway.store.usage import Usage


class Changes:
    """The nouns that people change, each write with its entry of the audit log."""

    def __init__(
        self, driver: Driver, *, sealer: Sealer, clock: Clock, publisher: Publisher
    ) -> None:
        self.endpoints = Endpoints(driver, sealer, clock)
        self.deliveries = Deliveries(driver, clock, publisher)
        self.outbox = Outbox(driver, clock, publisher)
        self.api_keys = ApiKeys(driver)
        self.sellers = Sellers(driver, sealer=sealer, clock=clock, publisher=publisher)
        self.authorisations = Authorisations(driver, sealer, clock, publisher)
        self.feeds = Feeds(driver, clock)
        self.inbox = Inbox(driver, sealer, clock)
        self.operations = Operations(driver, clock)
        self.subscriptions = Subscriptions(driver, clock)
        self.subscription_runs = SubscriptionRuns(driver, clock)
        self.erasures = Erasures(driver, sealer, clock)


class Store(AbstractAsyncContextManager["Store"]):
    """An open database.

    Attributes:
        path: The SQLite file; None on PostgreSQL.
    """

    def __init__(
        self,
        driver: Scrubber,
        *,
        sealer: Sealer,
        clock: Clock,
        path: Path | None = None,
        event_url: str = EVENT_URL,
    ) -> None:
        self._driver, self._sealer, self._clock = driver, sealer, clock
        self._publisher = publisher = Publisher(event_url)
        self.path = path
        self.inbox = Inbox(driver, sealer, clock)
        self.handlings = Handlings(driver, sealer, clock, publisher)
        self.coalesced = Coalesced(driver, sealer)
        self.once_keys = OnceKeys(driver)
        self.memories = Memories(driver)
        self.documents = Documents(driver, sealer)
        self.jobs = Jobs(driver)
        self.schedule_runs = ScheduleRuns(driver)
        self.deliveries = Deliveries(driver, clock, publisher)
        self.announcements = Announcements(driver, clock, publisher)
        self.sweeps = Sweeps(driver, clock)
        self.silences = Silences(driver, clock, publisher)
        self.endpoints = Endpoints(driver, sealer, clock)
        self.sellers = Sellers(driver, sealer=sealer, clock=clock, publisher=publisher)
        self.authorisations = Authorisations(driver, sealer, clock, publisher)
        self.subscriptions = Subscriptions(driver, clock)
        self.subscription_runs = SubscriptionRuns(driver, clock)
        self.destinations = Destinations(driver, clock)
        self.buckets = Buckets(driver, clock)
        self.queries = Queries(driver, sealer)
        self.lists = Lists(driver)
        self.rotation = Rotation(driver, sealer)
        self.outbox = Outbox(driver, clock, publisher)
        self.api_keys = ApiKeys(driver)
        self.audit = AuditLog(driver)
        self.usage = Usage(driver)
        self.tenancy = Tenancy(driver)
        self.traces = Traces(driver)
        self.operations = Operations(driver, clock)
        self.archiving = Archiving(driver, sealer)
        self.archive_runs = ArchiveRuns(driver, clock)
        self.replays = Replays(driver, sealer, clock, self.inbox)
        self.redeliveries = Redeliveries(driver, clock, Publisher(event_url))
        self.feeds = Feeds(driver, clock)
        self.retention = Retention(driver, clock)
        self.erasures = Erasures(driver, sealer, clock)

    @property
    def erasing(self) -> ErasingStore:
        """What looks through everything for erasures, and erases."""
        return ErasingStore(self._driver, self._clock)

    @property
    def space(self) -> Space:
        """The database's size, and how it is made smaller."""
        return Space(self._driver, is_file=self.path is not None)

    def changing(self, entry: AuditEntry) -> Changes:
        """Return what people change, to be changed with `entry` in the same transaction."""
        return Changes(
            AuditedDriver(self._driver, entry),
            sealer=self._sealer,
            clock=self._clock,
            publisher=self._publisher,
        )

    async def close(self) -> None:
        """Finish what was asked for, then close the database; again is no harm."""
        await self._driver.close()

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()


async def open_store(
    url: str,
    *,
    sealer: Sealer,
    clock: Clock,
    signals: Signals,
    migrate: bool = False,
    pool_size: int = 4,
    event_url: str = EVENT_URL,
) -> Store:
    """Return the database at `url`, opened.

    Args:
        url: `sqlite:///path` or `postgresql://…`.
        sealer: Who seals secrets.
        clock: Time, of which the store has none of its own.
        signals: Whom to tell that there is new work.
        migrate: Whether to bring a SQLite file to this release's schema first.
        pool_size: Most connections to PostgreSQL.
        event_url: What the link of a thin event begins with; the event's id follows.

    Raises:
        ConfigurationError: The URL names no known kind of database.
        SchemaOutdatedError: The schema is not this release's, nor one that it can work on.
        StoreUnavailableError: The database can't be opened.
    """
    where = DatabaseUrl.parse(url)
    found = await standing(url)
    is_older = found.state in (SchemaState.EMPTY, SchemaState.OUTDATED)
    if migrate and where.path is not None and is_older:
        await upgrade(url)
    elif found.state is SchemaState.NEWER:
        raise SchemaOutdatedError(found.refusal())
    elif is_older:
        raise SchemaOutdatedError(
            "the database's schema is older than this release; run `gateway db upgrade`"
        )
    driver: Scrubber
    if where.path is not None:
        driver = await SqliteDriver.open(where.path, signals)
    else:
        from gateway.store.postgres import PostgresDriver  # noqa: PLC0415 only where needed

        driver = await PostgresDriver.open(where.dsn, signals, pool_size=pool_size)
    return Store(driver, sealer=sealer, clock=clock, path=where.path, event_url=event_url)
