"""Events that no handler publishes: a team's own, in the same outbox, with the same fan-out.

An idempotency key is kept in the transaction that publishes, so a request that is repeated, at any
moment and on any replica, publishes once. Keys are forgotten after a day.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from gateway.clock import Clock
from gateway.errors import ConflictError
from gateway.model import NewEvent
from gateway.store import schema
from gateway.store.driver import Driver
from gateway.store.publishing import Publication, Publisher
from gateway.store.statements import One, Plan, insert

_REMEMBER_MS: Final = 24 * 3_600_000
_FORGET_AT_ONCE: Final = 100

_COLUMNS: Final = ("key", "fingerprint", "event_id", "deliveries", "created_at_ms")
_INSERT: Final = insert(schema.idempotency_keys, _COLUMNS, "ON CONFLICT DO NOTHING RETURNING key")
_GET: Final = One("SELECT fingerprint, event_id, deliveries FROM idempotency_keys WHERE key = $1")
_COUNT: Final = One("UPDATE idempotency_keys SET deliveries = $2 WHERE key = $1")
_FORGET: Final = One(
    """
    WITH picked AS (
      SELECT key FROM idempotency_keys WHERE created_at_ms < $1
      ORDER BY created_at_ms LIMIT $2 {skip_locked}
    )
    DELETE FROM idempotency_keys
    WHERE key IN (SELECT key FROM picked)
    """
)


class IdempotencyConflictError(ConflictError):
    """The idempotency key was used before, for something else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Idempotency:
    """What makes a repeated request known again.

    Attributes:
        key: As the caller gave it.
        fingerprint: Of what is asked for; another one under the same key is a mistake.
    """

    key: str
    fingerprint: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """What was published.

    Attributes:
        deliveries: Number of deliveries that were made of it.
        repeated: Whether an earlier request did so already.
    """

    event_id: str
    deliveries: int
    repeated: bool = False

    @property
    def changed(self) -> bool:
        """Whether it was published now."""
        return not self.repeated


class Outbox:
    """See the module."""

    def __init__(self, driver: Driver, clock: Clock, publisher: Publisher) -> None:
        self._driver = driver
        self._clock = clock
        self._publisher = publisher

    async def publish(
        self, event: NewEvent, *, idempotency: Idempotency | None = None
    ) -> Published:
        """Publish an event with its deliveries, once for each idempotency key.

        Raises:
            IdempotencyConflictError: The key was used within a day for something else.
            StoreUnavailableError: Nothing was published.
        """
        now_ms = self._clock.now_ms()
        published = await self._driver.write(lambda: self._publish(event, idempotency, now_ms))
        if published is False:
            raise IdempotencyConflictError(
                "the Idempotency-Key was used for another request; take a new one"
            )
        return published

    def _publish(
        self, event: NewEvent, idempotency: Idempotency | None, now_ms: int
    ) -> Plan[Published | Literal[False]]:
        if idempotency is None:
            made = yield from self._publisher.publish([Publication(event=event)], now_ms)
            return Published(event_id=event.id, deliveries=made)
        yield _FORGET(now_ms - _REMEMBER_MS, _FORGET_AT_ONCE)
        row = (idempotency.key, idempotency.fingerprint, event.id, 0, now_ms)
        if not (yield _INSERT([row])):
            fingerprint, event_id, made = (yield _GET(idempotency.key))[0]
            if bytes(fingerprint) != idempotency.fingerprint:
                return False
            return Published(event_id=event_id, deliveries=made, repeated=True)
        made = yield from self._publisher.publish([Publication(event=event)], now_ms)
        if made:
            yield _COUNT(idempotency.key, made)
        return Published(event_id=event.id, deliveries=made)
