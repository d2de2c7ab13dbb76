"""Reads a request's parameters with their types and ranges; decides nothing about queues."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gateway.simulator.sqs.errors import SqsError, bad_value, missing

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class Parameters:
    """The JSON object of one request, or of one entry of a batch.

    Every method raises `SqsError` when the parameter is of another type than it must be.
    """

    __slots__ = ("_values",)

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = values

    def text(self, name: str) -> str:
        """Return a string that must be there."""
        value = self.optional_text(name)
        if value is None:
            raise missing(name)
        return value

    def optional_text(self, name: str) -> str | None:
        """Return a string, or None where it is absent."""
        value = self._values.get(name)
        if value is not None and not isinstance(value, str):
            raise _wrong_type(name, "a string")
        return value

    def integer(self, name: str, *, low: int, high: int, default: int) -> int:
        """Return a whole number from `low` to `high`, or `default` where it is absent."""
        value = self._values.get(name)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, int):
            raise _wrong_type(name, "an integer")
        if not low <= value <= high:
            raise bad_value(name, value, f"Must be between {low} and {high}, if provided.")
        return value

    def has(self, name: str) -> bool:
        """Whether the parameter was given."""
        return self._values.get(name) is not None

    def texts(self, name: str) -> Sequence[str]:
        """Return a list of strings, empty where it is absent."""
        value = self._values.get(name) or []
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise _wrong_type(name, "a list of strings")
        return value

    def mapping(self, name: str) -> Mapping[str, Any]:
        """Return an object, empty where it is absent."""
        value = self._values.get(name) or {}
        if not isinstance(value, dict):
            raise _wrong_type(name, "an object")
        return value

    def string_mapping(self, name: str) -> Mapping[str, str]:
        """Return an object of strings, empty where it is absent."""
        value = self.mapping(name)
        if not all(isinstance(item, str) for item in value.values()):
            raise _wrong_type(name, "an object of strings")
        return value

    def entries(self) -> Sequence[Mapping[str, Any]]:
        """Return the entries of a batch, not yet checked one by one."""
        value = self._values.get("Entries") or []
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            raise _wrong_type("Entries", "a list of objects")
        return value


def _wrong_type(name: str, expected: str) -> SqsError:
    return SqsError("SerializationException", f"{name} must be {expected}.")
