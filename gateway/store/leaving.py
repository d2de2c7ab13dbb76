"""How a seller goes: its authorisations, and what is known of it for their sake.

Its notifications, events and documents are not touched; they go with their age, or by an erasure.
What its sweeps have seen goes with its age too.
"""

from __future__ import annotations

from typing import Final

from gateway.errors import ConflictError
from gateway.store.signals import SELLERS_TOPIC
from gateway.store.statements import One, Plan, Signal

_SUBSCRIBED: Final = One(
    """
    SELECT id FROM subscriptions
    WHERE seller_id = $1 AND gone_at_ms IS NULL
      AND COALESCE(region, $2, '') = COALESCE($2, region, '')
    ORDER BY id LIMIT 100
    """
)
_DELETE: Final = One(
    "DELETE FROM sellers WHERE id = $1 AND region = COALESCE($2, region) RETURNING region"
)
_UNITS: Final = One(
    "DELETE FROM subscription_units WHERE seller_id = $1 AND region = COALESCE($2, region)"
)
_OTHERS: Final = One("SELECT region FROM sellers WHERE id = $1 LIMIT 1")
_OF_THE_LAST: Final = (
    One("DELETE FROM subscriptions WHERE seller_id = $1"),
    One("DELETE FROM arrivals WHERE seller_id = $1"),
    One("DELETE FROM silent_sellers WHERE seller_id = $1"),
    One("DELETE FROM sweeps WHERE seller_id = $1"),
    One("DELETE FROM schedule_runs WHERE seller_id = $1"),
    One("DELETE FROM usage_counts WHERE seller_id = $1"),
)


def remove(seller_id: str, region: str | None, *, leave_subscriptions: bool) -> Plan[bool]:
    """Forget a seller in one region or in all; return whether it was there.

    Raises:
        ConflictError: Amazon would go on sending for subscriptions that nobody looks after.
    """
    subscribed = [row[0] for row in (yield _SUBSCRIBED(seller_id, region))]
    if subscribed and not leave_subscriptions:
        raise ConflictError(
            f"seller {seller_id} has subscriptions at Amazon: delete them first, with `gateway "
            f"subscriptions delete {' '.join(subscribed)}`, or leave them to Amazon by "
            "--leave-subscriptions"
        )
    if not (yield _DELETE(seller_id, region)):
        return False
    yield _UNITS(seller_id, region)
    if not (yield _OTHERS(seller_id)):
        for statement in _OF_THE_LAST:
            yield statement(seller_id)
    yield Signal(SELLERS_TOPIC)()
    return True
