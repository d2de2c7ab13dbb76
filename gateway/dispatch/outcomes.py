"""What a run's answer means for its handling: from an outcome or an error to a `HandlingResult`.

| answer of the handler | state | due |
| --- | --- | --- |
| None, an Event, several, things to remember | handled; duplicate if its `once` was | |
| Later | pending, its state kept, tries back to 0 | after its delay |
| Retry, time-out, any other error | pending, one more try | its delay, else the schedule |
| the same with no tries left | dead | |
| SpApiRequestError with 404 or 409 | like any other error: Amazon's data lags behind its events | |
| other SpApiRequestError, EnvelopeError, Reject | dead | |
| SellerPausedError | pending, no try counted | in 5 to 10 minutes, until it is resumed |
| Skip | skipped | |
| CallDeferred: a call waits for its usage plan | pending, no try counted | when its token is due |

Pure: the time and the random number are passed in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from gateway.answers import ClientSecret, Event, Later, Reject, Remember, Retry, Skip
from gateway.clock import rfc3339
from gateway.errors import (
    EnvelopeError,
    SellerPausedError,
    SpApiRequestError,
    SpApiRetryableError,
)
from gateway.model import (
    ClaimedHandling,
    HandlingState,
    IdPrefix,
    NewEvent,
    Origin,
    StoredNotification,
    new_id,
)
from gateway.results import HandlingResult, Memory, RotatedSecret
from gateway.retry import next_due_ms
from gateway.routing import NEW_SECRET

_MAX_ERROR_CHARACTERS = 2_000
_PAUSED_AGAIN_S = 300
_ANSWERS = (Event, Remember, ClientSecret)
_NOT_AMAZONS = frozenset({Origin.SCHEDULE, Origin.REQUEST})
_MAY_COME_TRUE = frozenset({404, 409})


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run of a handling, as far as its result depends on it.

    Attributes:
        region: Region of the seller, or None.
        schedule_s: Delay before each try, in seconds.
        now_ms: When the run ended.
        jitter: Random number in [0, 1).
    """

    claimed: ClaimedHandling
    region: str | None
    schedule_s: Sequence[float]
    now_ms: int
    jitter: float


def result_of(run: Run, answer: object) -> HandlingResult:  # noqa: PLR0911 one for each row above
    """Return what a handler's answer, returned or raised, means for its handling."""
    match answer:
        case None:
            return _ended(run, HandlingState.HANDLED)
        case Event():
            return _handled(run, [answer])
        case Later():
            return _later(run, answer)
        case Retry():
            return _again(run, answer.reason, answer.after_s)
        case Skip():
            return _ended(run, HandlingState.SKIPPED, answer.reason)
        case Reject():
            return _ended(run, HandlingState.DEAD, answer.reason)
        case BaseException():
            return _failed(run, answer)
        case list() | tuple() if all(isinstance(one, _ANSWERS) for one in answer):
            return _handled(run, answer)
        case _:
            reason = (
                f"the handler returned {type(answer).__name__}; "
                "return an Event, a list of Events, an outcome or None"
            )
            return _ended(run, HandlingState.DEAD, reason)


def deferred(run: Run, *, until_ms: int, slot: str) -> HandlingResult:
    """Return the result of a run whose call has to wait until its token is there."""
    return HandlingResult(
        id=run.claimed.id,
        token=run.claimed.token,
        state=HandlingState.PENDING,
        tries=run.claimed.tries,
        due_at_ms=until_ms,
        slot=slot,
        saved_state=run.claimed.saved_state,
    )


def _failed(run: Run, error: BaseException) -> HandlingResult:
    text = _describe(error)
    match error:
        case SpApiRetryableError():
            return _again(run, text, error.retry_after_s, at_least=True)
        case SellerPausedError():
            return _waiting_for_the_seller(run, text)
        case SpApiRequestError() if error.status not in _MAY_COME_TRUE:
            return _ended(run, HandlingState.DEAD, text)
        case EnvelopeError():
            return _ended(run, HandlingState.DEAD, text)
        case _:
            return _again(run, text, None)


def _waiting_for_the_seller(run: Run, reason: str) -> HandlingResult:
    """Look again later, as long as it takes: the fault is not the handling's."""
    return HandlingResult(
        id=run.claimed.id,
        token=run.claimed.token,
        state=HandlingState.PENDING,
        tries=run.claimed.tries,
        due_at_ms=run.now_ms + round(_PAUSED_AGAIN_S * (1 + run.jitter) * 1000),
        saved_state=run.claimed.saved_state,
        error=reason[:_MAX_ERROR_CHARACTERS],
    )


def _describe(error: BaseException) -> str:
    if isinstance(error, TimeoutError) and not error.args:
        return "the run took longer than its time limit"
    text = str(error)
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _ended(run: Run, state: HandlingState, reason: str | None = None) -> HandlingResult:
    return HandlingResult(
        id=run.claimed.id,
        token=run.claimed.token,
        state=state,
        tries=run.claimed.tries + (state is HandlingState.DEAD),
        error=reason[:_MAX_ERROR_CHARACTERS] if reason else None,
    )


