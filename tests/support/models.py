"""A checkout of Amazon's API models, read: operations, their parameters and static sandbox cases.

The models are OpenAPI 2.0 files, in any depth of folders (github.com/amzn/selling-partner-api-models).
None of them is part of this project; whoever wants to check against them names a folder.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

METHODS = ("get", "put", "post", "delete", "patch", "head", "options")
_BOXES = ("x-amzn-api-sandbox", "x-amazon-spds-sandbox-behaviors")
_PLAN = re.compile(r"\|\s*([\d.]+)\s*\|\s*([\d.]+)\s*\|")
_DEPTH = 12


@dataclass(frozen=True, kw_only=True)
class Case:
    """A static sandbox case: what is asked with, and what comes back."""

    status: int
    parameters: Mapping[str, Any]
    response: Any
    number: int


@dataclass(frozen=True, kw_only=True)
class ModelOperation:
    """One operation of a model file."""

    file: str
    id: str
    method: str
    path: str
    parameters: Mapping[str, Mapping[str, Any]]
    cases: Sequence[Case]
    description: str
    dynamic: bool
    sandbox_only: bool
    definitions: Mapping[str, Any] = field(repr=False)

    def of_kind(self, where: str) -> Mapping[str, Mapping[str, Any]]:
        """The parameters that stand in `path`, `query`, `header` or `body`."""
        return {name: one for name, one in self.parameters.items() if one["in"] == where}

    @property
    def plan(self) -> tuple[float, float] | None:
        """Rate and burst of the table in the description, where there is one with numbers."""
        found = _PLAN.search(self.description)
        return (float(found[1]), float(found[2])) if found else None


def read_models(folder: Path) -> Iterator[ModelOperation]:
    """Yield every operation of every model in a folder, in the order of the files' names."""
    for file in sorted(folder.rglob("*.json")):
        model = json.loads(file.read_text("utf-8"))
        if isinstance(model, dict) and "swagger" in model and isinstance(model.get("paths"), dict):
            for path, item in model["paths"].items():
                yield from _operations(model, file.name, path, item)


def _operations(
    model: Mapping[str, Any], file: str, path: str, item: Mapping[str, Any]
) -> Iterator[ModelOperation]:
    for method in METHODS:
        operation = item.get(method)
        if operation is None:
            continue
        listed = [*item.get("parameters", ()), *operation.get("parameters", ())]
        parameters = [_resolved(model, parameter) for parameter in listed]
        boxes = [item.get(_BOXES[0], {}), operation.get(_BOXES[0], {})]
        yield ModelOperation(
            file=file,
            id=operation["operationId"],
            method=method.upper(),
            path=path,
            parameters={parameter["name"]: parameter for parameter in parameters},
            cases=list(_cases(operation["responses"])),
            description=operation.get("description", ""),
            dynamic=any("dynamic" in box for box in boxes),
            sandbox_only=any(
                one.get("x-amzn-api-sandbox-only") is True for one in (item, operation)
            ),
            definitions=model.get("definitions", {}),
        )


def _resolved(model: Mapping[str, Any], parameter: Mapping[str, Any]) -> Mapping[str, Any]:
    reference = parameter.get("$ref")
    return model["parameters"][reference.rpartition("/")[2]] if reference else parameter


def _cases(responses: Mapping[str, Any]) -> Iterator[Case]:
    for status, response in responses.items():
        for box in _BOXES:
            held = response.get(box, ())
            cases = held.get("static", ()) if isinstance(held, dict) else held
            for number, case in enumerate(cases):
                named = case.get("request", {}).get("parameters", {})
                yield Case(
                    status=int(status),
                    parameters={name: _value(value) for name, value in named.items()},
                    response=case.get("response"),
                    number=number,
                )


def _value(written: Any) -> Any:
    """A parameter's value; some cases write it bare instead of under `value`."""
    if isinstance(written, dict) and set(written) == {"value"}:
        return written["value"]
    return written


def example(schema: Mapping[str, Any], definitions: Mapping[str, Any], depth: int = 0) -> Any:
    """Return a small value that fits a schema: what a case leaves out and a call needs."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return example(definitions[name], definitions, depth + 1)
    if "enum" in schema:
        return schema["enum"][0]
    if "default" in schema and schema["default"] is not None:
        return schema["default"]
    if schema.get("allOf"):
        parts = [example(part, definitions, depth + 1) for part in schema["allOf"]]
        return {k: v for part in parts if isinstance(part, dict) for k, v in part.items()}
    if depth > _DEPTH:
        return None
    return _plain_example(schema, definitions, depth)


def _plain_example(schema: Mapping[str, Any], definitions: Mapping[str, Any], depth: int) -> Any:
    kind = schema.get("type", "object" if "properties" in schema else "string")
    if kind == "object":
        return {
            name: example(schema["properties"][name], definitions, depth + 1)
            for name in schema.get("required", ())
            if name in schema.get("properties", {})
        }
    if kind == "array":
        return [example(schema["items"], definitions, depth + 1)]
    if kind in {"integer", "number"}:
        return schema.get("minimum", 1)
    if kind == "boolean":
        return True
    return {"date-time": "2026-01-31T09:00:00Z", "date": "2026-01-31"}.get(
        schema.get("format", ""), "x" * max(1, schema.get("minLength", 1))
    )
