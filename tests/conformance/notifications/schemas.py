"""The notification schemas of a checkout.

Three of Amazon's are not usable as they stand: a reference is spelt `#ref`, another leads nowhere,
and of one nothing is required. What is mended is told; the files stay as they are.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gateway.notifications.known import TYPES

_TYPE = re.compile(r"\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b")
_ENVELOPE = ("notificationtype", "payloadversion", "payload")


@dataclass(frozen=True, kw_only=True)
class Schema:
    """One schema file.

    Attributes:
        type: Notification type that it describes.
        schema: Mended where it had to be; the notification's type and version are
            fixed in it.
        mended: What was.
    """

    file: str
    type: str
    schema: Mapping[str, Any]
    examples: tuple[Any, ...]
    mended: tuple[str, ...] = field(default=())


def read_schemas(folder: Path) -> Iterator[Schema]:
    """Read every notification schema below a folder, whatever its depth."""
    for path in sorted(folder.rglob("*.json")):
        if "schemas" not in path.relative_to(folder.parent).parts:
            continue
        content = json.loads(path.read_text())
        if isinstance(content, dict) and (found := _read(path.name, content)) is not None:
            yield found


def _read(file: str, content: dict[str, Any]) -> Schema | None:
    examples = tuple(one for one in content.get("examples", ()) if isinstance(one, dict))
    type_ = _type_of(content, examples)
    if type_ is None:
        return None
    schema = copy.deepcopy(content)
    mended: list[str] = []
    if "#ref" in schema:
        schema["$ref"] = schema.pop("#ref")
        mended.append("#ref is $ref")
    if _leads_nowhere(schema):
        schema = _like(list(examples))
        mended.append("a reference leads nowhere: made from the examples")
    top = _resolved(schema)
    properties = top.setdefault("properties", {})
    name = next((key for key in properties if key.lower() == "notificationtype"), None)
    if name is None:
        return None
    properties[name] = {"const": type_}
    version = next((key for key in properties if key.lower() == "payloadversion"), "PayloadVersion")
    properties[version] = {"enum": sorted(_versions(type_, examples))}
    if not top.get("required"):
        top["required"] = list(properties)
        mended.append("nothing was required")
    return Schema(file=file, type=type_, schema=schema, examples=examples, mended=tuple(mended))


def _type_of(content: Mapping[str, Any], examples: tuple[Any, ...]) -> str | None:
    """Return the type by the examples, else by the first known name in the text."""
    for example in examples:
        members = {key.lower(): value for key, value in example.items()}
        if all(key in members for key in _ENVELOPE):
            return str(members["notificationtype"])
    if "notificationtype" not in json.dumps(content).lower():
        return None
    return next((one for one in _TYPE.findall(json.dumps(content)) if one in TYPES), None)


def _versions(type_: str, examples: tuple[Any, ...]) -> set[str]:
    """Return the payload versions of the examples, else all that are known."""
    shown = {str(v) for one in examples for k, v in one.items() if k.lower() == "payloadversion"}
    return shown or {"1.0", *(TYPES[type_].payload_versions if type_ in TYPES else ())}


def _resolved(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the object that describes the notification, the schema's own references followed."""
    reference = schema.get("$ref")
    if reference is None:
        return schema
    at: Any = schema
    for step in str(reference).removeprefix("#/").split("/"):
        at = at[step]
    schema["$ref"] = reference
    return _resolved(at)


def _leads_nowhere(schema: Mapping[str, Any]) -> bool:
    reference = schema.get("$ref")
    if reference is None:
        return False
    at: Any = schema
    for step in str(reference).removeprefix("#/").split("/"):
        if not isinstance(at, dict) or step not in at:
            return True
        at = at[step]
    return False


def _like(values: list[Any]) -> dict[str, Any]:
    """Return a schema of what the values have in common."""
    first = values[0] if values else None
    if isinstance(first, dict):
        keys = {key for one in values for key in one}
        inner = {key: [one[key] for one in values if key in one] for key in sorted(keys)}
        return {
            "type": "object",
            "properties": {key: _like(found) for key, found in inner.items()},
            "required": [key for key, found in inner.items() if len(found) == len(values)],
        }
    if isinstance(first, list):
        return {"type": "array", "items": _like([each for one in values for each in one])}
    kinds = {str: "string", bool: "boolean", int: "integer", float: "number"}
    return {"type": kinds[type(first)]} if type(first) in kinds else {}
