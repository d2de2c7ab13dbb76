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
    RedeliverState,
    ReplayState,
    Selection,
    first_id,
    reference_of,
    time_of,
)
from gateway.replay.estimating import estimated_rest
from gateway.replay.failed import walks_the_dead
from gateway.replay.redeliveries import RedeliveryWork
from gateway.replay.replays import ReplayWork
from gateway.replay.stepping import Work
from gateway.spapi.catalog import UNKNOWN_PLAN, Catalog
from gateway.store import Store

_SAMPLE: Final = 5
LOOKS: Final = 2
"""Times that a preview looks in order, some hundred things each time."""
_OF_NOTIFICATIONS: Final = (
    "notification_type",
    "marketplace_id",
    "handler",
    "to_endpoints",
    "sku",
    "archive",
)
_FOREIGN: Final[Mapping[OperationKind, Sequence[str]]] = {
    OperationKind.REPLAY: ("event_id", "endpoint_id"),
    OperationKind.REDELIVER: _OF_NOTIFICATIONS,
    OperationKind.BACKFILL: (*_OF_NOTIFICATIONS, "event_id", "order_id", "report_id"),
}
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
    check_selection(kind, selection)
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
    if selection.archive is not None:
        return ""
    if kind is OperationKind.REPLAY:
        quarantined = selection.state == ReplayState.QUARANTINED
        prefix = IdPrefix.QUARANTINE if quarantined else IdPrefix.NOTIFICATION
        return first_id(prefix, selection.from_ms)
    if selection.by_failure:  # whenever it was published
        return first_id(IdPrefix.DELIVERY if walks_the_dead(selection) else IdPrefix.EVENT, 0)
    return first_id(IdPrefix.EVENT, selection.from_ms)


def check_selection(kind: OperationKind, selection: Selection) -> None:
    """Look whether a selection makes sense for a kind of operation.

    Raises:
        InvalidInputError: It does not.
    """
    if selection.from_ms >= selection.to_ms:
        raise InvalidInputError("the time from which has to be before the time to which")
    known = ReplayState if kind is OperationKind.REPLAY else RedeliverState
    if selection.state is not None and selection.state not in {*known}:
        raise InvalidInputError(f"state: for a {kind} it is one of {', '.join(known)}")
    reference_of(selection.order_id, selection.sku, selection.report_id)
    for name in _FOREIGN[kind]:
        if getattr(selection, name) is not None:
            raise InvalidInputError(f"{name}: selects nothing for a {kind}")
    if kind is OperationKind.BACKFILL and (
        selection.endpoint_id is None or selection.state != RedeliverState.NEVER
    ):
        raise InvalidInputError("a backfill is of one endpoint, and of what it never got")
    if selection.state == ReplayState.QUARANTINED:
        given: Mapping[str, Any] = {
            "archive": selection.archive,
            "handler": selection.handler,
            "to-endpoint": selection.to_endpoints,
        }
        for name, value in given.items():
            if value is not None:
                raise InvalidInputError(
                    f"{name}: goes with no message of the quarantine; it is taken in like a new one"
                )


def looking(store: Store, kind: OperationKind) -> Work:
    """Return what looks at the things of a kind of operation; it can't do anything to them."""
    if kind is OperationKind.REPLAY:
        return ReplayWork(store.replays)
    return RedeliveryWork(store.redeliveries)


async def check_names(store: Store, selection: Selection) -> None:
    """Look whether what a selection names is there.

    Raises:
        NotFoundError: An endpoint or event is not.
    """
    for endpoint_id in (*(selection.to_endpoints or ()), selection.endpoint_id):
        if endpoint_id is not None:
            await store.endpoints.get(endpoint_id)
    if selection.event_id is not None:
        await store.queries.event(selection.event_id)


async def preview(
    work: Work, kind: OperationKind, selection: Selection, *, looks: int | None = LOOKS
) -> Preview:
    """Return what an operation would do; nothing is changed.

    It takes as long for a million things as for some thousand: what is not looked at is estimated.

    Args:
        work: Of its kind.
        kind: What it does.
        selection: What it is about.
        looks: Most times to look in order; None for as often as it takes.

    Raises:
        InvalidInputError: The selection makes no sense.
    """
    check_selection(kind, selection)
    if selection.archive is not None:
        looks = None  # its lines lie one behind the other: no sample is taken from the middle
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
    count, rest = counted.total(), None
    if not complete:
        rest = await estimated_rest(work, selection, cursor)
    return Preview(
        count=count,
        estimated_count=None if rest is None else count + rest,
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
    that coalesce, or whose handler makes no call, cost less. Where the count was estimated, so are
    the calls, in the proportions of what was looked at.
    """
    times = 1.0
    if found.estimated_count is not None and found.count:
        times = found.estimated_count / found.count
    by_operation: dict[str, Counter[str]] = {}
    for (type_, seller), count in found.by_type_and_seller.items():
        known = TYPES.get(type_)
        if known is not None and known.follow_up:
            by_operation.setdefault(known.follow_up[0], Counter())[seller] += round(count * times)
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
