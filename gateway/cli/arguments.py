"""Arguments that hold values of their own: `key=value`, `@file`, `Name: value`."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from gateway.errors import InvalidInputError
from gateway.spapi.requests import Parameter, Repeated

# Keywords of `SellerCalls.call` itself, which no parameter of Amazon's is called.
_RESERVED = frozenset({"body", "headers", "restricted", "start", "max_pages"})


def read_parameters(arguments: Iterable[str]) -> Mapping[str, Parameter]:
    """Return the parameters of `key=value` arguments; a key that comes again is a repeated list.

    Raises:
        InvalidInputError: An argument has no key, or the key is an option's.
    """
    values: dict[str, list[str]] = {}
    for argument in arguments:
        key, equals, value = argument.partition("=")
        if not key or not equals:
            raise InvalidInputError(f"{argument!r} is no parameter; write KEY=VALUE")
        if key in _RESERVED:
            raise InvalidInputError(
                f"{key}= is no parameter of Amazon's; see --help for the option"
            )
        values.setdefault(key, []).append(value)
    return {key: found[0] if len(found) == 1 else Repeated(found) for key, found in values.items()}


def read_headers(arguments: Iterable[str]) -> Mapping[str, str]:
    """Return the headers of `Name: value` arguments.

    Raises:
        InvalidInputError: An argument has no name.
    """
    headers = {}
    for argument in arguments:
        name, colon, value = argument.partition(":")
        if not name.strip() or not colon:
            raise InvalidInputError(f"--header: {argument!r} is no header; write NAME:VALUE")
        headers[name.strip()] = value.strip()
    return headers


def read_body(argument: str | None) -> Any:
    """Return the JSON value of an argument, of the file behind `@`, or of stdin for `-`.

    Raises:
        InvalidInputError: It can't be read, or is no JSON.
    """
    if argument is None:
        return None
    try:
        if argument == "-":
            return json.loads(sys.stdin.read())
        if argument.startswith("@"):
            return json.loads(Path(argument[1:]).read_text("utf-8"))
        return json.loads(argument)
    except OSError as exc:
        raise InvalidInputError(f"--body: {argument[1:]} can't be read ({exc.strerror})") from exc
    except ValueError as exc:
        raise InvalidInputError(f"--body: no JSON ({exc}); write JSON, @FILE or -") from exc
