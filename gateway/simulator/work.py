"""How long work takes and how it turns out: reports, feeds, queries and exports.

Unless it is told otherwise all work ends well, after the time that the simulator was started with.
A recipe tells otherwise for what is asked for next.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from gateway.errors import InvalidInputError

if TYPE_CHECKING:
    from gateway.clock import Clock

KINDS = ("reports", "feeds", "queries", "exports")
OUTCOMES = ("DONE", "CANCELLED", "FATAL")
CHARSETS = ("UTF-8", "UTF-8-SIG", "ISO-8859-1", "Shift_JIS")


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How some work turns out.

    Attributes:
        work: Kind of work, or a report or feed type; None for all.
        outcome: A processing status that ends work; `FATAL` is an export's `ERROR`.
        queue_s: Seconds until it begins; None for the simulator's own.
        work_s: Seconds from its begin to its end; None for the simulator's own.
        rows: Rows of its document; 0 ends it without one; None for what there is.
        pages: Queries: how many queries it takes to read everything.
        gzip: Whether the document is compressed; None draws it.
        charset: Character set of a report; None goes by the marketplace.
        told: Notifications that tell of the end, each with an id of its own; Amazon has sent ten
            for one report, and sometimes none.
        times: How often the recipe is used; None for no limit.
    """

    work: str | None = None
    outcome: str = "DONE"
    queue_s: float | None = None
    work_s: float | None = None
    rows: int | None = None
    pages: int = 1
    gzip: bool | None = None
    charset: str | None = None
    told: int = 1
    times: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """When work began and ends, and how."""

    created_at_ms: int
    starts_at_ms: int
    ends_at_ms: int
    outcome: str

    def status(self, now_ms: int) -> str:
        """Return Amazon's processing status at a time."""
        if now_ms < self.starts_at_ms:
            return "IN_QUEUE"
        return "IN_PROGRESS" if now_ms < self.ends_at_ms else self.outcome

    def times(self, now_ms: int, shown: Callable[[int], str]) -> Mapping[str, str]:
        """Return the times that are known by now, under Amazon's names."""
        times = {"createdTime": shown(self.created_at_ms)}
        if now_ms >= self.starts_at_ms:
            times["processingStartTime"] = shown(self.starts_at_ms)
        if now_ms >= self.ends_at_ms:
            times["processingEndTime"] = shown(self.ends_at_ms)
        return times

    def cancelled(self, now_ms: int) -> Course:
        """Return the course of work that is given up now."""
        return Course(
            created_at_ms=self.created_at_ms,
            starts_at_ms=now_ms,
            ends_at_ms=now_ms,
            outcome="CANCELLED",
        )


class Work:
    """Recipes in force, the oldest first, and the simulator's own pace."""

    def __init__(self, *, clock: Clock, queue_s: float = 1.0, work_s: float = 2.0) -> None:
        self._clock = clock
        self._queue_s = queue_s
        self._work_s = work_s
        self._recipes: list[tuple[Recipe, int | None]] = []

    def add(self, recipe: Recipe) -> None:
        """Put a recipe into force."""
        self._recipes.append((recipe, recipe.times))

    def clear(self) -> None:
        """Forget every recipe."""
        self._recipes.clear()

    def show(self) -> Sequence[Mapping[str, Any]]:
        """Return the recipes in force as plain data, with the times that are left."""
        return [
            {field.name: getattr(recipe, field.name) for field in fields(recipe)} | {"times": left}
            for recipe, left in self._recipes
        ]

    def begin(self, kind: str, type_: str | None = None) -> tuple[Recipe, Course]:
        """Return how work that begins now turns out, and when.

        Args:
            kind: One of `KINDS`.
            type_: Report or feed type.
        """
        recipe = self._next(kind, type_)
        now_ms = self._clock.now_ms()
        queue_s = self._queue_s if recipe.queue_s is None else recipe.queue_s
        work_s = self._work_s if recipe.work_s is None else recipe.work_s
        starts_at_ms = now_ms + round(queue_s * 1_000)
        return recipe, Course(
            created_at_ms=now_ms,
            starts_at_ms=starts_at_ms,
            ends_at_ms=starts_at_ms + round(work_s * 1_000),
            outcome=recipe.outcome,
        )

    def _next(self, kind: str, type_: str | None) -> Recipe:
        for index, (recipe, left) in enumerate(self._recipes):
            if recipe.work not in {None, kind, type_}:
                continue
            if left == 1:
                del self._recipes[index]
            elif left is not None:
                self._recipes[index] = recipe, left - 1
            return recipe
        return Recipe()


_TAKES: Mapping[str, tuple[type, ...]] = {
    "work": (str,),
    "outcome": (str,),
    "queue_s": (int, float),
    "work_s": (int, float),
    "rows": (int,),
    "pages": (int,),
    "gzip": (bool,),
    "charset": (str,),
    "told": (int,),
    "times": (int,),
}


def read_recipe(given: Mapping[str, Any]) -> Recipe:
    """Return the recipe that plain data stands for.

    Raises:
        InvalidInputError: A name is unknown, or its value is not what it takes.
    """
    for name, value in given.items():
        if name not in _TAKES:
            raise InvalidInputError(f"no {name!r} in a recipe; known are {', '.join(_TAKES)}")
        if not isinstance(value, _TAKES[name]):
            raise InvalidInputError(f"{name} in a recipe takes {_TAKES[name][-1].__name__}")
        if isinstance(value, bool) is not (name == "gzip"):
            raise InvalidInputError(f"{name} in a recipe takes {_TAKES[name][-1].__name__}")
        if isinstance(value, int | float) and value < 0:
            raise InvalidInputError(f"{name} in a recipe is never below 0")
    recipe = Recipe(**given)
    if recipe.outcome not in OUTCOMES:
        raise InvalidInputError(f"outcome is one of {', '.join(OUTCOMES)}")
    if recipe.charset not in {None, *CHARSETS}:
        raise InvalidInputError(f"charset is one of {', '.join(CHARSETS)}")
    return recipe
