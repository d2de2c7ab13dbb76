"""Requests for jobs: checked options, and what goes into the inbox.

It decides what a request looks like and refuses options that the job doesn't take. It never runs
anything: the handling that comes of a request is dispatch's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from pydantic import ValidationError

from gateway.clock import rfc3339
from gateway.errors import InvalidInputError
from gateway.model import Arrival, Envelope, IdPrefix, Origin, Owed, new_id
from gateway.routing import JOB_PREFIX, Handler

VERSION = "1.0"
OwedJob = Callable[[Envelope], Sequence[Owed]]


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRequest:
    """A job that is asked for.

    Attributes:
        identity: The same for the same request, which then counts once; None for a new one.
        origin: SCHEDULE or REQUEST.
        due_at_ms: The time it is for: a schedule's slot, or now.
        options: What `checked` returned.
    """

    job: str
    seller_id: str | None
    origin: Origin
    due_at_ms: int
    marketplace_id: str | None = None
    identity: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)


def checked(job: Handler, options: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return options as they are kept: those that were given, as JSON values.

    Raises:
        InvalidInputError: The job takes no such options; every fault is named.
    """
    assert job.options is not None
    try:
        read = job.options.model_validate(options)
    except ValidationError as exc:
        faults = [
            f"{'.'.join(map(str, one['loc'])) or 'options'}: {one['msg']}" for one in exc.errors()
        ]
        known = ", ".join(job.options.model_fields)
        raise InvalidInputError(
            f"job {job.name}: {'; '.join(faults)}; its options are {known or 'none'}"
        ) from exc
    kept: Mapping[str, Any] = read.model_dump(mode="json", exclude_unset=True)
    return kept


def arrival_of(request: JobRequest, owed: OwedJob, now_ms: int) -> Arrival:
    """Return a request as it goes into the inbox."""
    arrival_id = new_id(IdPrefix.NOTIFICATION, now_ms)
    identity = request.identity or f"{request.origin.value}:{arrival_id}"
    kind = JOB_PREFIX + request.job.upper()
    body = orjson.dumps(
        {
            "NotificationType": kind,
            "PayloadVersion": VERSION,
            "EventTime": rfc3339(request.due_at_ms),
            "Payload": {
                "job": request.job,
                "sellerId": request.seller_id,
                "marketplaceId": request.marketplace_id,
                "options": request.options,
            },
            "NotificationMetadata": {"NotificationId": identity},
        }
    )
    envelope = Envelope(
        identity=identity,
        type=kind,
        payload_version=VERSION,
        body=body,
        event_time_ms=request.due_at_ms,
        seller_id=request.seller_id,
        marketplace_id=request.marketplace_id,
    )
    return Arrival(
        id=arrival_id,
        envelope=envelope,
        source=request.job,
        origin=request.origin,
        received_at_ms=now_ms,
        owed=owed(envelope),
    )
