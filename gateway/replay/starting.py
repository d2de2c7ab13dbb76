"""Making operations: checked selections, and what one would do before it does.

It refuses what makes no sense. It never does anything.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from gateway.errors import InvalidInputError
from gateway.model import IdPrefix, UsagePlan, new_id
from gateway.notifications.known import TYPES
from gateway.operations import (
    DEFAULT_CONCURRENCY,
    Operation,
    OperationKind,
    OperationState,
    Preview,
    ReplayState,
    Selection,
    first_id,
    time_of,
)
from gateway.replay.stepping import Work
from gateway.spapi.catalog import UNKNOWN_PLAN, Catalog

_SAMPLE: Final = 5
RATE_MAX: Final = 10_000.0
CONCURRENCY_MAX: Final = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class CallsAhead:
    """What a replay costs of one operation of Amazon's, at most.

    Attributes:
        operation: Amazon's operation id.
        calls: One for each notification of a type whose nearest follow-up call it is.
        seconds: How long the usage plan makes them last, for the seller with the most.
    """

    operation: str
    calls: int
    rate_per_s: float
    burst: int
    seconds: float


def new_operation(
    kind: OperationKind,
    selection: Selection,
    now_ms: int,
    *,
    rate_per_s: float | None = None,
    concurrency: int = DEFAULT_CONCURRENCY,
) -> Operation:
    """Return an operation that begins now.

    Raises:
        InvalidInputError: The selection or the pace makes no sense.
    """
    _check(selection)
    if rate_per_s is not None and not 0 < rate_per_s <= RATE_MAX:
        raise InvalidInputError(f"rate: write more than 0 and at most {RATE_MAX:g} a second")
    if not 1 <= concurrency <= CONCURRENCY_MAX:
        raise InvalidInputError(f"concurrency: write 1 to {CONCURRENCY_MAX}")
    return Operation(
        id=new_id(IdPrefix.OPERATION, now_ms),
        kind=kind,
        selection=selection,
        state=OperationState.RUNNING,
        cursor=start_of(kind, selection),
        rate_per_s=rate_per_s,
        concurrency=concurrency,
        paced_at_ms=now_ms,
        created_at_ms=now_ms,
        updated_at_ms=now_ms,
    )


def start_of(kind: OperationKind, selection: Selection) -> str:
    """Return the cursor before the first thing that is selected."""
    if kind is OperationKind.REPLAY:
        quarantined = selection.state == ReplayState.QUARANTINED
        prefix = IdPrefix.QUARANTINE if quarantined else IdPrefix.NOTIFICATION
        return first_id(prefix, selection.from_ms)
    return first_id(IdPrefix.EVENT, selection.from_ms)


async def preview(
    work: Work, kind: OperationKind, selection: Selection, *, looks: int | None = None
) -> Preview:
    """Return what an operation would do; nothing is changed.

    Args:
        work: Of its kind.
        kind: What it does.
        selection: What it is about.
        looks: Most times to look; None for as often as it takes.

    Raises:
        InvalidInputError: The selection makes no sense.
    """
    _check(selection)
    cursor, looked, times = start_of(kind, selection), 0, 0
    ids: list[str] = []
    last: str | None = None
    counted: Counter[tuple[str, str]] = Counter()
    complete = False
    while not complete and (looks is None or times < looks):
        found = await work.look(selection, cursor)
        times += 1
        looked += found.looked
        for thing_id, type_, seller in found.things:
            counted[type_, seller] += 1
            last = thing_id
            if len(ids) < _SAMPLE:
                ids.append(thing_id)
        cursor, complete = found.cursor, found.ended
    by_type: Counter[str] = Counter()
    for (type_, _), count in counted.items():
        by_type[type_] += count
    return Preview(
        count=counted.total(),
        looked=looked,
        complete=complete,
        first_at_ms=time_of(ids[0]) if ids else None,
        last_at_ms=None if last is None else time_of(last),
        by_type=dict(by_type.most_common()),
        by_type_and_seller=dict(counted),
        sample=tuple(ids),
    )


def calls_ahead(found: Preview, catalog: Catalog) -> Sequence[CallsAhead]:
    """Return the follow-up calls that a replay costs at most, and how long they last.

    Each notification counts as one call of its type's nearest follow-up operation; notifications
    that coalesce, or whose handler makes no call, cost less.
    """
    by_operation: dict[str, Counter[str]] = {}
    for (type_, seller), count in found.by_type_and_seller.items():
        known = TYPES.get(type_)
        if known is not None and known.follow_up:
            by_operation.setdefault(known.follow_up[0], Counter())[seller] += count
    return [
        _calls(operation, sellers, _plan(operation, catalog))
        for operation, sellers in sorted(by_operation.items())
    ]


def _calls(operation: str, sellers: Mapping[str, int], plan: UsagePlan) -> CallsAhead:
    most = max(sellers.values())
    return CallsAhead(
        operation=operation,
        calls=sum(sellers.values()),
        rate_per_s=plan.rate_per_s,
        burst=plan.burst,
        seconds=max(0, most - plan.burst) / plan.rate_per_s,
    )


def _plan(operation: str, catalog: Catalog) -> UsagePlan:
    """Return the tightest plan of the operations of that id: handlers may call any of them."""
    try:
        plans = [one.plan or UNKNOWN_PLAN for one in catalog.all_named(operation)]
    except InvalidInputError:  # Amazon removed it: no handler that works calls it
        return UNKNOWN_PLAN
    return min(plans, key=lambda plan: plan.rate_per_s, default=UNKNOWN_PLAN)


def _check(selection: Selection) -> None:
    if selection.from_ms >= selection.to_ms:
        raise InvalidInputError("the time from which has to be before the time to which")
    if selection.state == ReplayState.QUARANTINED:
        given: Mapping[str, Any] = {
            "handler": selection.handler,
            "to-endpoint": selection.to_endpoints,
        }
        for name, value in given.items():
            if value is not None:
                raise InvalidInputError(
                    f"{name}: goes with no message of the quarantine; it is taken in like a new one"
                )