def _again(
    run: Run, reason: str, after_s: float | None, *, at_least: bool = False
) -> HandlingResult:
    """Try again after `after_s` where it is given, else (or later, if `at_least`) by schedule."""
    tries = run.claimed.tries + 1
    due_ms = next_due_ms(
        run.schedule_s, tries=tries, now_ms=run.now_ms, jitter=run.jitter, not_before_s=after_s
    )
    if due_ms is None:
        return _ended(run, HandlingState.DEAD, reason)
    if after_s is not None and not at_least:
        due_ms = run.now_ms + round(after_s * 1000)
    return HandlingResult(
        id=run.claimed.id,
        token=run.claimed.token,
        state=HandlingState.PENDING,
        tries=tries,
        due_at_ms=due_ms,
        saved_state=run.claimed.saved_state,
        error=reason[:_MAX_ERROR_CHARACTERS],
    )


def _later(run: Run, later: Later) -> HandlingResult:
    try:
        state = orjson.dumps(later.state)
        new_events = [_new_event(run, one) for one in later.events]
    except TypeError as exc:
        return _ended(run, HandlingState.DEAD, f"state or events of Later are no JSON: {exc}")
    return HandlingResult(
        id=run.claimed.id,
        token=run.claimed.token,
        state=HandlingState.PENDING,
        tries=0,
        due_at_ms=run.now_ms + round(later.after_s * 1000),
        saved_state=state,
        events=new_events,
    )


def _handled(run: Run, answers: Sequence[Event | Remember | ClientSecret]) -> HandlingResult:
    claimed = run.claimed
    secrets = [_rotated(one) for one in answers if isinstance(one, ClientSecret)]
    if secrets and claimed.notification.type != NEW_SECRET:
        return _ended(run, HandlingState.DEAD, f"a ClientSecret is for {NEW_SECRET} only")
    try:
        new_events = [_new_event(run, one) for one in answers if isinstance(one, Event)]
        memories = [
            Memory(name=one.name, value=orjson.dumps(one.value))
            for one in answers
            if isinstance(one, Remember)
        ]
    except TypeError as exc:
        return _ended(run, HandlingState.DEAD, f"what the handler answered is no JSON: {exc}")
    return HandlingResult(
        id=claimed.id,
        token=claimed.token,
        state=HandlingState.HANDLED,
        tries=claimed.tries,
        events=new_events,
        memories=memories,
        secrets=secrets,
    )


def _rotated(secret: ClientSecret) -> RotatedSecret:
    return RotatedSecret(
        client_id=secret.client_id,
        client_secret=secret.secret,
        expires_at_ms=_ms(secret.expires_at),
        old_expires_at_ms=_ms(secret.old_expires_at),
    )


def _ms(at: datetime | None) -> int | None:
    return None if at is None else round(at.timestamp() * 1000)


def _new_event(run: Run, event: Event) -> NewEvent:
    notification = run.claimed.notification
    if event.occurred_at is not None:
        occurred_at_ms = round(event.occurred_at.timestamp() * 1000)
    else:
        occurred_at_ms = notification.event_time_ms or notification.received_at_ms
    return NewEvent(
        id=new_id(IdPrefix.EVENT, run.now_ms),
        type=event.type,
        occurred_at_ms=occurred_at_ms,
        seller_id=notification.seller_id,
        marketplace_id=notification.marketplace_id,
        replayed_from=run.claimed.replayed_from,
        body=event_body(event.type, occurred_at_ms, _common(run), event.data),
        order_key=event.order_key or order_key_of(notification.seller_id, event.data),
    )


def order_key_of(seller_id: str | None, data: Mapping[str, Any]) -> str | None:
    """Return the key that events about one order of one seller share; None for other events."""
    order = data.get("order")
    order_id = order.get("order_id") if isinstance(order, Mapping) else None
    return f"{seller_id or ''}:{order_id}" if isinstance(order_id, str) and order_id else None


def event_body(
    event_type: str, occurred_at_ms: int, common: Mapping[str, Any], data: Mapping[str, Any]
) -> bytes:
    """Return the exact bytes that every attempt of an event sends.

    Raises:
        TypeError: `data` holds something that JSON can't.
    """
    return orjson.dumps(
        {"type": event_type, "timestamp": rfc3339(occurred_at_ms), "data": {**common, **data}}
    )


def _common(run: Run) -> Mapping[str, Any]:
    notification = run.claimed.notification
    return {
        "seller": notification.seller_id,
        "region": run.region,
        "marketplace": notification.marketplace_id,
        "notification": None if notification.origin in _NOT_AMAZONS else _origin(notification),
        "replayed_from": run.claimed.replayed_from,
    }


def _origin(notification: StoredNotification) -> Mapping[str, Any]:
    event_time_ms = notification.event_time_ms
    return {
        "id": notification.identity,
        "type": notification.type,
        "payload_version": notification.payload_version,
        "event_time": None if event_time_ms is None else rfc3339(event_time_ms),
    }
