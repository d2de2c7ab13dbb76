"""The OpenAPI 3.1 document of the routes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import orjson
from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from gateway.admin.problems import CONTENT_TYPE, TITLES, Problem
from gateway.admin.routes import PATH_PATTERNS, NoQuery, Route

_JSON: Final = "application/json"
_COMPONENT: Final = "#/components/schemas/{model}"
_Schemas = Mapping[Any, dict[str, Any]]  # by model and mode

_DESCRIPTION: Final = """\
Manages where events go, publishes a team's own, and shows what became of each.

Every request takes an API key as a bearer token; `gateway keys create` makes one. Its scopes are
`read`, `write` (which includes read) and `admin` (which includes both). A key with a tenant sees
that tenant's endpoints with their events and deliveries, and nothing else: what belongs to others
is answered with 404. Faults are `application/problem+json`. Lists come in pages: go on with
`next_cursor` until it is null.
"""

_IDEMPOTENCY_KEY: Final = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "Makes a repeated request publish once; remembered for a day.",
    "schema": {"type": "string", "pattern": "^[\\x21-\\x7e]{1,255}$"},
}
_IF_MATCH: Final = {
    "name": "If-Match",
    "in": "header",
    "required": False,
    "description": "The `ETag` of what was read; 412 where somebody changed it since.",
    "schema": {"type": "string"},
}
_RETRY_AFTER: Final = {
    "Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer"}}
}


def document(routes: Sequence[Route], *, version: str) -> dict[str, Any]:
    """Return the document of `routes`."""
    schemas, definitions = models_json_schema(
        list(_models(routes)), ref_template=_COMPONENT, title=None
    )
    components = {
        "schemas": definitions.get("$defs", {}),
        "responses": {
            str(status): _refusal(status, schemas)
            for status in sorted(frozenset().union(*(route.statuses() for route in routes)))
            if status >= 400
        },
        "securitySchemes": {"key": {"type": "http", "scheme": "bearer", "description": "`spgw_…`"}},
    }
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, schemas)
    whole: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {
            "title": "SP-API event gateway",
            "version": version,
            "description": _DESCRIPTION,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": [{"key": []}],
        "tags": [{"name": tag} for tag in dict.fromkeys(route.tag for route in routes)],
        "paths": paths,
        "components": components,
    }
    renamed: dict[str, Any] = _renamed(whole)
    return renamed


def dumped(whole: Mapping[str, Any]) -> bytes:
    """Return a document as it is served and committed."""
    return orjson.dumps(whole, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def _models(routes: Sequence[Route]) -> Iterator[tuple[type[BaseModel], JsonSchemaMode]]:
    yield Problem, "serialization"
    seen = set()
    for route in routes:
        if route.answer not in seen:
            seen.add(route.answer)
            yield route.answer, "serialization"
        if route.body is not None and route.body not in seen:
            seen.add(route.body)
            yield route.body, "validation"


def _operation(route: Route, schemas: _Schemas) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": route.name,
        "tags": [route.tag],
        "summary": route.summary,
        "description": _allowed(route),
        "parameters": list(_parameters(route)),
        "responses": {str(s): _response(route, s, schemas) for s in sorted(route.statuses())},
    }
    if route.body is not None:
        schema = schemas[route.body, "validation"]
        operation["requestBody"] = {"required": True, "content": {_JSON: {"schema": schema}}}
    if route.scope is None:
        operation["security"] = []
    return operation


def _allowed(route: Route) -> str:
    if route.scope is None:
        return "Needs no key."
    whose = "an operator's key" if route.operators_only else "a key"
    return f"Needs {whose} with the scope `{route.scope}`."


def _parameters(route: Route) -> Iterator[dict[str, Any]]:
    for name in route.parameters:
        schema = {"type": "string", "pattern": PATH_PATTERNS[name]}
        yield {"name": name, "in": "path", "required": True, "schema": schema}
    if route.query is not NoQuery:
        yield from _query_parameters(route.query)
    if route.takes_idempotency_key:
        yield _IDEMPOTENCY_KEY
    if route.takes_if_match:
        yield _IF_MATCH


def _query_parameters(model: type[BaseModel]) -> Iterator[dict[str, Any]]:
    whole = model.model_json_schema(ref_template=_COMPONENT)
    assert "$defs" not in whole or all("enum" in one for one in whole["$defs"].values())
    for name, given in whole["properties"].items():
        schema = _inlined(given, whole.get("$defs", {}))
        described = schema.pop("description", None)
        schema.pop("title", None)
        yield {
            "name": name,
            "in": "query",
            "required": name in whole.get("required", ()),
            **({"description": described} if described else {}),
            "schema": schema,
        }


def _inlined(given: Mapping[str, Any], definitions: Mapping[str, Any]) -> dict[str, Any]:
    """Return a query parameter's schema: null, which a query can't say, and references left out."""
    schema = dict(given)
    kinds = schema.pop("anyOf", None)
    if kinds is not None:
        (kind,) = (kind for kind in kinds if kind != {"type": "null"})
        schema = {**kind, **{k: v for k, v in schema.items() if k != "default" or v is not None}}
    reference = schema.pop("$ref", None)
    if reference is not None:
        schema = {**definitions[reference.rpartition("/")[2]], **schema}
    return schema


def _response(route: Route, status: int, schemas: _Schemas) -> dict[str, Any]:
    if status >= 400:
        return {"$ref": f"#/components/responses/{status}"}
    schema = schemas[route.answer, "serialization"]
    described = "Made." if status == 201 else "Done."
    return {"description": described, "content": {_JSON: {"schema": schema}}}


def _refusal(status: int, schemas: _Schemas) -> dict[str, Any]:
    response: dict[str, Any] = {
        "description": TITLES[status],
        "content": {CONTENT_TYPE: {"schema": schemas[Problem, "serialization"]}},
    }
    if status in {429, 503}:
        response["headers"] = _RETRY_AFTER
    return response


def _renamed(value: Any) -> Any:
    """Return the document with plain names for the pages of things: `Page[X]` becomes `XPage`."""
    if isinstance(value, dict):
        return {_renamed(key): _renamed(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_renamed(one) for one in value]
    return re.sub(r"\bPage_(\w+?)_(?=$|/)", r"\1Page", value) if isinstance(value, str) else value
