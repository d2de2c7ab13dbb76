"""What typed calls have in common: how an answer of Amazon's becomes an object with named fields.

It decides what is forgiven: a value that doesn't fit its field is absent, and of a list only the
items that don't fit are. An object without its id is no object. Nothing is lost: what Amazon sent
stays in `raw`, and is no part of a dump or a repr, for it may hold personal data.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, Self, TypeVar

from pydantic import (
    BaseModel,
    ConfigDict,
    PrivateAttr,
    ValidationError,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    field_validator,
)
from pydantic.alias_generators import to_camel

from gateway.errors import SpApiRetryableError
from gateway.spapi.pagination import Page

ItemT = TypeVar("ItemT")
ItemT_co = TypeVar("ItemT_co", covariant=True)


class Calls(Protocol):
    """What typed calls need of a seller's calls."""

    def call(self, name: str, /, **parameters: Any) -> Awaitable[dict[str, Any]]:
        """Call the operation that `name` means."""
        ...

    def paginate(self, name: str, /, **parameters: Any) -> AsyncIterator[Page]:
        """Call the operation that `name` means, page after page."""
        ...


class View(BaseModel):
    """An object of Amazon's. Its fields are Amazon's in snake_case; times are RFC 3339 texts."""

    model_config = ConfigDict(
        frozen=True,
        extra="ignore",
        alias_generator=to_camel,
        validate_by_name=True,
        coerce_numbers_to_str=True,
        hide_input_in_errors=True,
        protected_namespaces=(),
        # There are many of these and a process uses few.
        defer_build=True,
    )

    _raw: Mapping[str, Any] = PrivateAttr(default_factory=dict)

    @property
    def raw(self) -> Mapping[str, Any]:
        """Everything that Amazon sent, personal data included where there is any."""
        return self._raw

    def data(self) -> dict[str, Any]:
        """Return the named fields as JSON values, for an event."""
        return self.model_dump(mode="json")

    @classmethod
    def read(cls, raw: object) -> Self | None:
        """Return the object that `raw` holds, or None where it is none or lacks its id."""
        if not isinstance(raw, Mapping):
            return None
        try:
            view = cls.model_validate(raw)
        except ValidationError:
            return None
        view._raw = raw  # noqa: SLF001 its own
        return view

    @field_validator("*", mode="wrap")
    @classmethod
    def _forgive(
        cls, value: Any, handler: ValidatorFunctionWrapHandler, info: ValidationInfo
    ) -> Any:
        try:
            return handler(value)
        except ValidationError:
            described = cls.model_fields[info.field_name or ""]
            if described.is_required():
                raise
        if not isinstance(value, list):
            return described.get_default(call_default_factory=True)
        kept: list[Any] = []
        for item in value:
            with suppress(ValidationError):
                kept.extend(handler([item]))
        return tuple(kept)


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed(Generic[ItemT_co]):
    """One page of a list.

    Attributes:
        items: What can be read of it; a page may be empty and still not be the last.
        next_token: Asks for the next page, as `start` of the same call; None on the last one. Keep
            it in a handler's state rather than fetch many pages in one run.
        raw: The whole answer.
    """

    items: tuple[ItemT_co, ...]
    next_token: str | None
    raw: Mapping[str, Any] = field(repr=False)


def given(**fields: Any) -> dict[str, Any]:
    """Return the body that holds the fields that are not None."""
    return {name: value for name, value in fields.items() if value is not None}


def part(answer: object, *path: str) -> Any:
    """Return what stands at `path` of an answer, or None."""
    at = answer
    for key in path:
        at = at.get(key) if isinstance(at, Mapping) else None
    return at


def found(view: ItemT | None, *, operation: str, what: str) -> ItemT:
    """Return `view`.

    Raises:
        SpApiRetryableError: There is none: a success without its object is a fault of Amazon's.
    """
    if view is None:
        raise SpApiRetryableError(
            f"{operation}: Amazon's answer holds no {what}; try later",
            operation=operation,
            status=200,
        )
    return view


def text_at(answer: object, *path: str, operation: str) -> str:
    """Return the text at `path` of an answer, without which the answer is useless.

    Raises:
        SpApiRetryableError: There is none.
    """
    value = part(answer, *path)
    return found(
        value if isinstance(value, str) and value else None, operation=operation, what=path[-1]
    )


async def listed(
    pages: AsyncIterator[Page], *under: str, read: Callable[[object], ItemT | None]
) -> AsyncIterator[Listed[ItemT]]:
    """Turn pages into lists of objects, which stand under the path `under` of each."""
    async for page in pages:
        items = part(page.answer, *under)
        views = map(read, items if isinstance(items, list) else ())
        yield Listed(
            items=tuple(view for view in views if view is not None),
            next_token=page.next_token,
            raw=page.answer,
        )
