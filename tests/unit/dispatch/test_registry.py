from __future__ import annotations

import sys
import types
from collections.abc import Iterator

import pytest

from gateway.dispatch.registry import load_registry
from gateway.errors import HandlerRegistrationError
from gateway.event_types import EventType
from gateway.handling import Router
from gateway.model import Envelope


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> Iterator[types.ModuleType]:
    made = types.ModuleType("acme_handlers")
    monkeypatch.setitem(sys.modules, "acme_handlers", made)
    return made


def envelope(
    type_: str, body: bytes = b'{"NotificationType": "X", "Payload": {"Id": "7"}}'
) -> Envelope:
    return Envelope(identity="i", type=type_, payload_version="1.0", body=body)


async def _nothing(notification: object, ctx: object) -> None: ...


def test_a_named_type_wins_over_the_fallback(module: types.ModuleType) -> None:
    router = module.router = Router()
    router.on("ORDER_CHANGE", name="orders")(_nothing)
    router.fallback(name="rest")(_nothing)
    registry = load_registry(["acme_handlers"])
    assert [one.handler for one in registry.owed(envelope("ORDER_CHANGE"))] == ["orders"]
    assert [one.handler for one in registry.owed(envelope("PRICING_HEALTH"))] == ["rest"]


def test_the_applications_own_credentials_reach_no_fallback(module: types.ModuleType) -> None:
    router = module.router = Router()
    router.fallback(name="rest")(_nothing)
    registry = load_registry(["acme_handlers:router"])
    assert not registry.owed(envelope("APPLICATION_OAUTH_CLIENT_NEW_SECRET"))


def test_several_handlers_of_one_type_each_get_it(module: types.ModuleType) -> None:
    router = module.router = Router()
    router.on("ORDER_CHANGE", "PRICING_HEALTH", name="a")(_nothing)
    router.on("ORDER_CHANGE", name="b")(_nothing)
    registry = load_registry(["acme_handlers"])
    assert [one.handler for one in registry.owed(envelope("ORDER_CHANGE"))] == ["a", "b"]


def test_the_key_is_computed_from_the_payload(module: types.ModuleType) -> None:
    router = module.router = Router()
    router.on("X", name="a", key=lambda n: str(n.payload["Id"]), coalesce=True)(_nothing)
    [owed] = load_registry(["acme_handlers"]).owed(envelope("X"))
    assert (owed.key, owed.coalesce) == ("7", True)


def test_a_key_that_fails_leaves_the_handling_without_one(module: types.ModuleType) -> None:
    router = module.router = Router()
    router.on("X", name="a", key=lambda n: str(n.payload["Missing"]))(_nothing)
    [owed] = load_registry(["acme_handlers"]).owed(envelope("X"))
    assert owed.key is None


def test_every_fault_is_reported_at_once(module: types.ModuleType) -> None:
    router = module.router = Router()

    def sync(notification: object, ctx: object) -> None: ...

    async def three(a: object, b: object, c: object) -> None: ...

    router.on("order change", name="a")(_nothing)
    router.on("X", name="a")(_nothing)
    router.on("X", name="Bad Name")(_nothing)
    router.on("X", name="b")(sync)  # type: ignore[arg-type]
    router.on("X", name="c")(three)  # type: ignore[arg-type]
    router.on("X", name="d", coalesce=True)(_nothing)
    router.on("X", name="e", concurrency=0)(_nothing)
    router.on("X", name="f", timeout_s=0)(_nothing)
    with pytest.raises(HandlerRegistrationError) as caught:
        load_registry(["acme_handlers", "not_there", "acme_handlers:missing", "gateway.model:Owed"])
    texts = [str(fault) for fault in caught.value.faults]
    for part in (
        "'order change'",
        "has the name of",
        "'Bad Name'",
        "no async function",
        "takes other arguments",
        "coalesces without a key",
        "concurrency 0",
        "timeout_s 0",
        "no module named 'not_there'",
        "AttributeError",
        "not a Router",
    ):
        assert any(part in text for text in texts), part
    assert all("; " in text for text in texts)


def declared(type_: str, summary: str = "s") -> EventType:
    return EventType(type=type_, summary=summary, members={}, example={})


def test_event_types_are_known_by_their_names(module: types.ModuleType) -> None:
    inner = Router()
    inner.publishes(declared("acme.changed"))
    router = module.router = Router()
    router.include(inner)
    router.publishes(declared("acme.created"))
    registry = load_registry(["acme_handlers"])
    assert {"acme.changed", "acme.created", "endpoint.test"} <= set(registry.event_types)


def test_faults_of_event_types_are_all_told(module: types.ModuleType) -> None:
    router = module.router = Router()
    router.publishes(declared("acme.changed"), declared("acme.changed", "other"))
    router.publishes(declared("no name"), declared("endpoint.test"))
    with pytest.raises(HandlerRegistrationError) as caught:
        load_registry(["acme_handlers"])
    assert [fault.what for fault in caught.value.faults] == [
        "is declared by 'acme_handlers' too",
        "is no dot-separated name of letters, digits and underscores",
        "is declared by 'the gateway itself' too",
    ]
