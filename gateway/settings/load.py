"""From sources to settings, or to every fault at once."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from gateway.errors import ConfigurationError
from gateway.settings.checks import check_together
from gateway.settings.model import HandlersSettings, Settings
from gateway.settings.tree import SECRETS, Origin, Place, Tree, read_tree
from gateway.settings.values import FAULT_TYPE

_MAX_SHOWN = 80

_MENDS = {
    "int": "write a whole number",
    "float": "write a number",
    "bool": "write true or false",
    "string": "write text in quotes that is not empty",
    "too_short": "write at least one value",
    "tuple": "write a list: [ … ]",
    "model": "write it as a table",
    "dict": "write it as a table",
    "path": "write a path in quotes",
    "finite": "write a number",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """Settings with the origin of each value.

    Attributes:
        settings: The values, valid and complete.
        config_file: The file that was read, or None.
    """

    settings: Settings
    config_file: Path | None
    _tree: Tree

    def origin(self, place: Place) -> Origin:
        """Return where the value at a place came from, such as `("queues", 0, "url")`."""
        return self._tree.origin(place)


def load(config_file: Path | None, environ: Mapping[str, str]) -> Loaded:
    """Return the settings that file, variables and secret files make together.

    Args:
        config_file: The TOML file, or None for none.
        environ: Environment variables; those that begin with `SPGW_` are settings.

    Raises:
        ConfigurationError: Something is wrong; it holds every fault that was found.
    """
    tree = read_tree(config_file, environ)
    settings: Settings | None = None
    try:
        settings = Settings.model_validate(tree.values)
    except ValidationError as exc:
        for error in exc.errors(include_url=False):
            _record(tree, error)
    check_together(tree)
    if tree.faults or settings is None:
        raise ConfigurationError(tree.faults)
    return Loaded(settings=settings, config_file=config_file, _tree=tree)


def _record(tree: Tree, error: ErrorDetails) -> None:
    place: Place = tuple(part for part in error["loc"] if part != "[key]")
    if place[:2] == ("handlers", "tables"):
        place = ("handlers", *place[2:])
    if place in tree.unread:
        return
    if error["type"] == "extra_forbidden":
        tree.fault(place, "unknown key", _nearest(place))
    elif error["type"] == "missing":
        key = str(place[-1])
        also = f" or {key}_file" if _is_secret(place) else ""
        tree.fault(place, "is missing", f"add {key}{also}")
    elif error["type"] == FAULT_TYPE:
        context = error.get("ctx", {})
        tree.fault(place, context["what"], context["mend"], context["kind"])
    else:
        shown = "the value" if _is_secret(place) else _short(error["input"])
        message = error["msg"][:1].lower() + error["msg"][1:]
        tree.fault(place, f"{shown} is refused: {message}", _mend(error))


def _mend(error: ErrorDetails) -> str:
    context = error.get("ctx", {})
    if error["type"] == "literal_error":
        return f"write {context['expected']}"
    if "ge" in context or "gt" in context:
        return f"write at least {context['ge']}" if "ge" in context else "write more than 0"
    if "le" in context:
        return f"write at most {context['le']}"
    kind = error["type"]
    matching = (mend for start, mend in _MENDS.items() if kind.startswith(start))
    return next(matching, "write a value of the right kind")


def _nearest(place: Place) -> str:
    """Return which known key was probably meant, or all that are known there."""
    known = known_keys(place[:-1])
    close = difflib.get_close_matches(str(place[-1]), known, n=1, cutoff=0.6)
    if close:
        return f'did you mean "{close[0]}"?'
    return f"remove it; known here: {', '.join(known)}"


def known_keys(place: Place) -> list[str]:
    """Return the keys that the table at a place takes, `<secret>_file` included."""
    model: Any = Settings
    for part in place:
        if isinstance(part, str):
            field = model.model_fields.get(part) if _is_model(model) else None
            model = _table_of(field.annotation) if field is not None else None
    if not _is_model(model):
        return []
    hidden = {"tables"} if model is HandlersSettings else set()
    secrets = SECRETS.get(str(place[0]), ()) if place else ()
    return [key for key in model.model_fields if key not in hidden] + [
        f"{key}_file" for key in secrets
    ]


def _table_of(annotation: Any) -> Any:
    """Return the model that an annotation is, or holds as `tuple[Model, ...]`."""
    if _is_model(annotation):
        return annotation
    return next((_table_of(arg) for arg in get_args(annotation) if _table_of(arg)), None)


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _is_secret(place: Place) -> bool:
    return bool(place) and str(place[-1]) in SECRETS.get(str(place[0]), ())


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}…"
