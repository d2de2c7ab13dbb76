"""Endpoints as callers give them and get them. Credentials go in and never come out.

Only the form is decided here; what an endpoint may be is decided in `gateway.delivery.checks`.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import Field, StringConstraints

from gateway.admin.fields import (
    NO_CONTROLS,
    EventPattern,
    Given,
    Line,
    Prose,
    Shown,
    TenantName,
    Time,
    UrlText,
    Word,
)
from gateway.admin.showing import shown
from gateway.endpoints import (
    AUTH_KINDS,
    Auth,
    BasicAuth,
    BearerAuth,
    ClientCertificate,
    Endpoint,
    EndpointSecret,
    EndpointState,
    OAuth2Auth,
    PayloadForm,
    Transport,
)
from gateway.telemetry.redaction import MASK, redact

_DAY_S: Final = 86_400.0

Tag = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.:-]{1,64}$")]
HeaderValue = Annotated[str, StringConstraints(max_length=4_096, pattern=r"^[\x20-\x7e]*$")]
MetadataKey = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=NO_CONTROLS)]
HeaderName = Annotated[str, StringConstraints(min_length=1, max_length=128, pattern=NO_CONTROLS)]
MetadataValue = Annotated[str, StringConstraints(max_length=500, pattern=r"^[^\x00]*$")]
Credential = Annotated[str, StringConstraints(min_length=1, max_length=4_096, pattern=NO_CONTROLS)]
Pem = Annotated[str, StringConstraints(max_length=65_536, pattern=r"^[^\x00]*$")]
Seconds = Annotated[float, Field(ge=0, le=365 * _DAY_S, allow_inf_nan=False)]

# ── given ────────────────────────────────────────────────────────────────────────────────────────


class BasicGiven(Given):
    """HTTP basic authentication."""

    kind: Literal["basic"]
    username: Line
    password: Credential


class BearerGiven(Given):
    """A token that never changes."""

    kind: Literal["bearer"]
    token: Credential


class OAuth2Given(Given):
    """A token fetched with client credentials."""

    kind: Literal["oauth2"]
    token_url: UrlText
    client_id: Line
    client_secret: Credential
    scope: Line | None = None


AuthGiven = Annotated[BasicGiven | BearerGiven | OAuth2Given, Field(discriminator="kind")]


class CertificateGiven(Given):
    """A certificate that the gateway shows to the receiver, in PEM."""

    certificate: Pem
    private_key: Pem = Field(description="Not encrypted; sealed at rest.")


class EndpointPatch(Given):
    """What is changed of an endpoint: the members that are given, wholly; null unsets."""

    url: UrlText | Literal[""] = Field(
        default="", description="Where events are posted to; empty where they are only pulled."
    )
    transport: Transport = Field(
        default=Transport.PUSH, description="Whether events are posted, pulled, or both."
    )
    description: Prose = ""
    tags: list[Tag] = Field(default=[], max_length=50, description="Words to find it by.")
    metadata: dict[MetadataKey, MetadataValue] = Field(
        default={}, max_length=50, description="Notes of its owner's, sent nowhere."
    )
    event_types: list[EventPattern] = Field(
        default=[], max_length=200, description="Such as `order.*`; none for all."
    )
    seller_ids: list[Word] = Field(
        default=[], max_length=10_000, description="Whose events it gets; none for all."
    )
    marketplace_ids: list[Word] = Field(
        default=[], max_length=100, description="Marketplaces it gets events of; none for all."
    )
    body_filter: str | None = Field(
        default=None,
        min_length=1,
        max_length=4_000,
        pattern=r"^[^\x00]*$",
        description="An expression over the event that must be true.",
    )
    payload: PayloadForm = PayloadForm.FULL
    headers: dict[HeaderName, HeaderValue] = Field(
        default={},
        max_length=32,
        description="Sent along. A value that is shown masked may be given back so: it is kept.",
    )
    auth: AuthGiven | None = Field(default=None, description="Credentials, sealed at rest.")
    client_certificate: CertificateGiven | None = None
    timeout_s: float | None = Field(default=None, ge=0.1, le=300, allow_inf_nan=False)
    schedule_s: list[Seconds] | None = Field(
        default=None, min_length=1, max_length=50, description="Delay before each attempt."
    )
    max_age_s: float | None = Field(default=None, ge=1, le=365 * _DAY_S, allow_inf_nan=False)
    rate_per_s: float | None = Field(default=None, ge=0.001, le=10_000, allow_inf_nan=False)
    burst: int = Field(
        default=0, ge=0, le=10_000, description="At once after a rest; 0 for a second's worth."
    )
    concurrency: int = Field(default=4, ge=1, le=1_000)
    ordered: bool = Field(default=False, description="One after the other of each order key.")
    order_max_wait_s: float | None = Field(default=None, gt=0, le=365 * _DAY_S, allow_inf_nan=False)
    operator: bool = Field(
        default=False, description="Whether it gets operational events; operators only."
    )
    tenant: TenantName | None = Field(
        default=None, description="Whose it is; a tenant's key can name its own only."
    )

    def members(self) -> dict[str, Any]:
        """Return the members of an `Endpoint` that are given."""
        given = {name: getattr(self, name) for name in self.model_fields_set}
        for name, value in given.items():
            if isinstance(value, list):
                given[name] = tuple(value)
        if "auth" in given:
            given["auth"] = _auth(self.auth)
        if self.client_certificate is not None:
            given["client_certificate"] = ClientCertificate(**self.client_certificate.model_dump())
        return given


class NewEndpoint(EndpointPatch):
    """An endpoint to be made."""


def _auth(given: AuthGiven | None) -> Auth | None:
    if given is None:
        return None
    return AUTH_KINDS[given.kind](**given.model_dump(exclude={"kind"}))


def kept_headers(members: dict[str, Any], before: Endpoint) -> dict[str, Any]:
    """Return `members` with the stored value where a header came back as it was shown, masked."""
    if "headers" not in members:
        return members
    headers = {
        name: before.headers.get(name, value) if value == MASK else value
        for name, value in members["headers"].items()
    }
    return {**members, "headers": headers}


# ── shown ────────────────────────────────────────────────────────────────────────────────────────


class SecretShown(Shown):
    """A signing key, without the key."""

    id: str
    kind: Literal["v1", "v1a"] = Field(description="`v1`: HMAC-SHA256, `v1a`: Ed25519.")
    created_at: Time
    expires_at: Time | None = Field(description="When it stops signing.")


class SecretCreated(SecretShown):
    """A fresh signing key."""

    secret: str = Field(description="What signatures are made with; it can't be had again.")
    verifier: str = Field(description="What a receiver verifies with.")


class BasicShown(Shown):
    """HTTP basic authentication, without the password."""

    kind: Literal["basic"] = "basic"
    username: str


class BearerShown(Shown):
    """A token, not shown."""

    kind: Literal["bearer"] = "bearer"


class OAuth2Shown(Shown):
    """Client credentials, without the secret."""

    kind: Literal["oauth2"] = "oauth2"
    token_url: str
    client_id: str
    scope: str | None


AuthShown = Annotated[BasicShown | BearerShown | OAuth2Shown, Field(discriminator="kind")]


class EndpointShown(Shown):
    """An endpoint, without its secrets and credentials."""

    id: str
    url: str
    transport: Transport
    description: str
    tags: list[str]
    metadata: dict[str, str]
    event_types: list[str]
    seller_ids: list[str]
    marketplace_ids: list[str]
    body_filter: str | None
    payload: PayloadForm
    headers: dict[str, str] = Field(description="Values that look like credentials are masked.")
    auth: AuthShown | None
    client_certificate: str | None = Field(description="In PEM, without its key.")
    timeout_s: float | None
    schedule_s: list[float] | None
    max_age_s: float | None
    rate_per_s: float | None
    burst: int
    concurrency: int
    ordered: bool
    order_max_wait_s: float | None
    operator: bool
    tenant: str | None
    state: EndpointState
    disabled_reason: str | None
    created_at: Time
    updated_at: Time


class EndpointDetail(EndpointShown):
    """An endpoint with its signing keys, without the keys."""

    secrets: list[SecretShown]


class EndpointCreated(EndpointDetail):
    """A fresh endpoint."""

    secret: str = Field(description="Its signing key; it can't be had again.")


class TestShown(Shown):
    """What a test of an endpoint brought."""

    event_id: str = Field(description="The `webhook-id` that was sent.")
    delivered: bool
    status: int | None
    error_class: str | None
    error: str | None
    duration_ms: int
    address: str | None = Field(description="Address and port that were dialled.")
    answer: str = Field(description="The first part of the answer.")


class HealthShown(Shown):
    """How an endpoint has answered lately."""

    endpoint_id: str
    consecutive_failures: int
    first_failure_at: Time | None
    last_success_at: Time | None
    paused_until: Time | None
    open_until: Time | None = Field(description="The breaker is open; the next probe is due then.")
    openings: int = Field(description="How many times in a row it opened.")
    warnings: int = Field(description="Warnings given since the first failure.")


def endpoint_shown(endpoint: Endpoint) -> EndpointShown:
    """Return what may be shown of an endpoint in a list."""
    return shown(EndpointShown, endpoint, **_masked(endpoint))


def endpoint_detail(endpoint: Endpoint) -> EndpointDetail:
    """Return what may be shown of one endpoint."""
    secrets = [secret_shown(secret) for secret in endpoint.secrets]
    return shown(EndpointDetail, endpoint, secrets=secrets, **_masked(endpoint))


def secret_shown(secret: EndpointSecret) -> SecretShown:
    """Return what may be shown of a signing key."""
    return shown(SecretShown, secret)


def _masked(endpoint: Endpoint) -> dict[str, Any]:
    certificate = endpoint.client_certificate
    return {
        "headers": redact(dict(endpoint.headers)),
        "metadata": dict(endpoint.metadata),
        "auth": _auth_shown(endpoint.auth),
        "client_certificate": None if certificate is None else certificate.certificate,
    }


def _auth_shown(auth: Auth | None) -> BasicShown | BearerShown | OAuth2Shown | None:
    match auth:
        case None:
            return None
        case BasicAuth():
            return BasicShown(username=auth.username)
        case BearerAuth():
            return BearerShown()
        case OAuth2Auth():
            return shown(OAuth2Shown, auth, kind="oauth2")
