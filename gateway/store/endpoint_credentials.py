"""How what an endpoint keeps secret lies in its row: one JSON object, sealed.

That is its authentication, its certificate, and its own headers, which often hold a key too.
"""

from __future__ import annotations

import dataclasses
import json
from typing import Any, Final

from gateway.endpoints import AUTH_KINDS, Auth, ClientCertificate, Endpoint

_KINDS: Final = {cls: kind for kind, cls in AUTH_KINDS.items()}


def credentials_context(endpoint_id: str) -> str:
    """Return the context that an endpoint's sealed credentials are bound to."""
    return f"endpoint_credentials:{endpoint_id}"


def pack(endpoint: Endpoint) -> bytes | None:
    """Return what is sealed of an endpoint as JSON, or None where it has nothing of it."""
    packed: dict[str, Any] = {}
    if endpoint.auth is not None:
        packed["auth"] = {"kind": _KINDS[type(endpoint.auth)], **dataclasses.asdict(endpoint.auth)}
    if endpoint.client_certificate is not None:
        packed["client_certificate"] = dataclasses.asdict(endpoint.client_certificate)
    if endpoint.headers:
        packed["headers"] = dict(endpoint.headers)
    return json.dumps(packed).encode() if packed else None


def unpack(endpoint: Endpoint, packed: bytes) -> Endpoint:
    """Return the endpoint with what `pack` made of it."""
    members = json.loads(packed)
    auth: Auth | None = None
    if (found := members.get("auth")) is not None:
        auth = AUTH_KINDS[found.pop("kind")](**found)
    certificate = members.get("client_certificate")
    return dataclasses.replace(
        endpoint,
        auth=auth,
        client_certificate=None if certificate is None else ClientCertificate(**certificate),
        headers=members.get("headers", endpoint.headers),
    )
