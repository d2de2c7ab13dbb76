"""Body filters: a condition over an event's body, in a small part of CEL.

An expression sees `type`, `timestamp` and `data`, as they stand in the body, and may compare
(`==`, `!=`, `<`, `<=`, `>`, `>=`), look into lists and maps (`in`, `[…]`, `has(…)`, `size(…)`) and
strings (`contains`, `startsWith`, `endsWith`), and join with `&&`, `||` and `!`. Nothing that loops
is allowed, so that an evaluation costs no more than the expression and the body are long. What is
wrong with an expression is said when it is compiled; where one can't be answered for an event (a
member is missing, types don't compare) the event doesn't match.
"""

from __future__ import annotations

import json
from typing import Any, Final

import cel

from gateway.errors import InvalidInputError

_LONGEST: Final = 2_000
_VARIABLES: Final = frozenset({"type", "timestamp", "data"})
# What loops are made of (`_+_`, `_?_:_`, `@not_strictly_false`) is left out, and with it they are.
_FUNCTIONS: Final = frozenset(
    {
        *("_==_", "_!=_", "_<_", "_<=_", "_>_", "_>=_", "_&&_", "_||_", "!_", "-_"),
        *("@in", "_[_]", "size", "contains", "startsWith", "endsWith"),
    }
)
_MEND: Final = 'write such as data.order.status in ["SHIPPED"] && has(data.order.total)'


class Document:
    """An event's body, read for filters at most once, however many ask."""

    __slots__ = ("_body", "_context")

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._context: cel.Context | None = None

    def context(self) -> cel.Context:
        """Return the body as CEL's values."""
        if self._context is None:
            self._context = cel.Context(variables=_members(self._body))
        return self._context


class Filter:
    """A compiled expression.

    Raises:
        InvalidInputError: The expression can't be used; the message says where and why.
    """

    __slots__ = ("_program",)

    def __init__(self, expression: str) -> None:
        if len(expression) > _LONGEST:
            raise InvalidInputError(f"filter: longer than {_LONGEST} characters; shorten it")
        try:
            self._program = cel.compile(expression)
        except ValueError as exc:
            raise InvalidInputError(f"filter: it can't be read: {_reason(exc)}; {_MEND}") from exc
        if refused := sorted(set(self._program.functions()) - _FUNCTIONS):
            raise InvalidInputError(
                f"filter: {refused[0].strip('_@')!r} is not allowed, nor is anything that loops;"
                f" {_MEND}"
            )
        if unknown := sorted(set(self._program.variables()) - _VARIABLES):
            raise InvalidInputError(
                f"filter: {unknown[0]!r} is unknown; an event has type, timestamp and data"
            )

    def matches(self, document: Document) -> bool:
        """Tell whether the expression is true of the document; what can't be answered is not."""
        try:
            return self._program.execute(document.context()) is True
        except (ValueError, TypeError, LookupError, RuntimeError):
            return False


def _members(body: bytes) -> dict[str, Any]:
    try:
        members = json.loads(body)
    except ValueError:
        return {}
    return members if isinstance(members, dict) else {}


def _reason(exc: ValueError) -> str:
    """Return the parser's own words, without the expression that stands before them."""
    lines = str(exc).partition("ERROR: <input>:")[2].splitlines() or [str(exc)]
    return lines[0]
