"""The static sandbox cases of Amazon's public API models, and which of them answers a call.

The models are a checkout of amzn/selling-partner-api-models, or a folder with files of it; none of
them ships with the gateway. A case lists what must be equal in a request; the one that lists most
of it wins, so that a case which lists nothing answers what no other does.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from gateway.errors import InvalidInputError
from gateway.simulator.spapi.answers import RefusalError, bad_input
from gateway.simulator.spapi.call import Answer, Call

if TYPE_CHECKING:
    from gateway.spapi.catalog import Catalog

_METHODS = frozenset({"get", "put", "post", "delete", "patch"})
_NEW_KEY, _OLD_KEY = "x-amzn-api-sandbox", "x-amazon-spds-sandbox-behaviors"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One static case.

    Attributes:
        status: HTTP status of the answer.
        parameters: What must be equal, by the parameter's name.
        places: Where each parameter stands, by the model: `path`, `query`, `header` or `body`.
        body: The answer's body.
        headers: Headers of the answer.
    """

    status: int
    parameters: Mapping[str, Any]
    places: Mapping[str, str]
    body: Any
    headers: Mapping[str, str] = field(default_factory=dict)


class StaticCases:
    """The cases of every operation that a folder of models holds any for."""

    def __init__(self, cases: Mapping[tuple[str, str], Sequence[Case]]) -> None:
        self._cases = cases

    @classmethod
    def load(cls, folder: Path, catalog: Catalog) -> StaticCases:
        """Read the models below a folder; what is no model of a live operation is passed over.

        Raises:
            InvalidInputError: The folder is not there, or holds no model with a case.
        """
        # By method and path, as Amazon has two operations of one name.
        live = {(one.method, one.path) for one in catalog.operations}
        found: dict[tuple[str, str], list[Case]] = {}
        for path in sorted(folder.rglob("*.json")):
            for method, template, cases in _cases_in(path):
                if cases and (method, template) in live:
                    found.setdefault((method, template), []).extend(cases)
        if not found:
            raise InvalidInputError(
                f"{folder} holds no API model; name a checkout of amzn/selling-partner-api-models"
            )
        return cls(found)

    def __len__(self) -> int:
        return sum(len(cases) for cases in self._cases.values())

    @property
    def operations(self) -> int:
        """How many operations have cases."""
        return len(self._cases)

    def answer(self, call: Call) -> Answer:
        """Return the answer of the case that fits a call best.

        Raises:
            RefusalError: The operation has no case, or none fits.
        """
        cases = self._cases.get((call.operation.method, call.operation.path))
        if cases is None:
            raise RefusalError(
                501,
                "NotImplemented",
                f"The local SP-API does not play {call.operation.name}.",
                "The models that it was started with hold no static case of it.",
            )
        best = best_case(cases, call)
        if best is None:
            # What Amazon's sandbox answers to a request that it has no case for.
            raise bad_input("Could not match input arguments")
        body = None if best.status == 204 else best.body
        return Answer(status=best.status, body=body, headers=best.headers)


def best_case(cases: Sequence[Case], call: Call) -> Case | None:
    """Return the case that lists most of what is equal in a call, the first of several."""
    fitting = [case for case in cases if _fits(case, call)]
    return max(fitting, key=lambda case: (len(case.parameters), -case.status), default=None)


def _fits(case: Case, call: Call) -> bool:
    return all(
        _equal(call, name, case.places.get(name), value) for name, value in case.parameters.items()
    )


def _equal(call: Call, name: str, place: str | None, value: Any) -> bool:
    if place is None:
        # Amazon's models name some bodies otherwise than they declare them.
        place = "body" if isinstance(value, dict) else "query"
    if place == "path":
        return call.arguments.get(name) == _text(value)
    if place == "body":
        try:
            return _contains(orjson.loads(call.body or b"null"), value)
        except orjson.JSONDecodeError:
            return False
    if place != "query":
        return True
    if isinstance(value, list):
        return list(call.listed(name)) == [_text(one) for one in value]
    return call.query.get(name) == _text(value)


def _contains(body: Any, wanted: Any) -> bool:
    """Whether a body holds all that is wanted; what it holds besides does no harm."""
    if isinstance(wanted, dict):
        return isinstance(body, dict) and all(
            name in body and _contains(body[name], value) for name, value in wanted.items()
        )
    if isinstance(wanted, list):
        return (
            isinstance(body, list)
            and len(body) == len(wanted)
            and all(map(_contains, body, wanted))
        )
    return bool(body == wanted)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _cases_in(path: Path) -> Iterator[tuple[str, str, Sequence[Case]]]:
    """Yield method, path template and cases of each operation in a file that is a model."""
    try:
        model = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return
    paths = model.get("paths") if isinstance(model, dict) else None
    for template, methods in (paths or {}).items():
        shared = methods.get("parameters", [])
        for method, operation in methods.items():
            if method in _METHODS:
                declared = [*shared, *operation.get("parameters", [])]
                yield method.upper(), template, list(_cases_of(model, declared, operation))


def _cases_of(
    model: Mapping[str, Any], declared: Sequence[Any], operation: Mapping[str, Any]
) -> Iterator[Case]:
    places = {one["name"]: one["in"] for one in (_resolved(model, one) for one in declared)}
    for status, declared_response in operation.get("responses", {}).items():
        if not status.isdigit():
            continue
        response = _resolved(model, declared_response)
        cases = [*response.get(_NEW_KEY, {}).get("static", []), *response.get(_OLD_KEY, [])]
        for case in cases:
            given = case.get("request", {}).get("parameters", {})
            yield Case(
                status=int(status),
                parameters={name: _value(value) for name, value in given.items()},
                places=places,
                body=case.get("response"),
                headers=case.get("responseHeaders") or {},
            )


def _value(given: Any) -> Any:
    """Return what a parameter must equal; some models write the value without its wrapping."""
    return given["value"] if isinstance(given, dict) and set(given) == {"value"} else given


def _resolved(model: Mapping[str, Any], part: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a part of the model itself, where it is a reference to one."""
    reference = part.get("$ref")
    if not isinstance(reference, str):
        return part
    found: Any = model
    for name in reference.removeprefix("#/").split("/"):
        found = found[name]
    return found if isinstance(found, dict) else {}
