"""Which catalogued operation a request means.

Operations, their usage plans and scopes are the facts of `gateway.spapi.catalog`: 370 live ones,
and those that Amazon removed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar
from urllib.parse import unquote


class Routed(Protocol):
    """What can be found by method and path: an operation, live or removed."""

    @property
    def method(self) -> str:
        """HTTP method in capitals."""
        ...

    @property
    def path(self) -> str:
        """Path template with `{parameters}`."""
        ...


RoutedT = TypeVar("RoutedT", bound=Routed)


@dataclass(slots=True)
class _Node(Generic[RoutedT]):
    """One segment of a path: what may follow it, and what ends here by method."""

    literal: dict[str, _Node[RoutedT]] = field(default_factory=dict)
    parameter: _Node[RoutedT] | None = None
    ends: dict[str, tuple[RoutedT, tuple[str, ...]]] = field(default_factory=dict)


class Routes(Generic[RoutedT]):
    """Finds the operation of a method and path; a literal segment wins over a parameter."""

    def __init__(self, operations: Sequence[RoutedT]) -> None:
        self._root: _Node[RoutedT] = _Node()
        for operation in operations:
            self._add(operation)

    def find(self, method: str, path: str) -> tuple[RoutedT, Mapping[str, str]] | None:
        """Return the operation and its path parameters, or None where the catalog has none.

        Args:
            method: HTTP method in capitals.
            path: As it stands on the wire: a `%2F` is part of a parameter, not a separator.
        """
        segments = path.strip("/").split("/")
        found = _end(self._root, segments, 0, method)
        if found is None:
            return None
        (operation, names), values = found
        return operation, dict(zip(names, map(unquote, values), strict=True))

    def _add(self, operation: RoutedT) -> None:
        node, names = self._root, []
        for segment in operation.path.strip("/").split("/"):
            if segment.startswith("{"):
                names.append(segment.strip("{}"))
                node.parameter = node.parameter or _Node()
                node = node.parameter
            else:
                node = node.literal.setdefault(segment, _Node())
        node.ends[operation.method] = operation, tuple(names)


def _end(
    node: _Node[RoutedT], segments: Sequence[str], at: int, method: str
) -> tuple[tuple[RoutedT, tuple[str, ...]], list[str]] | None:
    if at == len(segments):
        end = node.ends.get(method)
        return None if end is None else (end, [])
    segment = segments[at]
    if (following := node.literal.get(segment)) is not None:
        found = _end(following, segments, at + 1, method)
        if found is not None:
            return found
    if node.parameter is not None and segment:
        found = _end(node.parameter, segments, at + 1, method)
        if found is not None:
            return found[0], [segment, *found[1]]
    return None
