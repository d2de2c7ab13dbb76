"""What a static case says must arrive at Amazon, and what must come back to the caller. Pure.

It is written from the models and OpenAPI 2.0 alone, never from the client's code.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, unquote

from gateway.errors import (
    SpApiAccessError,
    SpApiAuthorizationError,
    SpApiError,
    SpApiRequestError,
    SpApiRetryableError,
)
from tests.support.models import Case, ModelOperation, example

_PASSING = {408, 429, 500, 502, 503, 504}


@dataclass(frozen=True, kw_only=True)
class Arrived:
    """A request as the server saw it; `path` and `query` as they stood on the request line."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, kw_only=True)
class Expected:
    """What one case asks with."""

    method: str
    path: tuple[str, ...]
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    body: Any
    arguments: Mapping[str, Any]
    leftover: tuple[str, ...] = field(default=())

    @property
    def has_body(self) -> bool:
        return self.body is not None


def expect(operation: ModelOperation, case: Case) -> Expected:
    """Return what a case asks with; what it leaves out and a call needs is filled in."""
    given = dict(case.parameters)
    body_name = next(iter(operation.of_kind("body")), None)
    body = given.pop(body_name, None) if body_name else None
    if body is None and body_name and "body" in given:  # Easy Ship names it so, whatever it is
        body = given.pop("body")
    for name, parameter in operation.parameters.items():
        if parameter.get("required") and name not in given and name != body_name:
            given[name] = example(parameter, operation.definitions)
    if body is None and body_name and operation.parameters[body_name].get("required"):
        body = example(operation.parameters[body_name]["schema"], operation.definitions)
    leftover = tuple(name for name in given if name not in operation.parameters)
    arguments = {name: value for name, value in given.items() if name not in leftover}
    kinds = {name: operation.parameters[name]["in"] for name in arguments}
    return Expected(
        method=operation.method,
        path=tuple(
            _text(arguments[part[1:-1]]) if part.startswith("{") else part
            for part in operation.path.split("/")
        ),
        query={
            name: _query_values(value, operation.parameters[name])
            for name, value in arguments.items()
            if kinds[name] == "query" and value not in (None, [])
        },
        headers={
            name.lower(): _text(value)
            for name, value in arguments.items()
            if kinds[name] == "header"
        },
        body=body,
        arguments=arguments,
        leftover=leftover,
    )


def faults_of_request(expected: Expected, arrived: Arrived) -> list[str]:
    """Return what of a request is not as the case says."""
    faults = []
    if arrived.method != expected.method:
        faults.append(f"method {arrived.method}, not {expected.method}")
    path = tuple(unquote(part) for part in arrived.path.split("/"))
    if path != expected.path:
        faults.append(f"path {path}, not {expected.path}")
    query: dict[str, list[str]] = {}
    for name, value in parse_qsl(arrived.query, keep_blank_values=True):
        query.setdefault(name, []).append(value)
    if query != expected.query:
        faults.append(f"query {query}, not {dict(expected.query)}")
    faults += [
        f"header {name}: {arrived.headers.get(name)!r}, not {value!r}"
        for name, value in expected.headers.items()
        if arrived.headers.get(name) != value
    ]
    body = json.loads(arrived.body) if arrived.body else None
    if body != expected.body:
        faults.append(f"body {body!r}, not {expected.body!r}")
    if expected.has_body and "json" not in arrived.headers.get("content-type", ""):
        faults.append(f"content type {arrived.headers.get('content-type')!r}, not JSON")
    return faults


def faults_of_result(case: Case, result: Any) -> list[str]:
    """Return what of a call's result (its value, or the exception) is not what the case says."""
    codes = codes_in(case.response)
    if 200 <= case.status < 300 and not _only_errors(case.response):
        wanted = case.response or {}
        wanted = wanted if isinstance(wanted, dict) else {"payload": wanted}
        return [] if result == wanted else [f"result {result!r}, not {wanted!r}"]
    wanted_class = _class_of(case.status)
    if type(result) is not wanted_class:
        return [f"{case.status} became {result!r}, not a {wanted_class.__name__}"]
    faults = []
    if result.status != case.status:
        faults.append(f"status {result.status}, not {case.status}")
    if codes and result.code != codes[0]:
        faults.append(f"code {result.code!r}, not {codes[0]!r}")
    if codes and str(codes[0]) not in str(result):
        faults.append(f"the message {str(result)!r} lacks {codes[0]!r}")
    if "REQUEST-ID" not in str(result):
        faults.append(f"the message {str(result)!r} lacks the request id")
    return faults


def codes_in(response: Any) -> list[str]:
    """Return the error codes that a case's answer names."""
    listed = response.get("errors") if isinstance(response, dict) else response
    if not isinstance(listed, list):
        return []
    return [one["code"] for one in listed if isinstance(one, dict) and one.get("code")]


def _only_errors(response: Any) -> bool:
    return isinstance(response, dict) and bool(response.get("errors")) and len(response) == 1


def _class_of(status: int) -> type[SpApiError]:
    if status == 401:
        return SpApiAuthorizationError
    if status == 403:
        return SpApiAccessError
    return SpApiRetryableError if status in _PASSING else SpApiRequestError


def canned(case: Case) -> bytes:
    """Return the body that the server answers a case with."""
    if case.status == HTTPStatus.NO_CONTENT or case.response is None:
        return b""
    return json.dumps(case.response).encode()


def _query_values(value: Any, parameter: Mapping[str, Any]) -> list[str]:
    if not isinstance(value, list):
        return [_text(value)]
    texts = [_text(item) for item in value]
    return texts if parameter.get("collectionFormat") == "multi" else [",".join(texts)]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
