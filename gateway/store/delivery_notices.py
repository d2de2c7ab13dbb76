"""What operators are told of deliveries: that one is dead, or held because it does harm.

Deliveries of operational events are left out, so that a notice which can't be delivered makes no
further one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from gateway.fanout import Subject
from gateway.model import AttemptResult, DeliveryState
from gateway.operational import OperationalEvent
from gateway.store.statements import Many, Plan

_ABOUT: Final = Many(
    """
    WITH v(id) AS ({rows})
    SELECT d.id, d.attempts, d.endpoint_id, p.url, p.tenant, e.id, e.type, e.seller_id
    FROM v CROSS JOIN deliveries AS d CROSS JOIN events AS e
    LEFT JOIN endpoints AS p ON p.id = d.endpoint_id
    WHERE d.id = v.id AND e.id = d.event_id AND NOT e.operational
    """,
    ("text",),
)


def dead_notices(settled: Sequence[AttemptResult]) -> Plan[Sequence[OperationalEvent]]:
    """Return a notice for each result that leaves its delivery dead."""
    reasons = {r.id: _reason(r) for r in settled if r.state is DeliveryState.DEAD}
    return (yield from _notices("delivery.dead", reasons))


def held_notices(delivery_ids: Sequence[str], reason: str) -> Plan[Sequence[OperationalEvent]]:
    """Return a notice for each of these deliveries, which are held for `reason`."""
    return (yield from _notices("delivery.held", dict.fromkeys(delivery_ids, reason)))


def _notices(kind: str, reasons: Mapping[str, str]) -> Plan[Sequence[OperationalEvent]]:
    if not reasons:
        return ()
    rows = yield _ABOUT([(one,) for one in sorted(reasons)])
    return [
        OperationalEvent(
            type=kind,
            data={
                "delivery": {"id": delivery_id, "attempts": attempts},
                "event": {"id": event_id, "type": event_type},
                "endpoint": {"id": endpoint_id, "url": url, "tenant": tenant},
                "seller": seller_id,
                "reason": reasons[delivery_id],
            },
            seller_id=seller_id,
            subject=Subject(endpoint_id=endpoint_id, tenant=tenant),
        )
        for (
            delivery_id,
            attempts,
            endpoint_id,
            url,
            tenant,
            event_id,
            event_type,
            seller_id,
        ) in rows
    ]


def _reason(result: AttemptResult) -> str:
    last = result.attempt.error if result.attempt is not None else None
    return f"{result.reason or 'given up'}{f': {last}' if last else ''}"
