"""How sellers come, as the service composes it: the flow, the check of new ones, and the chores.

Calls for a seller who is looked at go with the token in hand, whatever the store says of it, in the
region that is asked in; they keep to the store's buckets like all others.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from aiohttp import ClientSession, DummyCookieJar, TCPConnector

from gateway.admin.authorising import Authorising
from gateway.authorisations import Ending
from gateway.errors import SpApiRetryableError
from gateway.jobs.requests import JobRequest, OwedJob, arrival_of
from gateway.model import Application, IdPrefix, Origin, Seller, SellerState, new_id
from gateway.onboarding.chores import Checks, EndingNotices
from gateway.onboarding.flow import START_PATH, Flow, FlowOptions, Solution
from gateway.onboarding.lookout import Lookout
from gateway.onboarding.tickets import Intent, Tickets
from gateway.service import parts
from gateway.service.opening import sealer_for
from gateway.service.sellers import SellerBook
from gateway.spapi.assembly import ClientNeeds, make_client, make_tokens
from gateway.spapi.catalog import Catalog
from gateway.spapi.throttle import CallDeferred
from gateway.store.audit import AuditEntry
from gateway.sweep.sweeping import JOB

if TYPE_CHECKING:
    from gateway.clock import Clock
    from gateway.settings import Settings
    from gateway.spapi.runner import CallMetrics, CallUsage
    from gateway.store import Store

_AFTER_THE_END_S = 30 * 86_400.0
_DAY_S = 86_400.0
_PATIENCE_S = 5.0
_JUST_CAME_MS = 3_600_000
_CONNECTIONS = 32


def solutions(settings: Settings) -> Sequence[Solution]:
    """Return the applications that sellers can authorise."""
    return [
        Solution(id=one.id, solution_id=one.solution_id, draft=one.draft, vendor=one.vendor)
        for one in settings.applications
        if one.solution_id is not None
    ]


class Links:
    """Makes links for sellers; `None` where there can be none.

    Attributes:
        applications: Those that sellers can authorise.
    """

    def __init__(self, settings: Settings, *, clock: Clock) -> None:
        self._public_url = settings.onboarding.public_url
        self._ttl_s = settings.onboarding.link_ttl_s
        self.applications = tuple(one.id for one in solutions(settings))
        self._tickets = Tickets(sealer_for(settings, clock=clock), clock)

    def make(self, intent: Intent, *, ttl_s: float | None = None) -> str | None:
        """Return the link for an intent."""
        if self._public_url is None or intent.application_id not in self.applications:
            return None
        token = self._tickets.link(intent, ttl_s=ttl_s or self._ttl_s)
        return f"{self._public_url.rstrip('/')}{START_PATH}?link={token}"

    def renewing(self, ending: Ending) -> str | None:
        """Return the link by which a seller authorises anew, good until a month after the end."""
        intent = Intent(
            application_id=ending.application_id, region=ending.region, seller_id=ending.seller_id
        )
        return self.make(intent, ttl_s=ending.days_left * _DAY_S + _AFTER_THE_END_S)


@dataclass(frozen=True, slots=True)
class _OneSeller:
    """A directory that knows the seller who is looked at, wherever it is asked for."""

    book: SellerBook
    known: Seller

    async def seller(self, seller_id: str, region: str | None = None) -> Seller:
        """See `SellerDirectory`."""
        del seller_id
        return replace(self.known, region=region or self.known.region, state=SellerState.ACTIVE)

    async def application(self, application_id: str) -> Application:
        """See `SellerDirectory`."""
        return await self.book.application(application_id)

    async def pause(self, seller_id: str, region: str, reason: str) -> None:
        """Pause the seller where it is known: it is its authorisation that is refused."""
        del region
        if self.known.region:
            await self.book.pause(seller_id, self.known.region, reason)


class AmazonSays:
    """Asks Amazon in which marketplaces a seller takes part."""

    def __init__(self, settings: Settings, needs: ClientNeeds, book: SellerBook) -> None:
        self._options = parts.client_options(settings)
        self._needs = needs
        self._book = book
        self._catalog = Catalog.load()

    async def __call__(self, seller: Seller, region: str) -> Collection[str]:
        """See `Participations`."""
        needs = replace(self._needs, directory=_OneSeller(self._book, seller))
        client = make_client(needs, self._options, self._catalog)
        calls = client.for_seller(seller.id, region, patience_s=_PATIENCE_S)
        try:
            found = await calls.sellers.get_marketplace_participations()
        except CallDeferred as exc:
            raise SpApiRetryableError(
                "the usage plan is used up for the moment",
                operation="sellers.v1.getMarketplaceParticipations",
                seller_id=seller.id,
            ) from exc
        return [one.marketplace.id for one in found if one.participation.is_participating]


class _BookOfStore:
    """Where the flow keeps sellers: the store, with an entry of the audit log for each."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def use_state(self, state_id: str, *, expires_at_ms: int) -> bool:
        """See `Book`."""
        return await self._store.authorisations.use_state(state_id, expires_at_ms=expires_at_ms)

    async def of(self, seller_id: str) -> Sequence[Seller]:
        """See `Book`."""
        return await self._store.sellers.of(seller_id)

    async def authorise(self, seller: Seller, *, tags: Sequence[str], state_id: str) -> Seller:
        """See `Book`."""
        now_ms = self._clock.now_ms()
        told = {
            "region": seller.region,
            "application_id": seller.application_id,
            "marketplace_ids": list(seller.marketplace_ids),
            "tags": list(tags),
        }
        entry = AuditEntry(
            id=new_id(IdPrefix.AUDIT, now_ms),
            at_ms=now_ms,
            actor="oauth",
            action="seller.authorise",
            object_id=seller.id,
            request_id=state_id,
            changes={name: {"from": None, "to": value} for name, value in told.items() if value},
        )
        done = await self._store.changing(entry).authorisations.authorise(seller, tags=tags)
        return done.seller


