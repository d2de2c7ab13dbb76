"""Any order of accepts, claims, ends, crashes and late results, held against a small model."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from gateway.model import (
    ClaimedDelivery,
    ClaimedHandling,
    DeliveryState,
    HandlingState,
    Owed,
    Verdict,
)
from gateway.store import Store, open_store
from tests.conformance.store.world import HANDLER, FakeClock, FakeSealer, RecordedSignals, World
from tests.support.postgres import PostgresServer

LEASE_MS = 1_000
CLAIMS_LIMIT = 5
OPEN = ("pending", "leased")


@dataclass
class Held:
    """A claim that somebody believes to have."""

    item: Any
    until_ms: int


class StoreMachine(RuleBasedStateMachine):
    make_url: Callable[[], str]
    quick_examples = 30

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.clock = FakeClock()
        self.store: Store = self.run(
            open_store(
                type(self).make_url(),
                sealer=FakeSealer(),
                clock=self.clock,
                signals=RecordedSignals(),
            )
        )
        self.world = World(self.store, self.clock)
        self.run(self.world.endpoint())
        self.accepted = 0
        self.identities: list[str] = []
        self.current: dict[str, Held] = {}
        self.late: list[Any] = []
        self.ended: dict[str, str] = {}
        self.claims: dict[str, int] = {}
        self.published: set[str] = set()

    def run(self, work: Awaitable[Any]) -> Any:
        async def wait() -> Any:
            return await work

        return self.runner.run(wait())

    # ── what may happen ──────────────────────────────────────────────────────────────────────────

    @rule(
        key=st.sampled_from([None, "k1", "k2"]),
        coalesce=st.booleans(),
        seller=st.sampled_from(["A1", "A2"]),
        at=st.integers(0, 5) | st.none(),
        count=st.integers(1, 3),
    )
    def accept(
        self, key: str | None, coalesce: bool, seller: str, at: int | None, count: int
    ) -> None:
        owed = [Owed(handler=HANDLER, key=key, coalesce=coalesce and key is not None)]
        batch = [
            self.world.arrival(seller=seller, owed=owed, event_time_ms=at) for _ in range(count)
        ]
        assert self.run(self.world.accept(*batch)) == [Verdict.ACCEPTED] * count
        self.accepted += count
        self.identities += [a.envelope.identity for a in batch]

    @precondition(lambda self: self.identities)
    @rule(data=st.data())
    def accept_again(self, data: st.DataObject) -> None:
        again = self.world.arrival(data.draw(st.sampled_from(self.identities)))
        assert self.run(self.world.accept(again)) == [Verdict.DUPLICATE]

    @precondition(lambda self: self.accepted > len(self.ended))
    @rule(limit=st.integers(1, 4))
    def claim(self, limit: int) -> None:
        claims = self.run(self.world.claim(limit, lease_ms=LEASE_MS))
        self._took(claims.items, limit)

    @precondition(lambda self: self.published)
    @rule(limit=st.integers(1, 4))
    def claim_deliveries(self, limit: int) -> None:
        claims = self.run(self.world.claim_deliveries(limit, lease_ms=LEASE_MS))
        self._took(claims.items, limit)

    @precondition(lambda self: self._mine(ClaimedHandling))
    @rule(
        data=st.data(),
        state=st.sampled_from(
            [
                HandlingState.HANDLED,
                HandlingState.PENDING,
                HandlingState.DEAD,
                HandlingState.SKIPPED,
            ]
        ),
        due_in_ms=st.sampled_from([0, 300]),
        keeps=st.booleans(),
        count=st.integers(1, 3),
    )
    def settle(
        self, data: st.DataObject, state: HandlingState, due_in_ms: int, keeps: bool, count: int
    ) -> None:
        mine = self._mine(ClaimedHandling)[:]
        chosen = [mine.pop(data.draw(st.integers(0, len(mine) - 1))) for _ in range(count) if mine]
        handled = state is HandlingState.HANDLED
        events = {c.id: [self.world.event()] for c in chosen if handled}
        results = [
            self.world.result(
                c,
                state,
                due_in_ms=due_in_ms if state is HandlingState.PENDING else None,
                saved_state=b"{}" if keeps and state is HandlingState.PENDING else None,
                events=events.get(c.id, ()),
            )
            for c in chosen
        ]
        settled = self.run(self.world.settle(*results))
        assert settled.stale == frozenset()
        self.published |= {e.id for made in events.values() for e in made}
        self._recorded(chosen, state is not HandlingState.PENDING, state.value)

    @precondition(lambda self: self._mine(ClaimedDelivery))
    @rule(
        data=st.data(),
        state=st.sampled_from([DeliveryState.DELIVERED, DeliveryState.PENDING, DeliveryState.DEAD]),
    )
    def settle_delivery(self, data: st.DataObject, state: DeliveryState) -> None:
        claimed = data.draw(st.sampled_from(self._mine(ClaimedDelivery)))
        again = state is DeliveryState.PENDING
        result = self.world.attempt(claimed, state, due_in_ms=300 if again else None)
        assert not self.run(self.store.deliveries.settle([result])).stale
        self._recorded([claimed], not again, state.value)

    @precondition(lambda self: self.current)
    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        item = self.current.pop(data.draw(st.sampled_from(sorted(self.current)))).item
        noun = self.store.handlings if _is_handling(item) else self.store.deliveries
        self.run(noun.release([item]))
        self.claims[item.id] -= 1
        self.late.append(item)

    @precondition(lambda self: self.current)
    @rule(data=st.data())
    def extend(self, data: st.DataObject) -> None:
        held = self.current[data.draw(st.sampled_from(sorted(self.current)))]
        noun = self.store.handlings if _is_handling(held.item) else self.store.deliveries
        assert self.run(noun.extend([held.item], lease_ms=LEASE_MS)) == frozenset()
        held.until_ms = self.clock.at_ms + LEASE_MS

    @rule(step_ms=st.sampled_from([100, 400, 1_000]))
    def wait_and_reap(self, step_ms: int) -> None:
        self.clock.at_ms += step_ms
        expired = [h.item for h in self.current.values() if h.until_ms <= self.clock.at_ms]
        freed = self.run(self.store.handlings.reap()) + self.run(self.store.deliveries.reap())
        assert freed == len(expired)
        self._lost(expired)

    @precondition(lambda self: self.current)
    @rule()
    def die(self) -> None:
        """The only process dies, and the next one frees what it held."""
        freed = self.run(self.store.handlings.release_all())
        freed += self.run(self.store.deliveries.release_all())
        assert freed == len(self.current)
        self._lost([h.item for h in self.current.values()])

    @precondition(lambda self: self.late)
    @rule(data=st.data())
    def come_late(self, data: st.DataObject) -> None:
        item = data.draw(st.sampled_from(self.late))
        if _is_handling(item):
            late = self.world.result(item, events=[self.world.event()])
            settled = self.run(self.world.settle(late))
        else:
            settled = self.run(self.store.deliveries.settle([self.world.attempt(item)]))
        assert settled.stale == {item.id}
        noun = self.store.handlings if _is_handling(item) else self.store.deliveries
        self.run(noun.release([item]))

    # ── what must hold ───────────────────────────────────────────────────────────────────────────

    @invariant()
    def nothing_is_lost_and_ends_stand(self) -> None:
        states = {
            **self._states("handlings"),
            **self._states("deliveries"),
        }
        handlings = sum(1 for i in states if i.startswith("hdl"))
        assert handlings == self.accepted
        leased = {i for i, state in states.items() if state == "leased"}
        assert leased == self.current.keys()
        for item_id, state in self.ended.items():
            assert states[item_id] == state
        closed = {i: s for i, s in states.items() if s not in OPEN}
        unexpected = closed.keys() - self.ended.keys()
        assert {closed[i] for i in unexpected} <= {"coalesced"}
        self.ended |= closed

    @invariant()
    def each_key_has_one_head(self) -> None:
        rows = self.run(
            self.world.rows(
                "SELECT lane, key, sum(CASE WHEN readiness > 0 THEN 1 ELSE 0 END) FROM handlings"
                " WHERE state IN ('pending', 'leased') AND key IS NOT NULL GROUP BY lane, key"
            )
        )
        assert [heads for _, _, heads in rows] == [1] * len(rows)
        parked = self.run(
            self.world.rows(
                "SELECT id FROM handlings WHERE readiness = 0 AND state = 'pending' AND key IS NULL"
            )
        )
        assert parked == []

    @invariant()
    def events_have_their_deliveries(self) -> None:
        events = self.run(self.world.rows("SELECT id FROM events"))
        assert {row[0] for row in events} == self.published
        delivered_to = self.run(self.world.rows("SELECT event_id FROM deliveries"))
        assert sorted(str(row[0]) for row in delivered_to) == sorted(self.published)

    def teardown(self) -> None:
        try:
            self._drain()
        finally:
            self.run(self.store.close())
            self.runner.close()

    def _drain(self) -> None:
        self.die()
        self.clock.at_ms += 20_000  # suspects wait for a process that has lived for a while
        for _ in range(self.accepted * 2 + 2):
            self.clock.at_ms += LEASE_MS
            claims = self.run(self.world.claim(100)).items
            self.run(self.world.settle(*[self.world.result(c) for c in claims]))
            deliveries = self.run(self.world.claim_deliveries(100)).items
            self.run(self.store.deliveries.settle([self.world.attempt(d) for d in deliveries]))
            if not claims and not deliveries:
                break
        left = [s for s in self._states("handlings").values() if s in OPEN]
        left += [s for s in self._states("deliveries").values() if s in OPEN]
        assert left == []

    # ── the model ────────────────────────────────────────────────────────────────────────────────

    def _states(self, table: str) -> dict[str, str]:
        return dict(self.run(self.world.rows(f"SELECT id, state FROM {table}")))

    def _mine(self, kind: type[Any]) -> list[Any]:
        return [h.item for _, h in sorted(self.current.items()) if isinstance(h.item, kind)]

    def _took(self, items: Any, limit: int) -> None:
        assert len(items) <= limit
        for item in items:
            assert item.id not in self.current
            assert item.id not in self.ended
            self.claims[item.id] = self.claims.get(item.id, 0) + 1
            assert item.claims == self.claims[item.id]
            self.current[item.id] = Held(item, self.clock.at_ms + LEASE_MS)

    def _recorded(self, items: list[Any], ended: bool, state: str) -> None:
        for item in items:
            del self.current[item.id]
            self.claims[item.id] = 0
            self.late.append(item)
            if ended:
                self.ended[item.id] = state

    def _lost(self, items: list[Any]) -> None:
        for item in items:
            self.late.append(item)
            del self.current[item.id]
            if self.claims[item.id] >= CLAIMS_LIMIT:
                self.ended[item.id] = "dead" if _is_handling(item) else "held"


def _is_handling(item: Any) -> bool:
    return isinstance(item, ClaimedHandling)


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def machine(request: pytest.FixtureRequest, tmp_path: Path) -> type[StoreMachine]:
    if request.param == "sqlite":
        template: Path = request.getfixturevalue("sqlite_template")

        def make_url() -> str:
            for old in tmp_path.iterdir():
                old.unlink()
            return f"sqlite:///{shutil.copy(template, tmp_path / 'gateway.db')}"
    else:
        server: PostgresServer = request.getfixturevalue("postgres_server")

        def make_url() -> str:
            return asyncio.run(server.emptied_database())

    quick_examples = 30 if request.param == "sqlite" else 8
    members = {"make_url": staticmethod(make_url), "quick_examples": quick_examples}
    return type("Machine", (StoreMachine,), members)


def _run(machine: type[StoreMachine], *, examples: int, steps: int) -> None:
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_any_order_of_things(machine: type[StoreMachine]) -> None:
    _run(machine, examples=machine.quick_examples, steps=40)


@pytest.mark.soak
@pytest.mark.timeout(3_600)
def test_any_order_of_many_things(machine: type[StoreMachine]) -> None:
    _run(machine, examples=400, steps=80)
