"""Operations: bulk actions that are kept, so that they survive whoever began them.

What is selected, how fast it goes, and how far it has come. A selection is made once, with both its
ends; what comes in later is none of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from enum import StrEnum
from typing import Any

from gateway.errors import InvalidInputError
from gateway.identifiers import Reference, ReferenceKind

DEFAULT_CONCURRENCY = 200


class OperationKind(StrEnum):
    """What an operation does."""

    REPLAY = "replay"
    REDELIVER = "redeliver"
    BACKFILL = "backfill"


class OperationState(StrEnum):
    """Where an operation stands."""

    RUNNING = "running"
    PAUSED = "paused"
    FINISHED = "finished"
    CANCELLED = "cancelled"
    FAILED = "failed"


class ReplayState(StrEnum):
    """What had become of a notification that is replayed."""

    HANDLED = "handled"
    DEAD = "dead"
    SKIPPED = "skipped"
    COALESCED = "coalesced"
    DUPLICATE = "duplicate"
    IGNORED = "ignored"
    QUARANTINED = "quarantined"


class RedeliverState(StrEnum):
    """What had become of an event that is sent again."""

    FAILED = "failed"
    NEVER = "never"


def reference_of(order_id: str | None, sku: str | None, report_id: str | None) -> Reference | None:
    """Return the one thing that is asked about, or None where none is.

    Raises:
        InvalidInputError: There are several.
    """
    given = (
        (ReferenceKind.ORDER, order_id),
        (ReferenceKind.SKU, sku),
        (ReferenceKind.REPORT, report_id),
    )
    found: list[Reference] = [(kind, value) for kind, value in given if value is not None]
    if len(found) > 1:
        raise InvalidInputError("order, SKU, report: ask about one of them at most")
    return found[0] if found else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What an operation is about; None stands for any.

    Attributes:
        from_ms: Received, published or, see `by_failure`, failed for good at that time or later.
        to_ms: And before that time.
        state: A `ReplayState` for a replay, a `RedeliverState` else.
        order_id: About this order; of this, `sku` and `report_id` one at most is given.
        sku: About this SKU.
        report_id: About this report, feed, Data Kiosk query or document.
        to_endpoints: The only endpoints that a replay's events go to; none of them for nobody.
        archive: Where the archives are that a replay reads, in place of what is stored.
    """

    from_ms: int
    to_ms: int
    notification_type: str | None = None
    seller_id: str | None = None
    marketplace_id: str | None = None
    state: str | None = None
    handler: str | None = None
    event_id: str | None = None
    endpoint_id: str | None = None
    to_endpoints: tuple[str, ...] | None = None
    order_id: str | None = None
    sku: str | None = None
    report_id: str | None = None
    archive: str | None = None

    @property
    def reference(self) -> Reference | None:
        """What the notifications are about, or None for anything.

        Raises:
            InvalidInputError: More than one thing is given.
        """
        return reference_of(self.order_id, self.sku, self.report_id)

    @property
    def by_failure(self) -> bool:
        """Whether the times are those at which deliveries died.

        An outage is told by when it was, not by when what died in it had been published.
        """
        return self.state == RedeliverState.FAILED and self.event_id is None

    def failed_within(self, ended_at_ms: int | None) -> bool:
        """Whether what died at that time is selected; always, where other times are meant."""
        if not self.by_failure:
            return True
        return ended_at_ms is not None and self.from_ms <= ended_at_ms < self.to_ms

    def as_json(self) -> Mapping[str, Any]:
        """Return what is not left open, as JSON values."""
        return {name: value for name, value in asdict(self).items() if value is not None}

    @classmethod
    def of_json(cls, value: Mapping[str, Any]) -> Selection:
        """Return what `as_json` wrote; members of a later release are passed over."""
        known = {one.name for one in fields(cls)}
        given = {name: member for name, member in value.items() if name in known}
        if "to_endpoints" in given:
            given["to_endpoints"] = tuple(given["to_endpoints"])
        return cls(**given)


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One bulk action.

    Attributes:
        cursor: Id of the last thing that was looked at; of an archive, its place too.
        rate_per_s: Most things done each second; None for as many as there is room for.
        concurrency: Most of its things that are under way at once.
        looked: Things that were looked at.
        done: Things that were done again.
        skipped: Things that were selected and not done.
        last_error: Why one of those was not.
        paced_at_ms: Up to when the rate has been used.
    """

    id: str
    kind: OperationKind
    selection: Selection
    state: OperationState
    cursor: str
    rate_per_s: float | None
    concurrency: int
    looked: int = 0
    done: int = 0
    skipped: int = 0
    last_error: str | None = None
    paced_at_ms: int
    created_at_ms: int
    updated_at_ms: int
    ended_at_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a step brought an operation.

    Attributes:
        cursor: Id of the last thing that was looked at.
        paced_at_ms: See `Operation`.
    """

    cursor: str
    looked: int
    done: int
    skipped: int
    paced_at_ms: int
    last_error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What an operation would do, before it does.

    Attributes:
        count: How many things it would do, of those that were looked at.
        estimated_count: About how many in all, where not all were looked at; None else.
        looked: How many it looked at to find out.
        complete: Whether it looked at all of them.
        first_at_ms: Time of the first one.
        last_at_ms: Time of the last one.
        by_type: How many of each type.
        by_type_and_seller: How many of each type and seller.
        sample: Ids of the first ones.
    """

    count: int = 0
    estimated_count: int | None = None
    looked: int = 0
    complete: bool = True
    first_at_ms: int | None = None
    last_at_ms: int | None = None
    by_type: Mapping[str, int] = field(default_factory=dict)
    by_type_and_seller: Mapping[tuple[str, str], int] = field(default_factory=dict)
    sample: tuple[str, ...] = ()


def first_id(prefix: str, at_ms: int) -> str:
    """Return what sorts before every id of `prefix` that is made at `at_ms`, behind the others."""
    return f"{prefix}_{max(0, at_ms):012x}"


def time_of(thing_id: str) -> int:
    """Return when an id of ours was made."""
    return int(thing_id.partition("_")[2][:12], 16)
