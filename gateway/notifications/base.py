"""How a payload becomes typed: any spelling of keys, and leniency about all that isn't needed.

It decides how keys meet fields, which faults of a payload are forgiven (a value that can't be read
in a field that may be absent is absent) and which are not (a needed field without a usable value).
It never decides whether a notification is accepted: typing happens when a handler asks for it, and
Amazon's published schemas are stricter than Amazon's messages in places.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Annotated, Any, ClassVar, Self

import orjson
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    PrivateAttr,
    StringConstraints,
    ValidationError,
    model_validator,
)

from gateway.errors import EnvelopeError


@lru_cache(maxsize=4096)
def _folded(key: str) -> str:
    """Return what all spellings of a key have in common: `SellerSKU` and `seller_sku` are one."""
    return key.replace("_", "").lower()


def _utc(at: datetime) -> datetime:
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at


Time = Annotated[datetime, AfterValidator(_utc)]
"""A point in time with its offset; without one it is UTC, as Amazon writes it in places."""

NeededId = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
"""An id without which a payload says nothing; spaces around it are dropped."""


class PayloadPart(BaseModel):
    """An object inside a payload: a field for each key that is known, in snake_case.

    A key meets its field whatever its casing. Keys that no field knows are kept in `model_extra`.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="allow",
        coerce_numbers_to_str=True,
        # A fault's text ends in logs; payloads are customer data.
        hide_input_in_errors=True,
        # Amazon's keys may be anything, `model…` included.
        protected_namespaces=(),
    )

    _spellings: ClassVar[Mapping[str, str]] = {}

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        """Note the spellings that Amazon uses for each field, so that most keys need no folding."""
        super().__pydantic_init_subclass__(**kwargs)
        spellings: dict[str, str] = {}
        for name in cls.model_fields:
            pascal = "".join(word.capitalize() for word in name.split("_"))
            spellings |= dict.fromkeys(
                (name, _folded(name), pascal, pascal[:1].lower() + pascal[1:]), name
            )
        cls._spellings = spellings

    @model_validator(mode="before")
    @classmethod
    def _named_as_fields(cls, data: Any) -> Any:
        if type(data) is not dict and not isinstance(data, Mapping):
            return data
        spellings = cls._spellings
        named = {}
        for key, value in data.items():
            name = spellings.get(key)
            named[spellings.get(_folded(key), key) if name is None else name] = value
        return named


class PayloadModel(PayloadPart):
    """A notification type's payload, typed. Subclass it for a type that the gateway doesn't know.

    Attributes:
        notification_type: Type as in the envelope, such as `ORDER_CHANGE`.
        wrapper: Key of the payload that holds the fields, or None where the payload itself does.
        other_wrappers: Keys that Amazon has used for the same at other times.
    """

    notification_type: ClassVar[str]
    wrapper: ClassVar[str | None] = None
    other_wrappers: ClassVar[tuple[str, ...]] = ()

    _raw: Mapping[str, Any] = PrivateAttr(default_factory=dict)

    @property
    def raw(self) -> Mapping[str, Any]:
        """The whole payload as it came, wrapper and unread values included."""
        return self._raw

    def to_json(self) -> bytes:
        """Return the payload as it came, as JSON: what was not understood included."""
        try:
            return orjson.dumps(self._raw)
        except orjson.JSONEncodeError:
            # It reads deeper nesting than it writes.
            return json.dumps(self._raw, separators=(",", ":"), ensure_ascii=False).encode()

    @classmethod
    def from_payload(cls, payload: Mapping[str, Any]) -> Self:
        """Return the payload, typed.

        Args:
            payload: The envelope's `Payload` object, keys in any casing. It is kept as `raw`, so
                it must not be changed afterwards.

        Raises:
            EnvelopeError: The wrapper or a needed field is missing or can't be read.
        """
        inner = cls._unwrapped(payload)
        try:
            model = cls.model_validate(inner)
        except ValidationError as exc:
            model = cls._read_leniently(inner, exc)
        model._raw = payload  # noqa: SLF001 its own
        return model

    @classmethod
    def _unwrapped(cls, payload: Mapping[str, Any]) -> Mapping[str, Any]:
        if cls.wrapper is None:
            return payload
        inner = payload.get(cls.wrapper)
        if inner is None:
            wanted = {_folded(key) for key in (cls.wrapper, *cls.other_wrappers)}
            inner = next((value for key, value in payload.items() if _folded(key) in wanted), None)
        if not isinstance(inner, Mapping):
            what = "missing" if inner is None else "not an object"
            raise EnvelopeError(f"Payload.{cls.wrapper}: {what}")
        return inner

    @classmethod
    def _read_leniently(cls, inner: Mapping[str, Any], fault: ValidationError) -> Self:
        """Read it without the values that don't fit their fields."""
        rest = _Editable(inner)
        while True:
            # From the end, so that the places of a list's earlier elements stay right.
            for error in reversed(fault.errors(include_input=False, include_url=False)):
                if not rest.remove(error["loc"]):
                    raise EnvelopeError(
                        f"{cls._path(error['loc'])}: missing or unusable"
                    ) from fault
            try:
                return cls.model_validate(rest.root)
            except ValidationError as exc:
                fault = exc

    @classmethod
    def _path(cls, loc: tuple[int | str, ...]) -> str:
        steps = ("Payload", cls.wrapper, *loc)
        return ".".join(str(step) for step in steps if step is not None)


class _Editable:
    """A JSON object from which values can be removed; what was handed in stays as it is."""

    def __init__(self, root: Mapping[str, Any]) -> None:
        self.root = dict(root)
        # By id: the containers that are copies already, and for each object its keys by what their
        # spellings have in common; one message may hold thousands of faults and of keys.
        self._copies: dict[int, Any] = {}
        self._keys: dict[int, dict[str, list[str]]] = {}

    def remove(self, loc: tuple[int | str, ...]) -> bool:
        """Remove what stands at the path of fields `loc`; return whether anything did."""
        at: Any = self.root
        for step in loc[:-1]:
            keys = self._spelled(at, step)
            if not keys:
                return False
            at = self._child(at, keys[-1])
        keys = self._spelled(at, loc[-1]) if loc else ()
        for key in keys:
            del at[key]
        if keys and isinstance(at, dict):
            self._keys[id(at)].pop(_folded(str(loc[-1])))
        return bool(keys)

    def _child(self, at: Any, key: int | str) -> Any:
        """Return what is at `key`, copied the first time."""
        child = at[key]
        if id(child) not in self._copies:
            child = at[key] = copy.copy(child)
            self._copies[id(child)] = child
        return child

    def _spelled(self, at: Any, step: int | str) -> Sequence[Any]:
        """Return the keys or the index of `step` in `at`; the last of them is the one read."""
        if isinstance(at, list) and isinstance(step, int):
            return (step,) if step < len(at) else ()
        if not isinstance(at, dict) or not isinstance(step, str):
            return ()
        index = self._keys.get(id(at))
        if index is None:
            index = self._keys[id(at)] = {}
            for key in at:
                index.setdefault(_folded(key), []).append(key)
        return index.get(_folded(step), ())