class FirstSweeps:
    """Has a seller who has just authorised swept at once, for whatever the settings have swept.

    Of one who came otherwise notifications may lie in the queue already; the sweeps' schedule takes
    it in.
    """

    def __init__(self, settings: Settings, store: Store, owed: OwedJob, clock: Clock) -> None:
        self._types = settings.sweep.types
        self._store = store
        self._owed = owed
        self._clock = clock

    async def __call__(self, seller: Seller) -> None:
        """Ask for the sweeps; asked again for the same authorisation, they are not made twice."""
        now_ms = self._clock.now_ms()
        at_ms = seller.authorised_at_ms or 0
        if now_ms - at_ms >= _JUST_CAME_MS:
            return
        since = f"{seller.region}:{at_ms}"
        requests = [
            JobRequest(
                job=JOB,
                seller_id=seller.id,
                marketplace_id=next(iter(seller.marketplace_ids), None),
                origin=Origin.SCHEDULE,
                due_at_ms=now_ms,
                identity=f"authorised:{seller.id}:{since}:{swept}",
                options={"type": swept},
            )
            for swept in self._types
        ]
        if requests:
            await self._store.inbox.accept(
                [arrival_of(request, self._owed, now_ms) for request in requests]
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Onboarding:
    """How sellers come, open.

    Attributes:
        authorising: The pages that browsers see; None where `onboarding.public_url` is not set.
    """

    lookout: Lookout
    links: Links
    authorising: Authorising | None


@asynccontextmanager
async def open_onboarding(
    settings: Settings,
    store: Store,
    *,
    clock: Clock,
    metrics: CallMetrics,
    usage: CallUsage,
) -> AsyncIterator[Onboarding]:
    """Open it, with connections of its own.

    Raises:
        ConfigurationError: A usage plan of the settings, or the key ring, can't be used.
    """
    book = SellerBook(store.sellers, clock=clock)
    async with ClientSession(
        connector=TCPConnector(limit=_CONNECTIONS), cookie_jar=DummyCookieJar()
    ) as session:
        needs = ClientNeeds(
            session=session,
            directory=book,
            buckets=store.buckets,
            clock=clock,
            metrics=metrics,
            usage=usage,
        )
        lookout = Lookout(AmazonSays(settings, needs, book))
        yield Onboarding(
            lookout=lookout,
            links=Links(settings, clock=clock),
            authorising=_authorising(settings, store, needs, lookout, clock),
        )


def _authorising(
    settings: Settings, store: Store, needs: ClientNeeds, lookout: Lookout, clock: Clock
) -> Authorising | None:
    onboarding = settings.onboarding
    if onboarding.public_url is None:
        return None
    flow = Flow(
        solutions=solutions(settings),
        tickets=Tickets(sealer_for(settings, clock=clock), clock),
        codes=make_tokens(needs, parts.client_options(settings)),
        looks=lookout,
        book=_BookOfStore(store, clock),
        clock=clock,
        options=FlowOptions(
            public_url=onboarding.public_url,
            open=onboarding.open,
            consent_url=onboarding.consent_url,
            state_ttl_s=onboarding.state_ttl_s,
        ),
    )
    return Authorising(
        flow,
        public_url=onboarding.public_url,
        state_ttl_s=onboarding.state_ttl_s,
        done_url=onboarding.done_url,
    )


def onboarding_chores(
    settings: Settings, store: Store, onboarding: Onboarding, owed: OwedJob, clock: Clock
) -> Mapping[str, Checks | EndingNotices]:
    """Return what is done again and again, by name."""
    chores: dict[str, Checks | EndingNotices] = {
        "sellers.warn": EndingNotices(store.authorisations, onboarding.links.renewing)
    }
    every_s = settings.onboarding.check_every_s
    if every_s:
        chores["sellers.check"] = Checks(
            store.authorisations,
            onboarding.lookout,
            clock,
            every_s=every_s,
            on_new=FirstSweeps(settings, store, owed, clock),
        )
    return chores
