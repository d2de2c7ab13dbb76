"""Who may do what, and how fast; no sockets, no database."""

from __future__ import annotations

import pytest

from gateway.access import ApiKey, Scope, new_api_key
from gateway.admin.gate import Buckets, Gate
from gateway.admin.problems import Refusal
from gateway.admin.routes import Route
from gateway.admin.table import ROUTES
from gateway.errors import NotFoundError
from tests.support.clock import FakeClock

LIST = next(route for route in ROUTES if route.name == "list_endpoints")
AUDIT = next(route for route in ROUTES if route.name == "list_audit")


class Keys:
    """Keys in a dictionary."""

    def __init__(self) -> None:
        self.kept: dict[str, ApiKey] = {}
        self.uses: list[tuple[str, int]] = []

    async def get(self, key_id: str) -> ApiKey:
        if key_id not in self.kept:
            raise NotFoundError(key_id)
        return self.kept[key_id]

    async def exist(self) -> bool:
        return bool(self.kept)

    async def used(self, key_id: str, at_ms: int) -> None:
        self.uses.append((key_id, at_ms))

    def make(self, *scopes: Scope, tenant: str | None = None) -> str:
        key, written = new_api_key(1, name="", scopes=scopes, tenant=tenant)
        self.kept[key.id] = key
        return f"Bearer {written}"


@pytest.fixture
def keys() -> Keys:
    return Keys()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def gate(keys: Keys, clock: FakeClock) -> Gate:
    return Gate(keys, clock, rate_per_s=1.0, burst=3, failures_at_once=2)


async def _refused(gate: Gate, route: Route, authorization: str | None, peer: str = "a") -> int:
    with pytest.raises(Refusal) as refused:
        await gate.admit(route, authorization, peer)
    return refused.value.status


async def test_a_key_is_admitted_to_what_its_scopes_allow(keys: Keys, gate: Gate) -> None:
    read, admin = keys.make(Scope.READ), keys.make(Scope.ADMIN)
    assert (await gate.admit(LIST, read, "a")).allows(Scope.READ)
    assert await _refused(gate, AUDIT, read) == 403
    assert await gate.admit(AUDIT, admin, "a")
    assert await _refused(gate, AUDIT, keys.make(Scope.ADMIN, tenant="acme")) == 403


async def test_another_secret_of_a_known_key_is_no_key(keys: Keys, gate: Gate) -> None:
    written = keys.make(Scope.READ)
    other = written[:-43] + "A" * 43
    assert await _refused(gate, LIST, other) == 401


async def test_each_key_has_its_own_rate(keys: Keys, gate: Gate, clock: FakeClock) -> None:
    fast, calm = keys.make(Scope.READ), keys.make(Scope.READ)
    for _ in range(3):
        await gate.admit(LIST, fast, "a")
    assert await _refused(gate, LIST, fast) == 429
    await gate.admit(LIST, calm, "a")
    clock.advance(1.0)
    await gate.admit(LIST, fast, "a")
    assert await _refused(gate, LIST, fast) == 429


async def test_failures_are_bounded_for_each_address_and_hold_up_no_key(
    keys: Keys, gate: Gate
) -> None:
    good = keys.make(Scope.READ)
    assert [await _refused(gate, LIST, None) for _ in range(4)] == [401, 401, 429, 429]
    assert await _refused(gate, LIST, None, "b") == 401
    await gate.admit(LIST, good, "a")


async def test_use_is_noted_once_a_minute(keys: Keys, gate: Gate, clock: FakeClock) -> None:
    written = keys.make(Scope.READ)
    for delay_s in (0.0, 30.0, 29.9, 0.2, 60.0):
        clock.advance(delay_s)
        await gate.admit(LIST, written, "a")
    assert len(keys.uses) == 3


def test_buckets_that_are_not_used_are_forgotten_first(
    clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.admin.gate._BUCKETS_MAX", 2)
    buckets = Buckets(clock, rate_per_s=0.001, burst=1)
    assert [buckets.take(name) == 0 for name in ("a", "b", "a", "c")] == [True, True, False, True]
    # "b" was used longest ago: it is forgotten, and begins anew.
    assert buckets.take("b") == 0
    assert buckets.take("c") > 0
