"""Deliveries sent again by hand: due now, with a whole schedule of their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from gateway.store.order import lock_order, next_in_order
from gateway.store.signals import DELIVERIES_TOPIC
from gateway.store.statements import Many, Plan, Row, Signal

_LOOK: Final = Many(
    """
    WITH v(id) AS ({rows})
    SELECT d.id, d.state, d.endpoint_id, d.order_key, e.state,
      (SELECT length(o.body) FROM events AS o WHERE o.id = d.event_id)
    FROM v CROSS JOIN deliveries AS d LEFT JOIN endpoints AS e ON e.id = d.endpoint_id
    WHERE d.id = v.id
    """,
    ("text",),
)
_RESEND: Final = Many(
    """
    WITH v(id, now_ms) AS ({rows})
    UPDATE deliveries SET state = 'pending', readiness = 2, due_at_ms = v.now_ms, claims = 0,
      attempts_before = attempts, resent_at_ms = v.now_ms, ended_at_ms = NULL, order_key = NULL,
      reason = NULL
    FROM v WHERE deliveries.id = v.id AND deliveries.state <> 'leased'
    RETURNING deliveries.id
    """,
    ("text", "bigint"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Resent:
    """What a call to send again did.

    Attributes:
        ids: Deliveries that are due now.
        refused: The others, with the reason.
    """

    ids: frozenset[str] = frozenset()
    refused: Mapping[str, str] = field(default_factory=dict)

    @property
    def changed(self) -> bool:
        """Whether any delivery is due now."""
        return bool(self.ids)


def resend(delivery_ids: Sequence[str], now_ms: int) -> Plan[Resent]:
    """Make those of the deliveries due that can be sent; see `Deliveries.resend`."""
    if not delivery_ids:
        return Resent()
    rows = {row[0]: row for row in (yield _LOOK([(one,) for one in delivery_ids]))}
    refused = {
        one: reason for one in delivery_ids if (reason := _refusal(rows.get(one))) is not None
    }
    wanted = [row for one, row in rows.items() if one not in refused]
    keys = [(row[2], row[3]) for row in wanted if row[3] is not None]
    yield from lock_order(keys)
    sent: frozenset[str] = frozenset()
    if wanted:
        found = yield _RESEND([(row[0], now_ms) for row in wanted])
        sent = frozenset(row[0] for row in found)
        yield from next_in_order(keys)
        yield Signal(DELIVERIES_TOPIC)()
    refused |= {row[0]: "it is being sent now" for row in wanted if row[0] not in sent}
    return Resent(ids=sent, refused=refused)


def _refusal(row: Row | None) -> str | None:
    if row is None:
        return "there is no such delivery"
    _, state, _, _, endpoint_state, size = row
    if endpoint_state is None:
        return "its endpoint is gone"
    if endpoint_state != "enabled":
        return "its endpoint is disabled; enable it first"
    if not size:
        return "what it sends is kept no longer"
    return "it is being sent now" if state == "leased" else None
