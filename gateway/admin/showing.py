"""Records of the store as the models that are shown.

A model's member is taken from the record's field of the same name; a time `created_at` from the
milliseconds in `created_at_ms`. What a model doesn't name is never shown.
"""

from __future__ import annotations

from enum import Enum
from typing import Any, TypeVar

from pydantic import BaseModel

from gateway.clock import rfc3339

M = TypeVar("M", bound=BaseModel)


def shown(model: type[M], record: Any, **others: Any) -> M:
    """Return `record` as `model`; `others` are members that it doesn't hold as they are shown."""
    values = dict(others)
    for name in model.model_fields:
        if name not in values:
            values[name] = _value(record, name)
    return model(**values)


def _value(record: Any, name: str) -> Any:
    if not hasattr(record, name):
        at_ms = getattr(record, f"{name}_ms")
        return None if at_ms is None else rfc3339(at_ms)
    value = getattr(record, name)
    if isinstance(value, Enum):
        return value.value
    return list(value) if isinstance(value, (tuple, frozenset)) else value
