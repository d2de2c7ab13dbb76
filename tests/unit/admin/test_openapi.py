"""The document says of each route what the table says of it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gateway.admin.openapi import document, dumped
from gateway.admin.routes import PATH_PATTERNS, Route
from gateway.admin.table import ROUTES

DOCUMENT = document(ROUTES, version="1.2.3")


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
def test_each_route_is_described(route: Route) -> None:
    operation = DOCUMENT["paths"][route.path][route.method.lower()]
    assert operation["operationId"] == route.name
    assert {int(status) for status in operation["responses"]} == route.statuses()
    assert ("requestBody" in operation) == (route.body is not None)
    assert (operation.get("security") == []) == (route.scope is None)
    given = {(one["in"], one["name"]) for one in operation["parameters"]}
    assert {("path", name) for name in route.parameters} <= given
    assert {("query", name) for name in route.query.model_fields} <= given


def test_every_reference_leads_somewhere() -> None:
    for reference in _references(DOCUMENT):
        found: Any = DOCUMENT
        for part in reference.removeprefix("#/").split("/"):
            found = found[part]
        assert found


def test_every_parameter_of_a_path_has_a_form() -> None:
    assert {name for route in ROUTES for name in route.parameters} <= set(PATH_PATTERNS)


def test_the_document_is_json_and_names_the_release() -> None:
    assert json.loads(dumped(DOCUMENT))["info"]["version"] == "1.2.3"


def test_no_answer_has_a_member_for_a_key_or_a_credential() -> None:
    """Save those that are shown once, when they are made."""
    shown_once = {"KeyCreated", "EndpointCreated", "SecretCreated"}
    forbidden = {"secret", "key_bytes", "password", "token", "private_key", "client_secret",
                 "digest"}  # fmt: skip
    for name, schema in DOCUMENT["components"]["schemas"].items():
        if name in shown_once or name.endswith(("Given", "Patch")) or name.startswith("New"):
            continue
        assert not forbidden & set(schema.get("properties", {})), name


def _references(value: Any) -> list[str]:
    if isinstance(value, dict):
        own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
        return own + [one for member in value.values() for one in _references(member)]
    if isinstance(value, list):
        return [one for member in value for one in _references(member)]
    return []
