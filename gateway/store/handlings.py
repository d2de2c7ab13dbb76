"""Handlings: claimed under a lease, settled once, with everything that follows from them.

It decides which handlings run next (fair between sellers, ordered and collapsed by key) and that
only the current owner's result counts. It never decides what a failure means or when to try again.

The ready rows keep `readiness` 2 while they are leased, so giving one back needs no other change.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, TypeAlias

from gateway.calls_made import text_of
from gateway.clock import Clock
from gateway.model import ClaimedHandling, Claims, HandlingState, new_token
from gateway.results import HandlingResult, Settled
from gateway.store.claims_sql import CLAIMS_LIMIT, LeaseSql
from gateway.store.client_secrets import rotate
from gateway.store.driver import Driver, Sealer
from gateway.store.handling_claims import HandlingPicker
from gateway.store.inbox import HANDLINGS_TOPIC
from gateway.store.keys import LOCK_KEYS_OF, NEXT_HEADS
from gateway.store.memories import DAY_MS, REMEMBER
from gateway.store.once import Claimant, take
from gateway.store.operations import targets_of
from gateway.store.publishing import Publication, Publisher
from gateway.store.statements import Many, One, Plan, Signal

_LEASES: Final = LeaseSql.of("handlings")
_POISONED: Final = (
    f"the process died {CLAIMS_LIMIT} times while running it, or outlived its lease; "
    "it is not tried again"
)
_POISON_LIMIT: Final = 100

# `calls` is cut at the front; whoever reads it leaves out the line that was cut in two.
_SETTLE: Final = Many(
    """
    WITH v(id, token, state, readiness, due_at_ms, slot, tries, saved_state, error, ended_at_ms,
      calls) AS ({rows})
    UPDATE handlings SET
      state = v.state, readiness = v.readiness,
      due_at_ms = coalesce(v.due_at_ms, handlings.due_at_ms),
      slot = v.slot, tries = v.tries, claims = 0, claim_token = NULL, lease_until_ms = NULL,
      saved_state = v.saved_state, error = v.error, ended_at_ms = v.ended_at_ms,
      calls = CASE
        WHEN v.calls IS NULL THEN handlings.calls
        WHEN length(coalesce(handlings.calls, '')) + length(v.calls) <= 10000
          THEN coalesce(handlings.calls, '') || v.calls
        ELSE substr(coalesce(handlings.calls, '') || v.calls,
          length(coalesce(handlings.calls, '')) + length(v.calls) - 9999)
      END
    FROM v
    WHERE handlings.id = v.id AND handlings.state = 'leased' AND handlings.claim_token = v.token
    RETURNING handlings.id, handlings.notification_id, handlings.handler, handlings.lane,
      handlings.key, handlings.once, handlings.operation_id
    """,
    (
        "text",
        "bigint",
        "text",
        "smallint",
        "bigint",
        "text",
        "smallint",
        "bytea",
        "text",
        "bigint",
        "text",
    ),
)

_POISONOUS: Final = One(
    """
    SELECT id, claim_token FROM handlings
    WHERE state = 'leased' AND lease_until_ms <= $1 AND claims >= $2
    ORDER BY lease_until_ms LIMIT $3
    """
)

_BURY: Final = Many(
    """
    WITH v(id, token, error, now_ms) AS ({rows})
    UPDATE handlings SET state = 'dead', readiness = 0, claim_token = NULL, lease_until_ms = NULL,
      error = v.error, ended_at_ms = v.now_ms
    FROM v
    WHERE handlings.id = v.id AND handlings.state = 'leased' AND handlings.claim_token = v.token
    RETURNING handlings.id, handlings.notification_id, handlings.handler, handlings.lane,
      handlings.key
    """,
    ("text", "bigint", "text", "bigint"),
)

_Ended: TypeAlias = Sequence[Any]


class Handlings:
    """See the module."""

    def __init__(self, driver: Driver, sealer: Sealer, clock: Clock, publisher: Publisher) -> None:
        self._driver = driver
        self._clock = clock
        self._publisher = publisher
        self._sealer = sealer
        self._picker = HandlingPicker(sealer, now_ms=clock.now_ms())

    async def claim(
        self, *, room: Mapping[str, int], limit: int, lease_ms: int
    ) -> Claims[ClaimedHandling]:
        """Lease ready handlings to the caller.

        Sellers take turns: each claim goes on after the seller where the last one of this process
        ended. Nothing is written where nothing is ready. A handling whose notification can't be
        opened is put off with the reason, and not returned.

        Args:
            room: Free places by handler; handlers that are not named get none.
            limit: Most handlings to return.
            lease_ms: How long the caller may keep them without `extend`.

        Raises:
            StoreUnavailableError: Nothing was claimed.
        """
        now_ms = self._clock.now_ms()
        token = new_token()
        picked = await self._driver.write(
            lambda: self._picker.pick(
                room=room, limit=limit, now_ms=now_ms, lease=(token, now_ms + lease_ms)
            ),
            brief=True,
            durable=False,
        )
        claims, closed = self._picker.claims(picked, token)
        await self.settle(closed)
        return claims

    async def settle(self, results: Sequence[HandlingResult]) -> Settled:
        """Record what runs came to, with their events and deliveries, in one transaction.

        A result whose token is no longer the current one is dropped and named in `stale`.

        Raises:
            StoreUnavailableError: Nothing was recorded.
        """
        if not results:
            return Settled()
        return await self._driver.write(lambda: self._settle(results), brief=True)

    async def extend(self, claimed: Iterable[ClaimedHandling], *, lease_ms: int) -> frozenset[str]:
        """Prolong leases from now on; return the ids that are the caller's no longer.

        Raises:
            StoreUnavailableError: No lease was prolonged.
        """
        until_ms = self._clock.now_ms() + lease_ms
        rows = [(c.id, c.token, until_ms) for c in claimed]
        kept = await self._driver.write(lambda: _LEASES.kept(rows), brief=True, durable=False)
        return frozenset(row[0] for row in rows) - kept

    async def release(self, claimed: Iterable[ClaimedHandling]) -> None:
        """Give back handlings that were not started; the claim doesn't count.

        Raises:
            StoreUnavailableError: None was given back; their leases will end.
        """
        rows = [(c.id, c.token) for c in claimed]
        await self._driver.write(
            lambda: _LEASES.give_back(rows, HANDLINGS_TOPIC), brief=True, durable=False
        )

    async def reap(self) -> int:
        """Free handlings whose lease has ended and bury those that were claimed too often.

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

    def _settle(self, results: Sequence[HandlingResult]) -> Plan[Settled]:
        now_ms = self._clock.now_ms()
        if any(r.state is not HandlingState.PENDING for r in results):
            yield LOCK_KEYS_OF([r.id for r in results])
        written = {row[0]: row for row in (yield _SETTLE([_row(r, now_ms) for r in results]))}
        settled = [r for r in results if r.id in written]
        duplicates = yield from _take_once(settled, written, now_ms)
        if duplicates:
            settled = [r for r in settled if r.id not in duplicates]
        operations = {row[6] for row in written.values() if row[6] is not None}
        targets = (yield from targets_of(operations)) if operations else {}
        publications = [
            Publication(
                event=e,
                handling_id=r.id,
                notification_id=written[r.id][1],
                only=targets.get(written[r.id][6]),
            )
            for r in settled
            for e in r.events
        ]
        deliveries = yield from self._publisher.publish(publications, now_ms)
        yield from _remember(settled, written, now_ms)
        secrets = [secret for r in settled for secret in r.secrets]
        if secrets:
            yield from rotate(secrets, self._sealer)
        ended = [
            written[r.id]
            for r in results
            if r.state is not HandlingState.PENDING and r.id in written
        ]
        yield from _follow_keys(ended)
        if any(r.state is HandlingState.PENDING for r in settled):
            yield Signal(HANDLINGS_TOPIC)()
        stale = frozenset(r.id for r in results if r.id not in written)
        return Settled(
            stale=stale, duplicates=duplicates, events=len(publications), deliveries=deliveries
        )

    def _reap(self, now_ms: int) -> Plan[int]:
        freed = yield from _LEASES.free_expired(now_ms)
        poisonous = yield _POISONOUS(now_ms, CLAIMS_LIMIT, _POISON_LIMIT)
        if poisonous:
            yield LOCK_KEYS_OF([row[0] for row in poisonous])
            ended = yield _BURY([(row[0], row[1], _POISONED, now_ms) for row in poisonous])
            yield from _follow_keys(ended)
            freed += len(ended)
        if freed:
            yield Signal(HANDLINGS_TOPIC)()
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


