"""How endpoints have answered: read, judged by `gateway.breaker`, and written where it changed.

Where all goes well, that is one look at the rows of the endpoints that a batch was for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from gateway.breaker import Answered, Changed, Health, HealthRules, Notice, changed
from gateway.clock import rfc3339
from gateway.fanout import Subject
from gateway.model import AttemptResult, DeliveryState
from gateway.operational import OperationalEvent
from gateway.store.endpoint_rows import changed as endpoints_changed
from gateway.store.statements import Many, One, Plan, Row

# A healthy endpoint's last success is noted this often, not with every delivery.
_SUCCESS_GRAIN_MS: Final = 60_000

_COLUMNS: Final = (
    "endpoint_id, consecutive_failures, first_failure_at_ms, last_success_at_ms, paused_until_ms,"
    " open_until_ms, openings, warnings"
)
_LOOK: Final = Many(
    f"""
    WITH v(id) AS ({{rows}})
    SELECT {_COLUMNS} FROM v JOIN endpoint_health AS h ON h.endpoint_id = v.id
    """,  # noqa: S608 columns are ours
    ("text",),
)
_HOLD: Final = Many(
    f"""
    SELECT {_COLUMNS} FROM endpoint_health WHERE endpoint_id IN ({{rows}})
    ORDER BY endpoint_id {{lock}}
    """,  # noqa: S608 columns are ours
    ("text",),
)
_WRITE: Final = Many(
    """
    WITH v(id, failures, first_ms, success_ms, paused_ms, open_ms, openings, warnings) AS ({rows})
    UPDATE endpoint_health SET
      consecutive_failures = v.failures, first_failure_at_ms = v.first_ms,
      last_success_at_ms = coalesce(v.success_ms, endpoint_health.last_success_at_ms),
      paused_until_ms = v.paused_ms, open_until_ms = v.open_ms, openings = v.openings,
      warnings = v.warnings
    FROM v WHERE endpoint_health.endpoint_id = v.id
    """,
    ("text", "bigint", "bigint", "bigint", "bigint", "bigint", "bigint", "smallint"),
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
_ABOUT: Final = One("SELECT id, url, description, tenant FROM endpoints WHERE id = $1")


@dataclass(slots=True)
class Judged:
    """What a batch of results made of the endpoints.

    Attributes:
        resting: Endpoints whose breaker is open, with the time until which it is.
        notices: What operators are told.
    """

    resting: dict[str, int] = field(default_factory=dict)
    notices: list[OperationalEvent] = field(default_factory=list)


def judge(results: Sequence[AttemptResult], rules: HealthRules, now_ms: int) -> Plan[Judged]:
    """Bring the health of the endpoints up to date; disable those that are gone or given up."""
    judged = Judged()
    of: dict[str, list[AttemptResult]] = {}
    for result in results:
        if result.attempt is not None:
            of.setdefault(result.endpoint_id, []).append(result)
    if not of:
        return judged
    rows = yield _LOOK([(one,) for one in sorted(of)])
    wanted = sorted(row[0] for row in rows if _matters(_health(row), of[row[0]]))
    gone = {r.endpoint_id: r.disable_endpoint for r in results if r.disable_endpoint is not None}
    if wanted:
        # Locked in the order of their ids, so that two processes never wait in a circle.
        held = yield _HOLD([(one,) for one in wanted])
        changes = {row[0]: changed(_health(row), _answers(of[row[0]]), rules) for row in held}
        yield _WRITE([_row(endpoint, c.health) for endpoint, c in sorted(changes.items())])
        yield from _tell(changes, gone, judged, now_ms)
    return judged


def _tell(
    changes: Mapping[str, Changed], gone: Mapping[str, str], judged: Judged, now_ms: int
) -> Plan[None]:
    reasons = {e: c.disable for e, c in changes.items() if c.disable is not None} | dict(gone)
    disabled: set[str] = set()
    if reasons:
        rows = [(endpoint, reason, now_ms) for endpoint, reason in sorted(reasons.items())]
        disabled = {row[0] for row in (yield _DISABLE(rows))}
    if disabled:
        yield from endpoints_changed()
    for endpoint, change in sorted(changes.items()):
        if change.health.open_until_ms is not None:
            judged.resting[endpoint] = change.health.open_until_ms
        notices = [*change.notices, *([Notice.DISABLED] if endpoint in disabled else [])]
        if not notices:
            continue
        for about in (yield _ABOUT(endpoint)):
            judged.notices += [_notice(n, about, change.health, reasons) for n in notices]


def _notice(
    notice: Notice, about: Row, health: Health, reasons: Mapping[str, str]
) -> OperationalEvent:
    endpoint_id, url, description, tenant = about
    data: dict[str, Any] = {
        "endpoint": {"id": endpoint_id, "url": url, "description": description, "tenant": tenant},
        "consecutive_failures": health.failures,
        "failing_since": _time(health.first_failure_at_ms),
    }
    if notice is Notice.FAILING:
        data["next_probe"] = _time(health.open_until_ms)
        data["warnings"] = health.warnings
    if notice is Notice.DISABLED:
        data["reason"] = reasons[endpoint_id]
    return OperationalEvent(
        type=f"endpoint.{notice.value}",
        data=data,
        subject=Subject(endpoint_id=endpoint_id, tenant=tenant),
    )


def _answers(results: Iterable[AttemptResult]) -> list[Answered]:
    return [
        Answered(
            ended_at_ms=result.attempt.started_at_ms + result.attempt.duration_ms,
            delivered=result.state is DeliveryState.DELIVERED,
            charged=result.attempt.charged,
            probe=result.probe,
            pause_until_ms=result.pause_endpoint_until_ms,
        )
        for result in results
        if result.attempt is not None
    ]


def _matters(health: Health, results: Sequence[AttemptResult]) -> bool:
    """Whether the results say something that is not known yet."""
    if health.failures or health.open_until_ms is not None:
        return True
    for result in results:
        if result.state is not DeliveryState.DELIVERED:
            return True
    last = results[-1].attempt
    assert last is not None
    return last.started_at_ms + last.duration_ms - (health.last_success_at_ms or 0) > (
        _SUCCESS_GRAIN_MS
    )


def _health(row: Row) -> Health:
    return Health(
        failures=row[1],
        first_failure_at_ms=row[2],
        last_success_at_ms=row[3],
        paused_until_ms=row[4],
        open_until_ms=row[5],
        openings=row[6],
        warnings=row[7],
    )


def _row(endpoint_id: str, health: Health) -> tuple[Any, ...]:
    return (
        endpoint_id,
        health.failures,
        health.first_failure_at_ms,
        health.last_success_at_ms,
        health.paused_until_ms,
        health.open_until_ms,
        health.openings,
        health.warnings,
    )


def _time(at_ms: int | None) -> str | None:
    return None if at_ms is None else rfc3339(at_ms)
