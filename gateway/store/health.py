"""How endpoints have answered: counters that are written only where they say something new."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from gateway.model import AttemptResult, DeliveryState
from gateway.store.endpoint_rows import changed
from gateway.store.statements import Many, Plan

# A healthy endpoint's last success is noted this often, not with every delivery.
_SUCCESS_GRAIN_MS: Final = 60_000

_RECORD: Final = Many(
    f"""
    WITH v(id, succeeded, failures, first_failure_at_ms, last_success_at_ms, paused_until_ms)
      AS ({{rows}})
    UPDATE endpoint_health SET
      consecutive_failures =
        CASE WHEN v.succeeded = 1 THEN 0 ELSE consecutive_failures END + v.failures,
      first_failure_at_ms = CASE
        WHEN v.succeeded = 1 THEN v.first_failure_at_ms
        ELSE coalesce(endpoint_health.first_failure_at_ms, v.first_failure_at_ms) END,
      last_success_at_ms =
        coalesce(v.last_success_at_ms, endpoint_health.last_success_at_ms),
      paused_until_ms = CASE
        WHEN coalesce(endpoint_health.paused_until_ms, 0) < coalesce(v.paused_until_ms, 0)
        THEN v.paused_until_ms ELSE endpoint_health.paused_until_ms END
    FROM v
    WHERE endpoint_health.endpoint_id = v.id AND (
      v.failures > 0 OR v.paused_until_ms IS NOT NULL
      OR endpoint_health.consecutive_failures > 0
      OR coalesce(endpoint_health.last_success_at_ms, 0)
        < v.last_success_at_ms - {_SUCCESS_GRAIN_MS}
    )
    """,  # noqa: S608 the number is ours
    ("text", "smallint", "bigint", "bigint", "bigint", "bigint"),
)

_DISABLE: Final = Many(
    """
    WITH v(id, reason, now_ms) AS ({rows})
    UPDATE endpoints SET state = 'disabled', disabled_reason = v.reason, updated_at_ms = v.now_ms
    FROM v WHERE endpoints.id = v.id AND endpoints.state = 'enabled'
    RETURNING endpoints.id
    """,
    ("text", "text", "bigint"),
)


def record(results: Iterable[AttemptResult]) -> Plan[None]:
    """Bring the health of the endpoints up to date, one row each."""
    of: dict[str, list[AttemptResult]] = {}
    for result in results:
        of.setdefault(result.endpoint_id, []).append(result)
    # Sorted, so that two processes lock the rows in the same order.
    rows = [row for endpoint in sorted(of) if (row := _row(endpoint, of[endpoint])) is not None]
    if rows:
        yield _RECORD(rows)


def disable(results: Iterable[AttemptResult], now_ms: int) -> Plan[None]:
    """Disable the endpoints that results ask for, with the reason."""
    reasons = {r.endpoint_id: r.disable_endpoint for r in results if r.disable_endpoint is not None}
    rows = [(endpoint, reason, now_ms) for endpoint, reason in sorted(reasons.items())]
    if rows and (yield _DISABLE(rows)):
        yield from changed()


def _row(endpoint_id: str, results: Sequence[AttemptResult]) -> tuple[Any, ...] | None:
    failures, first_failure_ms, success_ms = 0, None, None
    for result in results:
        ended_ms = result.attempt.started_at_ms + result.attempt.duration_ms
        if result.state is DeliveryState.DELIVERED:
            failures, first_failure_ms, success_ms = 0, None, ended_ms
        elif result.attempt.charged:
            failures += 1
            first_failure_ms = ended_ms if first_failure_ms is None else first_failure_ms
    pauses = [r.pause_endpoint_until_ms for r in results if r.pause_endpoint_until_ms is not None]
    if success_ms is None and not failures and not pauses:
        return None
    succeeded = 0 if success_ms is None else 1
    paused_ms = max(pauses, default=None)
    return endpoint_id, succeeded, failures, first_failure_ms, success_ms, paused_ms
