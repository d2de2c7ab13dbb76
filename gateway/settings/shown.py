"""The settings as `gateway config show` lists them: key, value with secrets masked, origin."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, SecretStr

from gateway.settings.load import Loaded
from gateway.settings.tree import Place, dotted
from gateway.telemetry.redaction import MASK, redact


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownValue:
    """One setting, safe to print.

    Attributes:
        key: Its place, such as `queues[0].url`.
        value: A JSON value.
        origin: File, variable, secret file, or `default`.
    """

    key: str
    value: Any
    origin: str


def shown(loaded: Loaded) -> list[ShownValue]:
    """Return every setting in the order of the tree, defaults included."""
    return [
        ShownValue(key=dotted(place), value=value, origin=str(loaded.origin(place)))
        for place, value in _leaves((), loaded.settings)
    ]


def _leaves(place: Place, value: Any) -> Iterator[tuple[Place, Any]]:
    if isinstance(value, BaseModel):
        for name in type(value).model_fields:
            inner = getattr(value, name)
            # A handler's table stands straight under `handlers`.
            yield from _leaves(place if name == "tables" else (*place, name), inner)
    elif isinstance(value, tuple) and value and isinstance(value[0], BaseModel):
        for index, item in enumerate(value):
            yield from _leaves((*place, index), item)
    elif isinstance(value, Mapping) and (value or place == ("handlers",)):
        for key, item in value.items():
            yield from _leaves((*place, str(key)), item)
    else:
        yield place, _printable(str(place[-1]), value)


def _printable(name: str, value: Any) -> Any:
    if isinstance(value, SecretStr):
        return MASK
    if isinstance(value, Path):
        return str(value)
    return redact(value, name=name)
