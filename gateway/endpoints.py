"""Endpoints as records: a customer's URL, what goes there, how, and with which credentials. No I/O.

All times are integer milliseconds since the epoch, UTC (`…_ms`); durations are seconds (`…_s`).
What may stand in a record is decided in one place, `gateway.delivery.checks`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, TypeAlias


class EndpointState(StrEnum):
    """Whether an endpoint gets deliveries; those of a disabled one are held."""

    ENABLED = "enabled"
    DISABLED = "disabled"


class Transport(StrEnum):
    """How events get to the customer: posted to the URL, pulled from the gateway, or both."""

    PUSH = "push"
    PULL = "pull"
    BOTH = "both"

    @property
    def pushes(self) -> bool:
        """Whether events are posted."""
        return self is not Transport.PULL

    @property
    def pulls(self) -> bool:
        """Whether events are kept for pulling."""
        return self is not Transport.PUSH


class PayloadForm(StrEnum):
    """How much of an event is sent: all of it, or its type, time, ids and a link to the rest."""

    FULL = "full"
    THIN = "thin"


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointSecret:
    """A signing key of an endpoint.

    Attributes:
        kind: `v1` (HMAC-SHA256) or `v1a` (Ed25519).
        key_bytes: The raw key.
        expires_at_ms: When it stops signing; None for never.
    """

    id: str
    kind: str
    key_bytes: bytes = field(repr=False)
    created_at_ms: int
    expires_at_ms: int | None = None


# ── how the gateway makes itself known to a receiver ─────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class BasicAuth:
    """HTTP basic authentication (RFC 7617), in UTF-8."""

    username: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class BearerAuth:
    """A token that never changes, sent as `Authorization: Bearer`."""

    token: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class OAuth2Auth:
    """A token fetched with client credentials (RFC 6749, section 4.4), used until it expires.

    Attributes:
        token_url: Where it is fetched; the address guard holds for it as for the endpoint.
        scope: Space-separated scopes; None to send none.
    """

    token_url: str
    client_id: str
    client_secret: str = field(repr=False)
    scope: str | None = None


Auth: TypeAlias = BasicAuth | BearerAuth | OAuth2Auth

AUTH_KINDS: Final[Mapping[str, type[BasicAuth | BearerAuth | OAuth2Auth]]] = {
    "basic": BasicAuth,
    "bearer": BearerAuth,
    "oauth2": OAuth2Auth,
}
"""What each kind of authentication is called where it is stored and shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientCertificate:
    """A certificate that the gateway shows to the receiver (mTLS); both parts in PEM.

    Attributes:
        certificate: The certificate, and its chain behind it.
        private_key: Its key, not encrypted.
    """

    certificate: str
    private_key: str = field(repr=False)


# ── the endpoint ─────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """A customer's URL with its filters, bounds and credentials.

    Attributes:
        url: Where events are posted to; empty where they are only pulled.
        transport: Whether they are posted, pulled, or both.
        tags: Words to find it by.
        metadata: The customer's own notes, sent nowhere.
        event_types: Patterns such as `order.*`; empty for all.
        seller_ids: Sellers whose events it gets; empty for all.
        marketplace_ids: Marketplaces whose events it gets; empty for all.
        body_filter: Expression over the event's body that must be true; None for no condition.
        payload: Which form of an event is sent; fixed for each delivery when it is made.
        headers: Sent along with each request, sealed at rest.
        auth: Credentials in the request, sealed at rest.
        client_certificate: Credentials of the connection, sealed at rest.
        timeout_s: Total deadline of one request; None for the setting.
        schedule_s: Delays before each attempt in seconds; None for the setting.
        max_age_s: How long a delivery may be tried; None for as long as the schedule.
        rate_per_s: Requests a second over all replicas; None for no limit.
        burst: Requests at once after a pause, where there is a rate; 0 for a second's worth.
        concurrency: Requests in flight at once, over all replicas as far as leases show.
        ordered: Whether deliveries of one order key go out one after the other.
        order_max_wait_s: How long one may wait behind another; None for as long as it takes.
        operator: Whether it gets operational events.
        tenant: Whose it is, where several customers' endpoints are kept apart.
    """

    id: str
    url: str
    transport: Transport = Transport.PUSH
    description: str = ""
    tags: Sequence[str] = ()
    metadata: Mapping[str, str] = field(default_factory=dict)
    event_types: Sequence[str] = ()
    seller_ids: Sequence[str] = ()
    marketplace_ids: Sequence[str] = ()
    body_filter: str | None = None
    payload: PayloadForm = PayloadForm.FULL
    headers: Mapping[str, str] = field(default_factory=dict)
    auth: Auth | None = None
    client_certificate: ClientCertificate | None = None
    timeout_s: float | None = None
    schedule_s: Sequence[float] | None = None
    max_age_s: float | None = None
    rate_per_s: float | None = None
    burst: int = 0
    concurrency: int = 4
    ordered: bool = False
    order_max_wait_s: float | None = None
    operator: bool = False
    tenant: str | None = None
    state: EndpointState = EndpointState.ENABLED
    disabled_reason: str | None = None
    created_at_ms: int = 0
    updated_at_ms: int = 0
    secrets: Sequence[EndpointSecret] = field(default=(), repr=False)
