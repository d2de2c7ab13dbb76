"""What the bodies of control requests hold."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import orjson

from gateway.errors import InvalidInputError

Fields: TypeAlias = Mapping[str, Any]
Routes: TypeAlias = Mapping[tuple[str, str], Callable[[Fields], object]]


def parsed(body: bytes) -> Fields:
    """Return a body's JSON object; an empty body stands for an empty one.

    Raises:
        InvalidInputError: It is none.
    """
    try:
        fields = orjson.loads(body or b"{}")
    except orjson.JSONDecodeError as exc:
        raise InvalidInputError("the body is no JSON") from exc
    if not isinstance(fields, dict):
        raise InvalidInputError("the body must be a JSON object")
    return fields


def text(fields: Fields, name: str) -> str:
    """Return a text that must be there.

    Raises:
        InvalidInputError: It is missing, empty or no text.
    """
    value = fields.get(name)
    if not isinstance(value, str) or not value:
        raise InvalidInputError(f"{name} takes a text")
    return value


def number(fields: Fields, name: str, default: float) -> float:
    """Return a number that is never below 0.

    Raises:
        InvalidInputError: It is none.
    """
    value = fields.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        raise InvalidInputError(f"{name} takes a number that is not below 0")
    return value
