"""Running handlers in tests, by the rules of the gateway: what they answer means what it means."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import structlog

from gateway.answers import Event, Later, Outcome, Remember
from gateway.documents.blobs import Blobs
from gateway.documents.library import Library
from gateway.documents.links import Links
from gateway.errors import NotFoundError
from gateway.handling import Context, Notification
from gateway.jobs.requests import JobRequest, arrival_of, checked
from gateway.model import (
    Arrival,
    IdPrefix,
    NotificationState,
    Origin,
    StoredNotification,
    new_id,
)
from gateway.routing import Handler, Router
from gateway.sealing import KeyRing, Sealer, SealingKey
from gateway.spapi.calls import ApplicationCalls
from gateway.store.documents import StoredDocument
from gateway.testing.clock import FakeClock
from gateway.testing.fake_spapi import FakeSpApi

_MOST_RUNS = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """What a run came to.

    Attributes:
        events: What it publishes.
        remembered: What it keeps, by name.
        outcome: `Later`, `Retry`, `Skip` or `Reject`; None where it was handled.
        documents: Bytes that it stored, by name.
        clock: The time at its end.
    """

    events: Sequence[Event] = ()
    remembered: Mapping[str, Any] = field(default_factory=dict)
    outcome: Outcome | None = None
    documents: Mapping[str, bytes] = field(default_factory=dict)
    clock: FakeClock

    @property
    def event(self) -> Event:
        """The only event."""
        (one,) = self.events
        return one


async def run_handler(  # noqa: PLR0913 what a run depends on, named
    router: Router,
    notification: StoredNotification,
    *,
    name: str | None = None,
    spapi: FakeSpApi | None = None,
    settings: Mapping[str, Any] | None = None,
    remembered: Mapping[str, Any] | None = None,
    state: Any = None,
    taken_along: Sequence[StoredNotification] = (),
    clock: FakeClock | None = None,
    **context: Any,
) -> Ran:
    """Run a handler once.

    Args:
        router: Where it is registered.
        notification: From `a_notification`.
        name: Which handler, where the router has several for the type.
        spapi: Answers of SP-API; without it a call is an error.
        settings: The table `[handlers.<name>]`.
        remembered: What it remembers, by name.
        state: What its last `Later` kept.
        taken_along: For a handler that coalesces: the others that it stands for, newest first.
        clock: The time; noon unless given.
        **context: Other attributes of `Context`, such as `marketplace_ids` or `tries`.

    Raises:
        Exception: Whatever the handler raises that is no outcome.
    """
    handler = _handler(router, notification, name)

    async def along() -> AsyncIterator[Notification[Any]]:
        for stored in taken_along:
            yield handler.view(stored)

    context = {"along": along} | context
    bench = _Bench(clock or FakeClock(), spapi, settings or {}, dict(remembered or {}), context)
    return await bench.run(handler, notification, state)


async def run_job(  # noqa: PLR0913 what a run depends on, named
    router: Router,
    name: str,
    options: Mapping[str, Any] | None = None,
    *,
    spapi: FakeSpApi | None = None,
    seller_id: str = "A2EXAMPLESELLER",
    settings: Mapping[str, Any] | None = None,
    due_in_s: float = 0,
    clock: FakeClock | None = None,
    **context: Any,
) -> Ran:
    """Run a job from its request to its end; where it answers `Later`, the clock is moved.

    Args:
        router: Where it is registered.
        name: Its name.
        options: What is asked of it.
        spapi: Answers of SP-API; without it a call is an error.
        seller_id: For whom.
        settings: The table `[handlers.<name>]`.
        due_in_s: How far ahead the time is that it is for.
        clock: The time; noon unless given.
        **context: Other attributes of `Context`, such as `marketplace_ids`.

    Raises:
        InvalidInputError: The job takes no such options.
        Exception: Whatever the job raises that is no outcome.
    """
    (job,) = [one for one in router.handlers if one.name == name and one.is_job]
    clock = clock or FakeClock()
    request = JobRequest(
        job=name,
        seller_id=seller_id,
        origin=Origin.REQUEST,
        due_at_ms=clock.now_ms() + round(due_in_s * 1000),
        options=checked(job, options or {}),
    )
    notification = _stored(arrival_of(request, lambda _: (), clock.now_ms()))
    bench = _Bench(clock, spapi, settings or {}, {}, context)
    ran = await bench.run(job, notification, None)
    for _ in range(_MOST_RUNS):
        if not isinstance(ran.outcome, Later):
            return ran
        clock.advance(ran.outcome.after_s)
        ran = await bench.run(job, notification, ran.outcome.state)
    raise AssertionError(f"{name} did not end in {_MOST_RUNS} runs")


@dataclass(frozen=True, slots=True)
class _Bench:
    """What stands round the runs of one handling."""

    clock: FakeClock
    spapi: FakeSpApi | None
    settings: Mapping[str, Any]
    remembered: MutableMapping[str, Any]
    context: Mapping[str, Any]
    rows: _Rows = field(default_factory=lambda: _Rows({}))
    blobs: _MemoryBlobs = field(default_factory=lambda: _MemoryBlobs({}))
    handling_id: str = field(default_factory=lambda: new_id(IdPrefix.HANDLING, 0))

    async def run(self, handler: Handler, notification: StoredNotification, state: Any) -> Ran:
        try:
            answer = await handler.function(
                handler.view(notification), self._context(notification, state)
            )
        except Outcome as outcome:
            answer = outcome
        events: Sequence[Event] = ()
        kept: dict[str, Any] = {}
        if isinstance(answer, Event):
            events = [answer]
        elif isinstance(answer, Later):
            events = answer.events
        elif answer is not None and not isinstance(answer, Outcome):
            events = [one for one in answer if isinstance(one, Event)]
            kept = {one.name: one.value for one in answer if isinstance(one, Remember)}
        self.remembered.update(kept)
        return Ran(
            events=events,
            remembered=kept,
            outcome=answer if isinstance(answer, Outcome) else None,
            documents={one.name: self.blobs.kept[one.place] for one in self.rows.kept.values()},
            clock=self.clock,
        )

    def _context(self, notification: StoredNotification, state: Any) -> Context:
        async def recall(name: str) -> Any:
            return self.remembered.get(name)

        facts: dict[str, Any] = {
            "handling_id": self.handling_id,
            "tries": 0,
            "now": self.clock.now,
            "log": structlog.get_logger("gateway.testing"),
            "state": state,
            "seller_id": notification.seller_id,
            "region": "eu",
            "settings": self.settings,
            "calls": self.spapi.for_seller(notification.seller_id or "") if self.spapi else None,
            "recall": recall,
            "library": self._library(),
            "applications": self._application if self.spapi else None,
        }
        return Context(**facts | dict(self.context))

    async def _application(self, client_id: str) -> ApplicationCalls:
        del client_id
        assert self.spapi is not None
        return self.spapi.for_application()

    def _library(self) -> Library:
        sealer = Sealer(KeyRing(keys=(SealingKey.new(self.clock),)))
        links = Links(sealer, self.clock, public_url="https://gateway.example", ttl_s=3600)
        blobs: Blobs = self.blobs
        return Library(
            self.rows,
            blobs,
            links,
            clock=self.clock,
            recorder=self.rows,
            retention_days=30,
            seals=False,
        )


@dataclass(frozen=True, slots=True)
class _Rows:
    kept: dict[str, StoredDocument]

    async def put(self, document: StoredDocument) -> None:
        self.kept[document.id] = document

    async def find(self, document_ids: Sequence[str]) -> Sequence[StoredDocument]:
        return [self.kept[one] for one in document_ids if one in self.kept]

    async def forget(self, before_ms: int) -> int:
        del before_ms
        return 0

    def stored(self, size_bytes: int) -> None:
        """Count nothing."""


@dataclass(frozen=True, slots=True)
class _MemoryBlobs:
    kept: dict[str, bytes]

    async def write(self, place: str, pieces: AsyncIterator[bytes]) -> None:
        self.kept[place] = b"".join([one async for one in pieces])

    async def read(self, place: str) -> AsyncIterator[bytes]:
        if place not in self.kept:
            raise NotFoundError(f"there is no stored document at {place}")
        yield self.kept[place]

    async def delete(self, place: str) -> None:
        self.kept.pop(place, None)

    async def days(self) -> Sequence[date]:
        return []

    async def delete_day(self, day: date) -> None:
        del day


def _handler(router: Router, notification: StoredNotification, name: str | None) -> Handler:
    found = [
        one
        for one in router.handlers
        if one.name == name
        or (name is None and (notification.type in one.types or one.is_fallback))
    ]
    named = [one for one in found if not one.is_fallback] or found
    if len(named) != 1:
        names = ", ".join(one.name for one in router.handlers)
        raise NotFoundError(f"no single handler for {notification.type}; name one of {names}")
    return named[0]


def _stored(arrival: Arrival) -> StoredNotification:
    envelope = arrival.envelope
    return StoredNotification(
        id=arrival.id,
        identity=envelope.identity,
        type=envelope.type,
        payload_version=envelope.payload_version,
        seller_id=envelope.seller_id,
        marketplace_id=envelope.marketplace_id,
        application_id=None,
        subscription_id=None,
        event_time_ms=envelope.event_time_ms,
        received_at_ms=arrival.received_at_ms,
        source=arrival.source,
        origin=arrival.origin,
        state=NotificationState.ACCEPTED,
        body=envelope.body,
    )
