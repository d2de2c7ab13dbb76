"""The faults that the local SQS can be told to show; decides when one strikes, never its form."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from random import Random
from typing import TYPE_CHECKING, Any

from gateway.errors import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(slots=True, kw_only=True)
class SqsFaults:
    """Knobs, all of them off at first; chances run from 0 (never) to 1 (always).

    Attributes:
        delay_s: Seconds by which every answer is held back.
        duplicate: Chance that a message sent to a standard queue is delivered as two.
        drop_delete: Chance that a delete is answered as done and is not.
        throttle: Chance that a request is answered RequestThrottled.
        fail_entry: Chance that an entry of a batch fails by the service's own fault.
        unavailable: Chance that a request is answered 503 with an HTML page.
        expired_credentials: Whether every request is answered ExpiredToken.
    """

    delay_s: float = 0.0
    duplicate: float = 0.0
    drop_delete: float = 0.0
    throttle: float = 0.0
    fail_entry: float = 0.0
    unavailable: float = 0.0
    expired_credentials: bool = False
    random: Random = field(default_factory=Random, repr=False, compare=False)

    def strikes(self, chance: float) -> bool:
        """Whether a fault of this chance strikes now."""
        return chance > 0 and self.random.random() < chance

    def show(self) -> dict[str, float | bool]:
        """Return the knobs by name."""
        return {knob.name: getattr(self, knob.name) for knob in fields(self) if knob.compare}

    def turn(self, knobs: Mapping[str, Any]) -> None:
        """Set the knobs that are given; the others stay.

        Raises:
            InvalidInputError: A knob is unknown or its value is out of range; nothing was set.
        """
        known = self.show()
        for name, value in knobs.items():
            if name not in known:
                raise InvalidInputError(f"no fault {name!r}; known are {', '.join(known)}")
            if isinstance(known[name], bool) != isinstance(value, bool):
                raise InvalidInputError(f"{name} takes {type(known[name]).__name__}")
            highest = 3600 if name == "delay_s" else 1
            if not isinstance(value, int | float) or not 0 <= value <= highest:
                raise InvalidInputError(f"{name} must be from 0 to {highest}")
        for name, value in knobs.items():
            setattr(self, name, value if isinstance(value, bool) else float(value))

    def clear(self) -> None:
        """Turn every knob off."""
        for knob in fields(self):
            if knob.compare:
                setattr(self, knob.name, knob.default)
