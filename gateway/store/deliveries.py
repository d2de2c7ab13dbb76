"""Deliveries: claimed under a lease, settled with their attempt, held where they can't be sent.

It decides which deliveries go out next (fair between endpoints; none for an endpoint that is
disabled or paused) and that only the current owner's result counts. It never decides what an
endpoint's answer means or when to try again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from gateway.breaker import HealthRules
from gateway.clock import Clock
from gateway.model import AttemptResult, ClaimedDelivery, Claims, DeliveryState, new_token
from gateway.results import Settled
from gateway.store import schema
from gateway.store.claims_sql import CLAIMS_LIMIT, LeaseSql
from gateway.store.delivery_claims import DeliveryPicker
from gateway.store.delivery_holds import hold_disabled
from gateway.store.delivery_notices import dead_notices, held_notices
from gateway.store.delivery_resends import Resent, resend
from gateway.store.driver import Driver
from gateway.store.health import judge
from gateway.store.order import OrderKeeper, OrderKey, lock_order, next_in_order
from gateway.store.publishing import Publisher
from gateway.store.signals import DELIVERIES_TOPIC
from gateway.store.statements import Many, One, Plan, Signal, insert

DEFAULT_RULES: Final = HealthRules()

_LEASES: Final = LeaseSql.of("deliveries")

_SETTLE: Final = Many(
    """
    WITH v(id, token, state, readiness, due_at_ms, charged, ended_at_ms, reason) AS ({rows})
    UPDATE deliveries SET
      state = v.state, readiness = v.readiness,
      due_at_ms = coalesce(v.due_at_ms, deliveries.due_at_ms),
      attempts = attempts + v.charged, claims = 0, claim_token = NULL, lease_until_ms = NULL,
      ended_at_ms = v.ended_at_ms, reason = v.reason
    FROM v
    WHERE deliveries.id = v.id AND deliveries.state = 'leased' AND deliveries.claim_token = v.token
    RETURNING deliveries.id
    """,
    ("text", "bigint", "text", "smallint", "bigint", "smallint", "bigint", "text"),
)

_INSERT_ATTEMPTS: Final = insert(
    schema.attempts,
    (
        "id",
        "delivery_id",
        "endpoint_id",
        "number",
        "started_at_ms",
        "duration_ms",
        "status",
        "error_class",
        "error",
        "answer",
        "address",
        "charged",
        "next_due_ms",
        "next_reason",
        "signature",
        "sent_headers",
        "dns_ms",
        "connect_ms",
        "tls_ms",
        "first_byte_ms",
    ),
)

_HOLD_POISONOUS: Final = One(
    """
    WITH picked AS (
      SELECT id FROM deliveries WHERE state = 'leased' AND lease_until_ms <= $1 AND claims >= $2
      ORDER BY lease_until_ms LIMIT $3 {skip_locked}
    )
    UPDATE deliveries SET state = 'held', claim_token = NULL, lease_until_ms = NULL, reason = $4
    WHERE id IN (SELECT id FROM picked) RETURNING id, endpoint_id, order_key
    """
)
_POISON_LIMIT: Final = 100
_POISON_REASON: Final = "claimed too often without a result: it may end the process that sends it"


class Deliveries:
    """See the module."""

    def __init__(self, driver: Driver, clock: Clock, publisher: Publisher) -> None:
        self._driver = driver
        self._clock = clock
        self._publisher = publisher
        self._picker = DeliveryPicker(now_ms=clock.now_ms())
        self._order = OrderKeeper()

    async def claim(
        self, *, room: Callable[[str], int], limit: int, lease_ms: int
    ) -> Claims[ClaimedDelivery]:
        """Lease ready deliveries to the caller.

        Endpoints take turns: each claim goes on after the endpoint where the last one of this
        process ended. Nothing is written where nothing is ready.

        Args:
            room: How many more requests to an endpoint this process may have; it is asked in
                any thread and must not wait.
            limit: Most deliveries to return.
            lease_ms: How long the caller may keep them without `extend`.

        Raises:
            StoreUnavailableError: Nothing was claimed.
        """
        now_ms = self._clock.now_ms()
        lease = (new_token(), now_ms + lease_ms)
        picked = await self._driver.write(
            lambda: self._picker.pick(room=room, limit=limit, now_ms=now_ms, lease=lease),
            brief=True,
            durable=False,
        )
        return self._picker.claims(picked, lease)

    async def settle(
        self, results: Sequence[AttemptResult], *, rules: HealthRules = DEFAULT_RULES
    ) -> Settled:
        """Record attempts with the next state of their deliveries, in one transaction.

        The endpoints' health is updated with them; one that is gone, or fails for too long, is
        disabled; operators are told. A result whose token is no longer the current one is dropped
        and named in `stale`. What waits behind a delivery that ended goes next.

        Raises:
            StoreUnavailableError: Nothing was recorded.
        """
        if not results:
            return Settled()
        return await self._driver.write(lambda: self._settle(results, rules), brief=True)

    async def extend(self, claimed: Iterable[ClaimedDelivery], *, lease_ms: int) -> frozenset[str]:
        """Prolong leases from now on; return the ids that are the caller's no longer.

        Raises:
            StoreUnavailableError: No lease was prolonged.
        """
        until_ms = self._clock.now_ms() + lease_ms
        rows = [(c.id, c.token, until_ms) for c in claimed]
        kept = await self._driver.write(lambda: _LEASES.kept(rows), brief=True, durable=False)
        return frozenset(row[0] for row in rows) - kept

    async def release(self, claimed: Iterable[ClaimedDelivery]) -> None:
        """Give back deliveries that were not started; the claim doesn't count.

        Raises:
            StoreUnavailableError: None was given back; their leases will end.
        """
        rows = [(c.id, c.token) for c in claimed]
        await self._driver.write(
            lambda: _LEASES.give_back(rows, DELIVERIES_TOPIC), brief=True, durable=False
        )

    async def reap(self) -> int:
        """Free deliveries whose lease has ended; hold those that were claimed too often.

        Returns:
            How many leases were ended.

        Raises:
            StoreUnavailableError: None was freed.
        """
        freed, suspected = await self._driver.write(self._reap_and_look)
        self._picker.suspects.seen = suspected
        return freed

    async def release_all(self) -> int:
        """Free every lease, for a process that knows itself to be the only one.

        A claim without a result counts, as the process that made it is dead.

        Raises:
            StoreUnavailableError: None was freed.
        """
        freed, suspected = await self._driver.write(self._release_all)
        self._picker.suspects.seen = suspected
        return freed

    async def hold_disabled(self, limit: int = 500) -> int:
        """Hold deliveries of disabled endpoints, and free held ones of endpoints enabled again.

        Those of endpoints that are gone are cancelled. It works in steps of `limit` rows; call it
        again until it returns 0.

        Returns:
            How many deliveries changed.

        Raises:
            StoreUnavailableError: Nothing was changed.
        """
        return await self._driver.write(lambda: hold_disabled(limit, self._clock.now_ms()))

    async def keep_order(self) -> int:
        """Give keys without a head one, and let those pass that waited too long behind another.

        It looks at some keys each time, and goes on with the next ones; call it until it is at the
        beginning again, which a return of -1 says.

        Returns:
            How many deliveries it moved, or -1 where it has seen all keys.

        Raises:
            StoreUnavailableError: Nothing was changed.
        """
        moved, behind = await self._driver.write(lambda: self._order.keep(self._clock.now_ms()))
        self._order.go_on(behind)
        return -1 if self._order.begins else moved

    async def resend(self, delivery_ids: Sequence[str]) -> Resent:
        """Make deliveries due now, each with a whole schedule of its own; in one transaction.

        Whatever state they are in, save that one in flight is left alone; so is one whose endpoint
        is disabled or gone. They go outside the order of their keys.

        Raises:
            StoreUnavailableError: Nothing was changed.
        """
        return await self._driver.write(lambda: resend(delivery_ids, self._clock.now_ms()))

    def _settle(self, results: Sequence[AttemptResult], rules: HealthRules) -> Plan[Settled]:
        now_ms = self._clock.now_ms()
        yield from lock_order(_ended_keys(results))
        written = {row[0] for row in (yield _SETTLE([_row(r, now_ms) for r in results]))}
        settled = [r for r in results if r.id in written]
        resting: Mapping[str, int] = {}
        if settled:
            attempts = [row for r in settled if (row := _attempt_row(r)) is not None]
            if attempts:
                yield _INSERT_ATTEMPTS(attempts)
            judged = yield from judge(settled, rules, now_ms)
            resting = judged.resting
            dead = yield from dead_notices(settled)
            yield from self._publisher.announce([*judged.notices, *dead], now_ms)
            yield from next_in_order(_ended_keys(settled))
        if any(r.state is DeliveryState.PENDING for r in settled):
            yield Signal(DELIVERIES_TOPIC)()
        stale = frozenset(r.id for r in results if r.id not in written)
        return Settled(stale=stale, resting=resting)

    def _reap(self, now_ms: int) -> Plan[int]:
        freed = yield from _LEASES.free_expired(now_ms)
        if (yield _LEASES.expired(now_ms)):
            held = yield _HOLD_POISONOUS(now_ms, CLAIMS_LIMIT, _POISON_LIMIT, _POISON_REASON)
            keys = [(row[1], row[2]) for row in held if row[2] is not None]
            yield from lock_order(keys)
            yield from next_in_order(keys)
            notices = yield from held_notices([row[0] for row in held], _POISON_REASON)
            yield from self._publisher.announce(notices, self._clock.now_ms())
            freed += len(held)
        if freed:
            yield Signal(DELIVERIES_TOPIC)()
        return freed

    def _reap_and_look(self) -> Plan[tuple[int, bool]]:
        freed = yield from self._reap(self._clock.now_ms())
        return freed, (yield from self._picker.suspects.look())

    def _release_all(self) -> Plan[tuple[int, bool]]:
        yield _LEASES.free_all()
        total = 0
        while freed := (yield from self._reap(0)):
            total += freed
        return total, (yield from self._picker.suspects.look())


def _ended_keys(results: Iterable[AttemptResult]) -> Sequence[OrderKey]:
    """Return the keys whose head ends with one of `results`."""
    return [
        (r.endpoint_id, r.order_key)
        for r in results
        if r.order_key is not None and r.state is not DeliveryState.PENDING
    ]


def _row(result: AttemptResult, now_ms: int) -> tuple[Any, ...]:
    again = result.state is DeliveryState.PENDING
    due_ms = max(result.due_at_ms or 0, now_ms) if again else None
    waits = due_ms is not None and due_ms > now_ms
    ended = result.state in (DeliveryState.DELIVERED, DeliveryState.DEAD, DeliveryState.CANCELLED)
    return (
        result.id,
        result.token,
        result.state.value,
        1 if waits else 2,
        due_ms,
        1 if result.attempt is not None and result.attempt.charged else 0,
        now_ms if ended else None,
        None if again else result.reason,
    )


def _attempt_row(result: AttemptResult) -> tuple[Any, ...] | None:
    attempt = result.attempt
    if attempt is None:
        return None
    return (
        attempt.id,
        result.id,
        result.endpoint_id,
        attempt.number,
        attempt.started_at_ms,
        attempt.duration_ms,
        attempt.status,
        attempt.error_class,
        attempt.error,
        attempt.answer,
        attempt.address,
        attempt.charged,
        result.due_at_ms,
        result.reason,
        attempt.signature,
        attempt.sent_headers,
        attempt.dns_ms,
        attempt.connect_ms,
        attempt.tls_ms,
        attempt.first_byte_ms,
    )
