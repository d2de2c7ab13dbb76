"""Restricted data tokens: what a request for one asks to open, and what one opens for a call.

Source: Amazon's page "Tokens API v2021-03-01 use case guide".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from gateway.simulator.spapi.answers import bad_input

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway.simulator.spapi.accounts import Grant

_MAX_RESOURCES = 50
_METHODS = ("GET", "PUT", "POST", "DELETE")
_DATA_ELEMENTS = frozenset({"buyerInfo", "shippingAddress", "buyerTaxInformation"})


def asked_resources(body: bytes) -> Mapping[str, frozenset[str]]:
    """Return the data elements by path that a createRestrictedDataToken body asks for.

    Raises:
        RefusalError: The body is no such request.
    """
    try:
        request = orjson.loads(body)
    except orjson.JSONDecodeError as exc:
        raise bad_input("The request body is no JSON.") from exc
    resources = request.get("restrictedResources") if isinstance(request, dict) else None
    if not isinstance(resources, list) or not 1 <= len(resources) <= _MAX_RESOURCES:
        raise bad_input(f"restrictedResources must list 1 to {_MAX_RESOURCES} resources.")
    opened: dict[str, frozenset[str]] = {}
    for resource in resources:
        path, elements = _resource(resource)
        opened[path] = opened.get(path, frozenset()) | elements
    return opened


def opened_elements(grant: Grant, *, path: str, template: str) -> frozenset[str]:
    """Return the data elements that a token opens for a call, by its own path or its template."""
    if grant.data_elements is None:
        return frozenset()
    nothing: frozenset[str] = frozenset()
    return grant.data_elements.get(path, nothing) | grant.data_elements.get(template, nothing)


def _resource(resource: Any) -> tuple[str, frozenset[str]]:
    if not isinstance(resource, dict) or resource.get("method") not in _METHODS:
        raise bad_input("A restricted resource must have a method.")
    path, elements = resource.get("path"), resource.get("dataElements") or []
    if not isinstance(path, str) or not path.startswith("/"):
        raise bad_input("A restricted resource must have a path.")
    if not isinstance(elements, list) or not all(
        isinstance(element, str) and element in _DATA_ELEMENTS for element in elements
    ):
        raise bad_input("dataElements is invalid.")
    return path, frozenset(elements)
