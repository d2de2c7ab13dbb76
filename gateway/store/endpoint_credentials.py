"""How an endpoint's credentials lie in its row: one JSON object, sealed."""

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
    """Return the endpoint's credentials as JSON, or None where it has none."""
    packed: dict[str, Any] = {}
    if endpoint.auth is not None:
        packed["auth"] = {"kind": _KINDS[type(endpoint.auth)], **dataclasses.asdict(endpoint.auth)}
    if endpoint.client_certificate is not None:
        packed["client_certificate"] = dataclasses.asdict(endpoint.client_certificate)
    return json.dumps(packed).encode() if packed else None


def unpack(packed: bytes) -> tuple[Auth | None, ClientCertificate | None]:
    """Return what `pack` made of them."""
    members = json.loads(packed)
    auth: Auth | None = None
    if (found := members.get("auth")) is not None:
        auth = AUTH_KINDS[found.pop("kind")](**found)
    certificate = members.get("client_certificate")
    return auth, None if certificate is None else ClientCertificate(**certificate)
