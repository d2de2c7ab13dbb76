"""One call as an operation gets it, read leniently: unknown keys of query and body are ignored."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import orjson

from gateway.clock import parse_rfc3339_ms
from gateway.simulator.spapi.answers import bad_input, denied

if TYPE_CHECKING:
    from multidict import MultiMapping

    from gateway.simulator.spapi.accounts import Grant, Seller
    from gateway.simulator.spapi.usage import Caller
    from gateway.spapi.catalog import Operation


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What an operation answers; a body of None is no body at all."""

    body: object = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A call whose token, region and operation are known to be good.

    Attributes:
        path: As it was called, without the region.
        arguments: Parameters of the path, decoded.
        caller: Whose bucket it draws from.
        base_url: Where the client reached the simulator; links of answers begin so.
        sandbox: Whether it came to the sandbox.
    """

    operation: Operation
    path: str
    arguments: Mapping[str, str]
    query: MultiMapping[str]
    body: bytes
    grant: Grant
    caller: Caller
    base_url: str
    sandbox: bool = False

    @property
    def seller(self) -> Seller:
        """The seller whose token was presented.

        Raises:
            RefusalError: The token is grantless.
        """
        if self.grant.seller is None:
            raise denied("The operation needs a seller's token; this one is grantless.")
        return self.grant.seller

    def fields(self) -> Mapping[str, Any]:
        """Return the body's JSON object.

        Raises:
            RefusalError: The body is none.
        """
        try:
            fields = orjson.loads(self.body)
        except orjson.JSONDecodeError as exc:
            raise bad_input("The request body is no JSON.") from exc
        if not isinstance(fields, dict):
            raise bad_input("The request body must be a JSON object.")
        return fields

    def listed(self, name: str) -> Sequence[str]:
        """Return the values of a query parameter, repeated or parted by commas."""
        texts = self.query.getall(name, [])
        return [value for text in texts for value in text.split(",") if value]

    def needed(self, name: str) -> str:
        """Return a query parameter that must be there.

        Raises:
            RefusalError: It is missing or empty.
        """
        value = self.query.get(name)
        if not value:
            raise bad_input(f"{name} is required.", name)
        return value

    def whole(self, name: str, *, default: int, low: int, high: int) -> int:
        """Return a whole number of the query.

        Raises:
            RefusalError: It is no number from `low` to `high`.
        """
        text = self.query.get(name)
        if text is None:
            return default
        if not text.isascii() or not text.isdigit() or not low <= int(text) <= high:
            raise bad_input(f"{name} must be a number from {low} to {high}.", name)
        return int(text)

    def time_ms(self, name: str) -> int | None:
        """Return a time of the query in milliseconds since the epoch, or None.

        Raises:
            RefusalError: It is no ISO 8601 date-time.
        """
        text = self.query.get(name)
        return None if text is None else time_ms(text, name)


Answering: TypeAlias = Callable[[Call], Answer]


class Api(Protocol):
    """The operations of one API, with the state that they share."""

    def answers(self) -> Mapping[str, Answering]:
        """Return what answers each operation, by the operation's full name."""
        ...


def needed_text(fields: Mapping[str, Any], name: str) -> str:
    """Return a text of a body that must be there.

    Raises:
        RefusalError: It is missing, empty or no text.
    """
    value = fields.get(name)
    if not isinstance(value, str) or not value:
        raise bad_input(f"{name} is required.", name)
    return value


def texts(fields: Mapping[str, Any], name: str) -> Sequence[str]:
    """Return a list of texts in a body, empty where it is not given.

    Raises:
        RefusalError: It is something else.
    """
    value = fields.get(name)
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise bad_input(f"{name} must be a list of texts.", name)
    return value


def time_ms(text: object, name: str) -> int:
    """Return the milliseconds since the epoch of an ISO 8601 date-time.

    Raises:
        RefusalError: It is none; the refusal names `name`.
    """
    try:
        return parse_rfc3339_ms(str(text))
    except ValueError as exc:
        raise bad_input(f"{name} must be an ISO 8601 date-time.", name) from exc
