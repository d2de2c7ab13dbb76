"""Raw settings before they are judged: values from file and environment, each with its origin.

It decides which source wins (a variable over the file) and how a variable's name and text become a
place and a value. It never decides whether a value is right.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from gateway.errors import Fault

PREFIX = "SPGW_"
# Read by the command line to find the file; not a setting.
RESERVED = frozenset({"SPGW_CONFIG"})

# Keys that hold a secret, by table; each also takes `<key>_file`.
SECRETS: Mapping[str, tuple[str, ...]] = {
    "store": ("url",),
    "applications": ("client_secret",),
    "sellers": ("refresh_token",),
}
_SECRET_KEYS = frozenset(key for keys in SECRETS.values() for key in keys)
_MAX_SECRET_BYTES = 65_536

Place = tuple[str | int, ...]


class Source(StrEnum):
    """The kinds of places that a value comes from."""

    FILE = "file"
    VARIABLE = "variable"
    SECRET_FILE = "secret file"  # noqa: S105 a word
    DEFAULT = "default"


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a value came from: the kind of source and its name."""

    source: Source
    name: str = ""

    def __str__(self) -> str:
        return self.name or self.source.value


_DEFAULT = Origin(source=Source.DEFAULT)


@dataclass(slots=True)
class Tree:
    """Values in nested tables, the origin of each, and the faults met so far.

    Attributes:
        unread: Places whose value could not be had; they are already among `faults`.
    """

    values: dict[str, Any] = field(default_factory=dict)
    origins: dict[Place, Origin] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    unread: set[Place] = field(default_factory=set)

    def origin(self, place: Place) -> Origin:
        """Return the origin of a value: its own, or that of the value it is part of."""
        return self._find(place)[1] if self._given(place) else _DEFAULT

    def _given(self, place: Place) -> bool:
        """Whether file or variables say anything at a place, or set a whole value round it."""
        inner: Any = self.values
        for part in place:
            if isinstance(inner, Mapping):
                if part not in inner:
                    return False
                inner = inner[part]
            elif isinstance(inner, list) and isinstance(part, int):
                if part >= len(inner):
                    return False
                inner = inner[part]
            else:
                return True
        return True

    def where(self, place: Place) -> str:
        """Return how a fault names this place: `gateway.toml: delivery.timeout_s`."""
        found, origin = self._find(place)
        if origin.source is not Source.FILE and len(found) >= len(place):
            return origin.name
        return f"{origin.name}: {dotted(place)}" if origin.name else dotted(place)

    def _find(self, place: Place) -> tuple[Place, Origin]:
        for length in range(len(place), 0, -1):
            found = self.origins.get(place[:length])
            if found is not None:
                return place[:length], found
        # A table that only variables fill: the first of them stands for it.
        inner = (item for item in self.origins.items() if item[0][: len(place)] == place)
        return next(inner, ((), _DEFAULT))

    def fault(self, place: Place, what: str, mend: str, kind: str = "") -> None:
        """Record one fault at a place."""
        self.faults.append(Fault(where=self.where(place), what=what, mend=mend, kind=kind))


def dotted(place: Place) -> str:
    """Return a place as people write it: `queues[0].url`."""
    text = ""
    for part in place:
        text += f"[{part}]" if isinstance(part, int) else f".{part}"
    return text.removeprefix(".")


def read_tree(config_file: Path | None, environ: Mapping[str, str]) -> Tree:
    """Gather the values of the file and of the environment, variables winning."""
    tree = Tree()
    if config_file is not None:
        _read_file(tree, config_file)
    # Shorter names first, so that SPGW_SELLERS gives the list that SPGW_SELLERS__0__… changes.
    names = [name for name in environ if name.startswith(PREFIX) and name not in RESERVED]
    for name in sorted(names, key=lambda name: (name.count("__"), name)):
        _read_variable(tree, name, environ[name])
    for table, keys in SECRETS.items():
        for place, node in _nodes(tree, table):
            for key in keys:
                _resolve_secret(tree, node, place, key)
    return tree


def _read_file(tree: Tree, config_file: Path) -> None:
    where = str(config_file)
    try:
        tree.values = tomllib.loads(config_file.read_text("utf-8"))
    except FileNotFoundError:
        tree.faults.append(
            Fault(where=where, what="there is no such file", mend="write one: `gateway init`")
        )
    except OSError as exc:
        tree.faults.append(
            Fault(where=where, what=f"can't be read ({exc.strerror})", mend="check its permissions")
        )
    except UnicodeDecodeError:
        tree.faults.append(Fault(where=where, what="is not UTF-8", mend="save it as UTF-8"))
    except tomllib.TOMLDecodeError as exc:
        tree.faults.append(Fault(where=where, what=f"is no TOML: {exc}", mend="mend that line"))
    origin = Origin(source=Source.FILE, name=where)
    tree.origins.update({(section,): origin for section in tree.values})


