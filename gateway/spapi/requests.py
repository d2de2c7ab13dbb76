"""From an operation and named values to a method, a path and a body. Pure.

It decides where each value goes: into the path where the template names it, into a header where
the catalogue does, else into the query. Lists are joined by commas, or written item by item where
Amazon's model says so. It never decides which values are allowed; Amazon does.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import quote

import orjson

from gateway.errors import InvalidInputError
from gateway.spapi.catalog import Operation

Scalar = str | int | float | bool | date
Parameter = Scalar | Sequence[Scalar] | None


class Repeated(tuple[Scalar, ...]):
    """A list that is written once for each item, whatever the catalogue says."""

    __slots__ = ()


_PLACEHOLDER = re.compile(r"\{(\w+)\}")

# Segments that URL libraries take for "here" and "up": they would change which operation is called.
_DOT_SEGMENTS = frozenset({".", ".."})

# Headers that only the client sets; compared in lower case.
_OWN_HEADERS = frozenset(
    {"x-amz-access-token", "x-amz-date", "user-agent", "host", "authorization"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A call without its authorisation and host.

    Attributes:
        target: Path and query, percent-encoded.
    """

    operation: Operation
    target: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = field(default=None, repr=False)


def prepare(
    operation: Operation,
    parameters: Mapping[str, Parameter],
    *,
    body: Any = None,
    headers: Mapping[str, str] | None = None,
) -> Prepared:
    """Return the call of `operation`; parameters that are None or empty lists stay out.

    Args:
        operation: What is called.
        parameters: Path, query and header values by Amazon's names.
        body: JSON value, or bytes that are sent as they stand.
        headers: Further headers.

    Raises:
        InvalidInputError: A path value is missing or empty, or a value can't be written.
    """
    rest = {name: value for name, value in parameters.items() if value is not None and value != []}

    def fill(match: re.Match[str]) -> str:
        return _segment(operation, match[1], rest.pop(match[1], None))

    path = _PLACEHOLDER.sub(fill, operation.path)
    sent = {**_header_values(operation, rest), **(headers or {})}
    for name, value in sent.items():
        _check_header(name, value)
    query = "&".join(
        f"{quote(name, safe='')}={text}" for name in rest for text in _texts(operation, name, rest)
    )
    content = None if body is None else _content(body)
    if content is not None and not any(name.lower() == "content-type" for name in sent):
        sent["content-type"] = "application/json"
    return Prepared(
        operation=operation,
        target=f"{path}?{query}" if query else path,
        headers=sent,
        body=content,
    )


def _header_values(operation: Operation, rest: dict[str, Any]) -> dict[str, str]:
    """Take the parameters that are headers out of `rest`; their names compare without case."""
    named = {name.lower(): name for name in operation.headers}
    taken = [name for name in rest if name.lower() in named]
    return {named[name.lower()]: _plain(name, rest.pop(name)) for name in taken}


def _check_header(name: str, value: str) -> None:
    if name.lower() in _OWN_HEADERS:
        raise InvalidInputError(f"header {name} is set by the client; leave it out")
    if not name or not (name + value).isprintable():
        raise InvalidInputError(f"header {name!r}: name or value can't be sent")


def _texts(operation: Operation, name: str, rest: Mapping[str, Any]) -> Sequence[str]:
    value = rest[name]
    repeated = isinstance(value, Repeated) or name in operation.repeated
    if repeated and isinstance(value, Sequence) and not isinstance(value, str):
        return [_joined(name, item) for item in value]
    return [_joined(name, value)]


def _plain(name: str, value: Any) -> str:
    """Return a value as it stands in a header."""
    if isinstance(value, (str, bytes)) or not isinstance(value, Sequence):
        return _written(name, value)
    return ",".join(_written(name, item) for item in value)


def _segment(operation: Operation, name: str, value: Parameter) -> str:
    if value is None or value == "":
        raise InvalidInputError(f"{operation.name} needs {name}, a part of {operation.path}")
    text = _joined(name, value)
    if text in _DOT_SEGMENTS:
        raise InvalidInputError(f"{operation.name}: {name} can't be {text!r}")
    return text


def _joined(name: str, value: Parameter) -> str:
    if isinstance(value, (str, bytes)) or not isinstance(value, Sequence):
        return quote(_written(name, value), safe="")
    return ",".join(quote(_written(name, item), safe="") for item in value)


def _written(name: str, value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise InvalidInputError(f"{name}: the time {value} has no time zone")
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    raise InvalidInputError(f"{name}: can't write a {type(value).__name__}")


def _content(body: Any) -> bytes:
    if isinstance(body, bytes):
        return body
    try:
        return orjson.dumps(body, default=_in_body, option=orjson.OPT_PASSTHROUGH_DATETIME)
    except TypeError as exc:
        raise InvalidInputError(f"body is no JSON value: {exc.__cause__ or exc}") from exc


def _in_body(value: object) -> str:
    return _written("body", value)
