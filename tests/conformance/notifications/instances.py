"""Random instances of Amazon's schemas, each held against its schema before it is used.

The usual package for this, hypothesis-jsonschema, does not work with the hypothesis of today; the
part of draft 7 that Amazon's notification schemas use is small. A keyword that is not understood
here is noticed by the validator, which refuses the instance.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st
from jsonschema import Draft7Validator

_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
_IDS = st.from_regex(r"[A-Z0-9][A-Za-z0-9-]{3,17}", fullmatch=True)
_TIMES = st.datetimes().map(lambda at: f"{at.isoformat(timespec='milliseconds')}Z")
_NUMBERS = st.decimals(-(10**9), 10**9, places=2).map(float)
_ANY = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | _TEXT
_PLAIN: Mapping[str, st.SearchStrategy[Any]] = {
    "string": _IDS | _TEXT | _TIMES,
    "number": _NUMBERS,
    "boolean": st.booleans(),
    "null": st.none(),
}
_MORE_KEYS = st.sampled_from(["Later", "newField", "x-note", "Attributes"])


def instances(schema: Mapping[str, Any]) -> st.SearchStrategy[Any]:
    """Return bodies that the schema accepts, members that it doesn't know among them."""
    validator = Draft7Validator(schema)
    return _value(schema, schema).filter(validator.is_valid)


def _value(schema: Any, root: Mapping[str, Any]) -> st.SearchStrategy[Any]:
    if not isinstance(schema, dict):
        return _ANY
    if "$ref" in schema:
        return _value(_at(root, str(schema["$ref"])), root)
    if "const" in schema:
        return st.just(schema["const"])
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    for either in ("anyOf", "oneOf"):
        if either in schema:
            return st.one_of([_value(one, root) for one in schema[either]])
    kinds = schema.get("type")
    names = kinds if isinstance(kinds, list) else [kinds]
    return st.one_of([_of_kind(name, schema, root) for name in names])


def _of_kind(
    name: str | None, schema: Mapping[str, Any], root: Mapping[str, Any]
) -> st.SearchStrategy[Any]:
    if name == "object":
        return _object(schema, root)
    if name == "array":
        return _array(schema, root)
    if name == "integer":
        return st.integers(schema.get("minimum", -(2**53)), 2**53)
    if name == "string" and schema.get("format") == "date-time":
        return _TIMES
    return _PLAIN.get(name or "", _ANY)


def _object(schema: Mapping[str, Any], root: Mapping[str, Any]) -> st.SearchStrategy[Any]:
    members = {key: _value(one, root) for key, one in schema.get("properties", {}).items()}
    # One schema needs a member that it doesn't describe.
    needed = {key: members.pop(key, _ANY) for key in schema.get("required", ())}
    whole = st.fixed_dictionaries(needed, optional=members)
    if schema.get("additionalProperties", True) is False:
        return whole
    more = st.dictionaries(_MORE_KEYS, _ANY, max_size=2)
    return st.tuples(more, whole).map(lambda both: {**both[0], **both[1]})


def _array(schema: Mapping[str, Any], root: Mapping[str, Any]) -> st.SearchStrategy[Any]:
    items = schema.get("items", {})
    first = items[0] if isinstance(items, list) and items else items
    each = _value(first, root)
    if schema.get("uniqueItems"):
        return st.lists(each, max_size=3, unique_by=repr)
    return st.lists(each, max_size=4)


def _at(root: Mapping[str, Any], reference: str) -> Any:
    at: Any = root
    for step in reference.removeprefix("#/").split("/"):
        at = at[step]
    return at
