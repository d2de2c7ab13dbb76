"""Builds a queue from what the settings say.

It decides which transport carries the requests and what is opened for it. It never makes a
request: the first call does.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable
from typing import Any, Literal
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from aiobotocore.session import get_session
from aiohttp import ClientSession, ClientTimeout, DummyCookieJar, TCPConnector
from botocore.exceptions import BotoCoreError

from gateway.aws.account import SqsAccount
from gateway.aws.address import QueueAddress, read_address, region_in
from gateway.aws.botocore_transport import BotocoreTransport
from gateway.aws.calls import Transport
from gateway.aws.credentials import ChainCredentials, CredentialSource
from gateway.aws.lean_transport import LeanTransport
from gateway.aws.posting import (
    CONNECT_WITHIN_S,
    KEEP_ALIVE_S,
    ClientPoster,
    Poster,
    SessionPoster,
)
from gateway.aws.queue import MessageQueue
from gateway.aws.sigv4 import JsonSigner
from gateway.aws.sqs import SqsQueue
from gateway.clock import Clock, SystemClock
from gateway.errors import InvalidInputError

Adapter = Literal["lean", "botocore"]


def open_queue(
    url: str,
    *,
    region: str | None = None,
    endpoint_url: str | None = None,
    adapter: Adapter = "lean",
    session: ClientSession | None = None,
    credentials: CredentialSource | None = None,
    clock: Clock | None = None,
) -> MessageQueue:
    """Return the queue at `url`; to be called where an event loop runs, and closed with `aclose`.

    Args:
        url: The queue's URL as SQS shows it.
        region: Needed where neither the URL nor AWS's own configuration names one.
        endpoint_url: Where requests go instead of the URL's host.
        adapter: `lean` signs and sends by itself; `botocore` leaves that to aiobotocore.
        session: For `lean`: a session to send through, which stays the caller's. It needs a
            connection for each long poll and one more, and no total time-out below 40 s. Without
            it the queue opens one of its own, which no other part of the process can starve.
        credentials: Share one between queues; without it, AWS's standard chain.
        clock: For tests.

    Raises:
        InvalidInputError: The URL, region or endpoint can't be used; the message says which.
    """
    if region is None and region_in(url) is None:
        region = _configured(get_session, "region")
    address = read_address(url, region=region, endpoint_url=endpoint_url)
    credentials = credentials or ChainCredentials()
    clock = clock or SystemClock()
    transport: Transport
    if adapter == "botocore":
        transport = BotocoreTransport(
            endpoint=address.endpoint, region=address.region, credentials=credentials
        )
    else:
        transport = _lean(address, session, credentials, clock)
    return SqsQueue(address, transport, clock)


def open_account(
    url: str, *, region: str | None = None, endpoint_url: str | None = None, clock: Clock
) -> SqsAccount:
    """Return the queues beside the one at `url`, FIFO queues too, for an operator's tools.

    To be called where an event loop runs, and closed with `aclose`.

    Raises:
        InvalidInputError: The URL, region or endpoint can't be used; the message says which.
    """
    if region is None and region_in(url) is None:
        region = _configured(get_session, "region")
    address = read_address(url, region=region, endpoint_url=endpoint_url, fifo=True)
    return SqsAccount(address, _lean(address, None, ChainCredentials(), clock), clock)


def _lean(
    address: QueueAddress,
    session: ClientSession | None,
    credentials: CredentialSource,
    clock: Clock,
) -> LeanTransport:
    endpoint, region = address.endpoint, address.region
    signer = JsonSigner(endpoint, region=region, service="sqs")
    proxy = _proxy(endpoint)
    poster: Poster
    if session is None and proxy is None:
        poster = ClientPoster(
            endpoint, host=signer.host, context=_trust() if endpoint.startswith("https:") else None
        )
    else:
        poster = SessionPoster(
            endpoint, session or _own_session(), owns=session is None, proxy=proxy
        )
    return LeanTransport(poster, signer, credentials=credentials, clock=clock)


def _configured(open_session: Callable[[], Any], name: str) -> str | None:
    """Return a value of AWS's own configuration (environment, profile)."""
    try:
        value: str | None = open_session().get_config_variable(name)
    except BotoCoreError as exc:
        raise InvalidInputError(
            f"AWS's configuration can't be read: {exc}; check AWS_PROFILE and AWS_CONFIG_FILE"
        ) from exc
    return value


def _trust() -> ssl.SSLContext:
    """Return the trust of AWS's own configuration, else the system's."""
    return ssl.create_default_context(cafile=_configured(get_session, "ca_bundle") or None)


def _own_session() -> ClientSession:
    """Open a session without a limit on connections: the number of pollers is the limit."""
    return ClientSession(
        connector=TCPConnector(limit=0, ssl=_trust(), keepalive_timeout=KEEP_ALIVE_S),
        timeout=ClientTimeout(total=None, sock_connect=CONNECT_WITHIN_S),
        cookie_jar=DummyCookieJar(),
    )


def _proxy(endpoint: str) -> str | None:
    """Return the proxy that the environment names for an endpoint, as botocore would use."""
    parts = urlsplit(endpoint)
    if proxy_bypass(parts.netloc):
        return None
    return getproxies().get(parts.scheme)
