"""Pages of a list: a token says where the next one begins, and of what."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import orjson

from gateway.simulator.spapi.answers import bad_input

if TYPE_CHECKING:
    from gateway.simulator.spapi.call import Call

ItemT = TypeVar("ItemT")


def page(items: Sequence[ItemT], *, start: int, size: int) -> tuple[Sequence[ItemT], int | None]:
    """Return a page and where the next one begins, or None behind the last."""
    end = start + size
    return items[start:end], end if end < len(items) else None


def token(start: int, **asked: Any) -> str:
    """Return a token that stands for a place and for what was asked for."""
    return base64.urlsafe_b64encode(orjson.dumps({"start": start, **asked})).decode()


def opened(text: str, name: str) -> Mapping[str, Any]:
    """Return what a token stands for.

    Raises:
        RefusalError: It is none of ours; the refusal names `name`.
    """
    try:
        asked = orjson.loads(base64.urlsafe_b64decode(text.encode()))
    except ValueError as exc:
        raise bad_input(f"{name} is invalid.", name) from exc
    if not isinstance(asked, dict) or not isinstance(asked.get("start"), int):
        raise bad_input(f"{name} is invalid.", name)
    return asked


def alone(call: Call, name: str) -> Mapping[str, Any] | None:
    """Return what the call's page token stands for; None where it has none.

    Raises:
        RefusalError: The token is wrong, or other parameters stand beside it: Amazon's page says
            that specifying it with any other parameter lets the request fail.
    """
    text = call.query.get(name)
    if text is None:
        return None
    if len(call.query) > 1:
        raise bad_input(f"{name} can't be combined with other parameters.", name)
    return opened(text, name)
