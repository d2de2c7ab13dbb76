"""What of a run operators are told: what somebody else had changed, and refusals that are new."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gateway.operational import OperationalEvent
from gateway.subscriptions.plan import ActionKind
from gateway.subscriptions.unit import Outcome

_MOST_EXAMPLES = 20
_MOST_TEXT = 500


def drift_event(outcomes: Sequence[Outcome], *, mended: bool) -> OperationalEvent | None:
    """Return one event for all of a run's news, or None where there is none."""
    news = [one for one in outcomes if one.news]
    if not news:
        return None
    kinds = [done.action.kind for one in news for done in one.done]
    return OperationalEvent(
        type="subscriptions.drifted",
        data={
            "mended": mended,
            "created": kinds.count(ActionKind.CREATE),
            "replaced": kinds.count(ActionKind.REPLACE),
            "refused": sum(one.fault is not None for one in news),
            "examples": [_example(one) for one in news[:_MOST_EXAMPLES]],
        },
    )


def _example(outcome: Outcome) -> dict[str, Any]:
    unit = outcome.task.unit
    changes = [one.action for one in outcome.done if one.action.changes]
    reason = outcome.fault or ", ".join(f"{one.kind}: {one.reason}" for one in changes)
    return {
        "application": unit.application_id,
        "region": unit.region,
        "seller": unit.seller_id,
        "type": unit.type,
        "reason": reason[:_MOST_TEXT],
    }
