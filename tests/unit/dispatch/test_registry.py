from __future__ import annotations

import sys
import types
from collections.abc import Iterator

import pytest

from gateway.dispatch.registry import _unstored, load_registry
from gateway.errors import HandlerRegistrationError
from gateway.event_types import EventType
from gateway.model import Envelope
from gateway.notifications import AnyOfferChanged, B2bAnyOfferChanged, OrderChange
from gateway.routing import Router


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


def test_a_trial_of_the_doctor_reaches_nobody(module: types.ModuleType) -> None:
    router = module.router = Router()
    router.fallback(name="rest")(_nothing)
    router.on("GATEWAY_TRIAL", name="own")(_nothing)
    registry = load_registry(["acme_handlers:router"])
    assert not registry.owed(envelope("GATEWAY_TRIAL"))


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


VERSION_2 = b"""{"NotificationType": "ORDER_CHANGE", "PayloadVersion": "2.0", "Payload": %s}"""


def owed_in_version_2(module: types.ModuleType, payload: bytes) -> list[str]:
    router = module.router = Router()
    router.on(OrderChange, name="typed")(_nothing)
    router.on("ORDER_CHANGE", name="plain")(_nothing)
    router.fallback(name="rest")(_nothing)
    body = VERSION_2 % payload
    arrived = Envelope(identity="i", type="ORDER_CHANGE", payload_version="2.0", body=body)
    return [one.handler for one in load_registry(["acme_handlers"]).owed(arrived)]


def test_an_unknown_version_goes_to_whoever_can_read_it(module: types.ModuleType) -> None:
    readable = b'{"OrderChangeNotification": {"AmazonOrderId": "1"}}'
    assert owed_in_version_2(module, readable) == ["typed", "plain"]
    assert owed_in_version_2(module, b'{"Order": 7}') == ["plain"]


def test_an_unknown_version_that_nobody_can_read_passes_untyped(module: types.ModuleType) -> None:
    router = module.router = Router()
    router.on(OrderChange, name="typed")(_nothing)
    router.fallback(name="rest")(_nothing)
    registry = load_registry(["acme_handlers"])
    body = VERSION_2 % b'{"Order": 7}'
    arrived = Envelope(identity="i", type="ORDER_CHANGE", payload_version="2.0", body=body)
    assert [one.handler for one in registry.owed(arrived)] == ["rest"]
    known = Envelope(identity="i", type="ORDER_CHANGE", payload_version="1.0", body=body)
    assert [one.handler for one in registry.owed(known)] == ["typed"]


def test_one_handler_reads_each_type_by_its_own_model(module: types.ModuleType) -> None:
    router = module.router = Router()
    router.on(AnyOfferChanged, B2bAnyOfferChanged, name="offers")(_nothing)
    handler = load_registry(["acme_handlers"]).handlers["offers"]
    assert handler.types == {"ANY_OFFER_CHANGED", "B2B_ANY_OFFER_CHANGED"}
    for model in (AnyOfferChanged, B2bAnyOfferChanged):
        body = b'{"NotificationType": "%s", "Payload": {"%s": {}}}' % (
            model.notification_type.encode(),
            (model.wrapper or "").encode(),
        )
        stored = _unstored(envelope(model.notification_type, body))
        assert type(handler.view(stored).payload) is model


def test_a_key_may_ask_for_ids_in_any_spelling(module: types.ModuleType) -> None:
    router = module.router = Router()
    router.on("X", name="a", key=lambda n: n.identifiers.order_id)(_nothing)
    registry = load_registry(["acme_handlers"])
    body = b'{"notificationType": "X", "payload": {"n": {"orderId": " 7 "}}}'
    [owed] = registry.owed(envelope("X", body))
    assert owed.key == "7"


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
