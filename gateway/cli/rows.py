"""Records of the store as the objects that commands print: times in RFC 3339, no secrets."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from typing import TYPE_CHECKING, Any

from gateway.authorisations import ends_at_ms
from gateway.clock import rfc3339
from gateway.endpoints import AUTH_KINDS, Endpoint, EndpointSecret
from gateway.telemetry.redaction import redact

if TYPE_CHECKING:
    from gateway.store.sellers import SellerView

_TIME_ENDINGS = ("_at_ms", "_time_ms", "_until_ms", "_due_ms")


def plain(record: Any) -> dict[str, Any]:
    """Return a record's members as JSON values.

    Milliseconds since the epoch become RFC 3339 and lose their unit: `created_at_ms` is printed as
    `created_at`. Durations keep theirs. Bytes become text, or JSON where they are JSON.
    """
    return dict(_member(name, value) for name, value in _members(record))


def endpoint_row(endpoint: Endpoint) -> dict[str, Any]:
    """Return an endpoint without its keys and credentials, but with what kind they are of."""
    row = plain(replace(endpoint, auth=None, client_certificate=None))
    row["headers"] = redact(row["headers"])
    row["auth"] = _auth_kind(endpoint)
    row["client_certificate"] = endpoint.client_certificate is not None
    row["secrets"] = [secret_row(secret) for secret in endpoint.secrets]
    return row


def seller_row(view: SellerView) -> dict[str, Any]:
    """Return an authorisation, with when it ends and the one reason that an operator looks for."""
    row = plain(view)
    at_ms = view.authorised_at_ms
    row["authorised_until"] = None if at_ms is None else rfc3339(ends_at_ms(at_ms))
    row["reason"] = view.paused_reason or view.check_fault
    return row


def _auth_kind(endpoint: Endpoint) -> str | None:
    kinds = {cls: kind for kind, cls in AUTH_KINDS.items()}
    return None if endpoint.auth is None else kinds[type(endpoint.auth)]


def secret_row(secret: EndpointSecret) -> dict[str, Any]:
    """Return what may be shown of a signing key."""
    row = plain(secret)
    row.pop("key_bytes")
    return row


def detail_row(record: Any, *, body: bytes | None) -> dict[str, Any]:
    """Return a record without its body, or with `body` where somebody asked to look at it.

    Credentials in it stay hidden even then.
    """
    row = plain(record)
    row.pop("body", None)
    if body is not None:
        row["body"] = redact(body_value(body))
    return row


def body_value(body: bytes) -> Any:
    """Return a stored body as the JSON value it is, else as text."""
    try:
        return json.loads(body)
    except ValueError:
        return body.decode("utf-8", "replace")


def _members(record: Any) -> list[tuple[str, Any]]:
    if isinstance(record, Mapping):
        return list(record.items())
    return [(field.name, getattr(record, field.name)) for field in fields(record)]


def _member(name: str, value: Any) -> tuple[str, Any]:
    if name == "at_ms" or name.endswith(_TIME_ENDINGS):
        return name.removesuffix("_ms"), None if value is None else rfc3339(value)
    return name, _value(value)


def _value(value: Any) -> Any:
    if isinstance(value, EndpointSecret):
        return secret_row(value)
    if is_dataclass(value) or isinstance(value, Mapping):
        return plain(value)
    if isinstance(value, (bytes, memoryview)):
        return body_value(bytes(value))
    if isinstance(value, (list, tuple, frozenset)):
        return [_value(item) for item in value]
    return value
