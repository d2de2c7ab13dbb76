"""The doctor as the service composes it: from settings to checks, for a command and for itself."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from aiohttp import ClientSession, DummyCookieJar

from gateway.aws.address import account_in, elsewhere, region_in
from gateway.aws.provisioning.clients import clients_beside
from gateway.doctor.bus import BusCheck
from gateway.doctor.check import Check
from gateway.doctor.credentials import CredentialsCheck
from gateway.doctor.declarations import SettingsCheck
from gateway.doctor.destinations import DestinationsCheck
from gateway.doctor.endpoints import EndpointsCheck
from gateway.doctor.examination import Doctor
from gateway.doctor.network import Host, Hosts, NetworkCheck
from gateway.doctor.queues import Aim, QueuesCheck
from gateway.doctor.sellers import SellersCheck
from gateway.doctor.space import Bounds, Folder, SpaceCheck
from gateway.doctor.store import StoreCheck
from gateway.doctor.subscriptions import SubscriptionsCheck
from gateway.doctor.trial import SandboxTest, TrialCheck
from gateway.errors import ConfigurationError
from gateway.service import parts
from gateway.service.examined import Amazon, Door, Guarded, Known
from gateway.service.subscriptions import declared
from gateway.settings import FOLDER
from gateway.spapi.auth import LwaTokens
from gateway.spapi.regions import Endpoints, Region
from gateway.spapi.transport import HttpTransport, user_agent
from gateway.subscriptions.desired import Declared

if TYPE_CHECKING:
    from gateway.clock import Clock
    from gateway.doctor.people import People
    from gateway.errors import Fault
    from gateway.settings import Settings
    from gateway.store import Store

CHECKS: Final = (
    "settings",
    "store",
    "space",
    "network",
    "regions",
    "credentials",
    "sellers",
    "queues",
    "destinations",
    "subscriptions",
    "bus",
    "endpoints",
)
"""The names of all checks, in the order that they are told in; a trial has to be asked for."""

TRIAL: Final = "trial"

_LWA_WITHIN_S: Final = 10.0
# A trial waits as long as another check may take, and then has to tell that nothing came.
_TRIAL_LONGER_S: Final = 60.0


def doctor_for(
    settings: Settings,
    *,
    clock: Clock,
    store: Store | None = None,
    trial: bool = False,
    sandbox: SandboxTest | None = None,
) -> Doctor:
    """Return the doctor of a gateway.

    Args:
        settings: Of the gateway that is examined.
        clock: Time.
        store: The gateway's own, where it is open already; else one is opened for each examination.
        trial: Whether a message is sent through each queue; all else changes nothing.
        sandbox: What Amazon's sandbox is asked to send besides.
    """
    names = (*CHECKS, TRIAL) if trial else CHECKS

    @asynccontextmanager
    async def opened() -> AsyncIterator[Sequence[Check]]:
        async with AsyncExitStack() as stack, ClientSession(cookie_jar=DummyCookieJar()) as session:
            yield _checks(settings, stack, session, clock=clock, store=store, sandbox=sandbox)

    limit_s = settings.doctor.time_limit_s
    return Doctor(
        opened,
        names=names,
        clock=clock,
        limit_s=limit_s,
        limits_s={TRIAL: limit_s + _TRIAL_LONGER_S},
    )


def _checks(
    settings: Settings,
    stack: AsyncExitStack,
    session: ClientSession,
    *,
    clock: Clock,
    store: Store | None,
    sandbox: SandboxTest | None,
) -> Sequence[Check]:
    door = Door(settings, stack, clock=clock, store=store)
    known = Known(settings, door)
    amazon = Amazon(settings, stack, door, known, clock=clock)
    lwa = parts.client_options(settings).lwa_endpoint
    transport = HttpTransport(session, agent=user_agent(), timeout_s=_LWA_WITHIN_S)
    tokens = LwaTokens(transport=transport, directory=known, clock=clock, endpoint=lwa)
    wanted, faults = _declared(settings)
    aims, most, places = _aims(settings), settings.doctor.sellers, _places(settings)
    received = {(one.region, one.name) for one in aims}
    return [
        SettingsCheck(faults),
        StoreCheck(door),
        SpaceCheck(_folders(settings), _bounds(settings)),
        NetworkCheck("network", _hosts(lwa, aims), session, clock),
        NetworkCheck("regions", _regions(known, places), session, clock),
        CredentialsCheck(known, tokens),
        SellersCheck(known, tokens, amazon, most=most, places=places, clock=clock),
        QueuesCheck(aims, clients_beside, clock),
        DestinationsCheck(wanted, known, amazon, received=received),
        SubscriptionsCheck(wanted, known, amazon, most=most),
        BusCheck(wanted, known, amazon, aims=aims, make_clients=clients_beside),
        EndpointsCheck(door, Guarded(settings, stack, clock=clock)),
        TrialCheck(
            aims,
            clients_beside,
            door,
            clock=clock,
            patience_s=settings.doctor.time_limit_s,
            sandbox=amazon,
            test=sandbox,
        ),
    ]


def _declared(settings: Settings) -> tuple[Declared, Sequence[Fault]]:
    try:
        return declared(settings), ()
    except ConfigurationError as exc:
        return Declared(), exc.faults


def _aims(settings: Settings) -> Sequence[Aim]:
    return [
        Aim(
            url=one.url,
            name=parts.queue_name(one.url),
            region=one.region or region_in(one.url),
            account=account_in(one.url),
            endpoint=one.endpoint_url or elsewhere(one.url),
        )
        for one in settings.queues
    ]


def _places(settings: Settings) -> Mapping[str, str]:
    options = parts.client_options(settings)
    urls = Endpoints(endpoint=options.endpoint, by_region=options.endpoints)
    return {region: urls.url(region) for region in Region}


def _hosts(lwa: str, aims: Sequence[Aim]) -> Hosts:
    bases = {"{0.scheme}://{0.netloc}/".format(urlsplit(one.endpoint or one.url)) for one in aims}

    async def hosts() -> Sequence[Host]:
        return [
            Host(name="Login with Amazon", url=lwa, kind="lwa.unreachable"),
            # What a queue answers is told by check `queues`; here it is asked for the time.
            *(Host(name="SQS", url=url) for url in sorted(bases)),
        ]

    return hosts


def _regions(people: People, places: Mapping[str, str]) -> Hosts:
    async def hosts() -> Sequence[Host]:
        return [
            Host(
                name=f"the Selling Partner API of {region}",
                url=places[region],
                kind="spapi.unreachable",
            )
            for region in sorted({one.region for one in await people.sellers()})
        ]

    return hosts


def _folders(settings: Settings) -> Sequence[Folder]:
    folders = [Folder(what="passing documents", path=Path(tempfile.gettempdir()))]
    if (database := settings.database_file()) is not None:
        folders.insert(0, Folder(what="the database", path=database.absolute().parent))
    documents = settings.documents_url()
    if documents.startswith(FOLDER):
        path = Path(documents.removeprefix(FOLDER)).absolute()
        folders.append(Folder(what="stored documents", path=path))
    return folders


def _bounds(settings: Settings) -> Bounds:
    return Bounds(low_bytes=settings.doctor.low_bytes, full_bytes=settings.doctor.full_bytes)