def _read_variable(tree: Tree, name: str, text: str) -> None:
    place: Place = tuple(
        int(part) if part.isascii() and part.isdigit() else part.lower()
        for part in name.removeprefix(PREFIX).split("__")
    )
    if place[:2] == ("spapi", "usage_plans") and len(place) > 2:
        what = "operations are written in mixed case, which a variable's name can't keep"
        mend = 'write SPGW_SPAPI__USAGE_PLANS={"getOrder": {"rate": 0.5, "burst": 30}}'
        tree.faults.append(Fault(where=name, what=what, mend=mend))
        return
    try:
        value = _decoded(place, text)
    except ValueError as exc:
        what = f"is no JSON: {exc}"
        tree.faults.append(Fault(where=name, what=what, mend="write the list or table as JSON"))
        return
    if not _put(tree.values, place, value):
        what = f"{dotted(place)} is no place for a value"
        mend = "write SPGW_ + table + __ + key, lists and tables as JSON"
        tree.faults.append(Fault(where=name, what=what, mend=mend))
        return
    for inner in [known for known in tree.origins if known[: len(place)] == place]:
        del tree.origins[inner]
    tree.origins[place] = Origin(source=Source.VARIABLE, name=name)


def _decoded(place: Place, text: str) -> Any:
    """Return what a variable's text stands for; single values are turned to their type later."""
    if place[0] == "handlers" and len(place) > 2:  # a handler's own key: no type is known
        try:
            return json.loads(text)
        except ValueError:
            return text
    if text[:1] in {"[", "{"} and str(place[-1]) not in _SECRET_KEYS:
        return json.loads(text)
    return text


def _put(values: dict[str, Any], place: Place, value: Any) -> bool:
    """Set a value deep inside; return False where there is no such place."""
    node: Any = values
    for part in place[:-1]:
        node = _child(node, part)
    last = place[-1]
    if isinstance(node, dict) and isinstance(last, str) and last:
        node[last] = value
        return True
    if isinstance(node, list) and isinstance(last, int) and last < len(node):
        node[last] = value
        return True
    return False


def _child(node: Any, part: str | int) -> Any:
    if isinstance(node, dict) and isinstance(part, str):
        return node.setdefault(part, {})
    if isinstance(node, list) and isinstance(part, int) and part < len(node):
        return node[part]
    return None


def _nodes(tree: Tree, table: str) -> list[tuple[Place, dict[str, Any]]]:
    """Return the table, or each table of the list, of this name."""
    value = tree.values.get(table)
    if isinstance(value, dict):
        return [((table,), value)]
    if isinstance(value, list):
        return [((table, i), node) for i, node in enumerate(value) if isinstance(node, dict)]
    return []


def _resolve_secret(tree: Tree, node: dict[str, Any], table: Place, key: str) -> None:
    """Replace `<key>_file` by `<key>` with what the file holds."""
    place, file_place = (*table, key), (*table, f"{key}_file")
    if file_place[-1] not in node:
        return
    file = node.pop(f"{key}_file")
    if key in node:
        stronger, weaker = tree.origin(place).source, tree.origin(file_place).source
        if stronger == weaker:
            what = f"both {key} and {key}_file are set"
            tree.fault(file_place, what, "keep one of them")
            return
        if stronger is Source.VARIABLE:
            return
    if not isinstance(file, str) or not file:
        tree.fault(file_place, "is no path", "write the path of a file in quotes")
        tree.unread.add(place)
        return
    try:
        node[key] = _secret_text(Path(file))
        tree.origins[place] = Origin(source=Source.SECRET_FILE, name=file)
    except (OSError, ValueError) as exc:
        reason = exc.strerror if isinstance(exc, OSError) else str(exc)
        tree.fault(file_place, f"{file} can't be used ({reason})", "write a file with the secret")
        tree.unread.add(place)


def _secret_text(file: Path) -> str:
    with file.open("rb") as stream:
        raw = stream.read(_MAX_SECRET_BYTES + 1)
    if len(raw) > _MAX_SECRET_BYTES:
        raise ValueError("it is too long for a secret")
    try:
        text = raw.decode("utf-8").strip()
    except UnicodeDecodeError:
        raise ValueError("it is not UTF-8") from None
    if not text:
        raise ValueError("it is empty")
    return text
