"""An endpoint made ready for requests: checked and parsed once, not with each attempt."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from gateway.delivery.egress import BlockedAddressError, EgressPolicy, Target, check_url
from gateway.delivery.faults import ErrorClass
from gateway.delivery.headers import check_headers
from gateway.delivery.signing import Signer
from gateway.delivery.tokens import basic
from gateway.delivery.trust import client_context
from gateway.endpoints import Auth, BasicAuth, BearerAuth, OAuth2Auth
from gateway.errors import InvalidInputError
from gateway.telemetry.redaction import redact

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from ssl import SSLContext

    from gateway.delivery.ways import Way
    from gateway.endpoints import Endpoint

_MASKED: Final = "[masked]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """An endpoint made ready for requests: checked, parsed, its keys at hand.

    Attributes:
        target: Where to, or None where `refused` says why not.
        headers: The endpoint's own, its credentials included.
        timeout_s: Deadline of one request, from look-up to the answer's last byte.
        oauth2: Whose token goes along, fetched when it is needed.
        ssl_context: Shows the endpoint's client certificate; None for none.
        way: How requests get there; None where `refused`.
        sent_headers: `headers` as JSON text, credentials masked; None for none.
    """

    target: Target | None
    headers: Mapping[str, str] = field(repr=False)
    signer: Signer | None = field(repr=False)
    timeout_s: float
    oauth2: OAuth2Auth | None = None
    ssl_context: SSLContext | None = None
    way: Way | None = None
    sent_headers: str | None = None
    refused: tuple[ErrorClass, str] | None = None

    @property
    def is_tls(self) -> bool:
        """Whether the endpoint is reached by TLS."""
        return self.target is not None and self.target.url.scheme == "https"


def make_route(
    endpoint: Endpoint, policy: EgressPolicy, *, timeout_s: float, ca_file: Path | None
) -> Route:
    """Return the endpoint made ready; what is wrong with it stands in `refused`.

    Args:
        endpoint: As stored, with its keys and credentials.
        policy: What may be dialled.
        timeout_s: Deadline where the endpoint sets none.
        ca_file: Authorities to trust beside the system's.
    """
    target, signer, context, refused = None, None, None, None
    error_class = ErrorClass.BAD_URL
    try:
        target = check_url(endpoint.url, policy)
        error_class = ErrorClass.BAD_HEADERS
        check_headers(endpoint.headers)
        error_class = ErrorClass.NO_SECRET
        signer = Signer(endpoint.secrets)
        error_class = ErrorClass.BAD_CREDENTIALS
        if endpoint.client_certificate is not None:
            context = client_context(endpoint.client_certificate, ca_file)
    except BlockedAddressError as exc:
        refused = (ErrorClass.BLOCKED_ADDRESS, str(exc))
    except InvalidInputError as exc:
        refused = (error_class, str(exc))
    authorization = authorization_of(endpoint.auth)
    credentials = {} if authorization is None else {"Authorization": authorization}
    return Route(
        target=target,
        headers={**endpoint.headers, **credentials},
        signer=signer,
        timeout_s=endpoint.timeout_s if endpoint.timeout_s is not None else timeout_s,
        oauth2=endpoint.auth if isinstance(endpoint.auth, OAuth2Auth) else None,
        ssl_context=context,
        sent_headers=_shown(endpoint),
        refused=refused,
    )


def authorization_of(auth: Auth | None) -> str | None:
    """Return the `Authorization` header that never changes; None for none, and for OAuth 2.0."""
    match auth:
        case BasicAuth():
            return basic(auth.username, auth.password)
        case BearerAuth():
            return f"Bearer {auth.token}"
        case _:
            return None


def _shown(endpoint: Endpoint) -> str | None:
    shown = dict(redact(dict(endpoint.headers)))
    if endpoint.auth is not None:
        kind = "Basic" if isinstance(endpoint.auth, BasicAuth) else "Bearer"
        shown["Authorization"] = f"{kind} {_MASKED}"
    return json.dumps(shown) if shown else None