def _take_once(
    settled: Sequence[HandlingResult], written: Mapping[str, _Ended], now_ms: int
) -> Plan[frozenset[str]]:
    """Return the ids of those that another handling of the same `once` came before."""
    claimants = [
        Claimant(r.id, row[2], row[3], row[5], row[1])
        for r in settled
        if r.state is HandlingState.HANDLED and (row := written[r.id])[5] is not None
    ]
    return (yield from take(claimants, now_ms)) if claimants else frozenset()


def _remember(
    settled: Sequence[HandlingResult], written: Mapping[str, _Ended], now_ms: int
) -> Plan[None]:
    values = {
        (written[r.id][2], written[r.id][3], memory.name): memory.value
        for r in settled
        for memory in r.memories
    }
    if values:
        day = now_ms // DAY_MS
        yield REMEMBER([(*name, value, day) for name, value in sorted(values.items())])


def _follow_keys(ended: Sequence[_Ended]) -> Plan[None]:
    keys = sorted({(row[2], row[3], row[4]) for row in ended if row[4] is not None})
    if keys and (yield NEXT_HEADS(keys)):
        yield Signal(HANDLINGS_TOPIC)()


def _row(result: HandlingResult, now_ms: int) -> tuple[Any, ...]:
    again = result.state is HandlingState.PENDING
    due_ms = max(result.due_at_ms or 0, now_ms) if again else None
    waits = due_ms is not None and due_ms > now_ms
    return (
        result.id,
        result.token,
        result.state.value,
        (1 if waits else 2) if again else 0,
        due_ms,
        result.slot,
        result.tries,
        result.saved_state,
        result.error,
        None if again else now_ms,
        text_of(result.calls) if result.calls else None,
    )
