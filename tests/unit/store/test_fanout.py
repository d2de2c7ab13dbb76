from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from gateway import fanout as fanout_module
from gateway.endpoints import Endpoint, EndpointState, PayloadForm
from gateway.fanout import Fanout, Subject, Taker
from gateway.filters import Document, Filter

WORDS = st.lists(st.sampled_from(["a", "b", "order"]), min_size=1, max_size=4).map(".".join)
PATTERNS = st.one_of(WORDS, WORDS.map(lambda w: f"{w}.*"), st.just("*"))
SELLERS = st.sampled_from(["A1", "A2", "A3"])
ENDPOINTS = st.lists(
    st.tuples(st.lists(PATTERNS, max_size=3), st.lists(SELLERS, max_size=2), st.booleans()),
    max_size=8,
)


def _endpoint(
    name: str, events: Sequence[str] = (), sellers: Sequence[str] = (), *, enabled: bool = True
) -> Endpoint:
    state = EndpointState.ENABLED if enabled else EndpointState.DISABLED
    return Endpoint(id=name, url="https://x", event_types=events, seller_ids=sellers, state=state)


def _ids(takers: Sequence[Taker]) -> list[str]:
    return [taker.id for taker in takers]


def _takes(endpoint: Endpoint, event_type: str, seller: str | None) -> bool:
    """The rule, said plainly."""
    typed = not endpoint.event_types or any(
        pattern in ("*", event_type)
        or (pattern.endswith(".*") and event_type.startswith(pattern[:-1]))
        for pattern in endpoint.event_types
    )
    return typed and (not endpoint.seller_ids or seller in endpoint.seller_ids)


@given(made=ENDPOINTS, event_type=WORDS, seller=SELLERS | st.none())
def test_the_index_says_what_the_rule_says(
    made: list[tuple[list[str], list[str], bool]], event_type: str, seller: str | None
) -> None:
    endpoints = [
        _endpoint(f"ep_{n}", events, sellers, enabled=enabled)
        for n, (events, sellers, enabled) in enumerate(made)
    ]
    fanout = Fanout(endpoints, Filter)
    taken = [
        (e.id, e.state is EndpointState.ENABLED) for e in endpoints if _takes(e, event_type, seller)
    ]
    for _ in range(2):
        assert [(t.id, t.enabled) for t in fanout.match(event_type, seller)] == taken


def test_a_prefix_ends_at_a_word() -> None:
    fanout = Fanout([_endpoint("ep", ["order.*"])], Filter)
    assert _ids(fanout.match("order.item.changed", None)) == ["ep"]
    assert _ids(fanout.match("orders.changed", None)) == []
    assert _ids(fanout.match("order", None)) == []


def test_an_endpoint_gets_an_event_once() -> None:
    fanout = Fanout([_endpoint("ep", ["*", "order.*", "order.changed"], ["A1", "A1"])], Filter)
    assert _ids(fanout.match("order.changed", "A1")) == ["ep"]
    assert _ids(fanout.match("order.changed", "A2")) == []


def test_answers_are_kept_only_up_to_a_bound(monkeypatch) -> None:
    monkeypatch.setattr(fanout_module, "_CACHED_ANSWERS", 3)
    fanout = Fanout([_endpoint("ep")], Filter)
    for number in range(10):
        assert _ids(fanout.match(f"t{number}", None)) == ["ep"]
        assert len(fanout._answers) <= 3


def test_marketplaces_are_a_filter_of_their_own() -> None:
    german = Endpoint(id="ep_de", url="https://x", marketplace_ids=("DE", "AT"))
    fanout = Fanout([german, _endpoint("ep_all")], Filter)
    assert _ids(fanout.match("order.changed", "A1", "AT")) == ["ep_all", "ep_de"]
    assert _ids(fanout.match("order.changed", "A1", "US")) == ["ep_all"]
    assert _ids(fanout.match("order.changed", "A1")) == ["ep_all"]


def test_a_body_filter_is_asked_last_and_the_body_read_once() -> None:
    reads = 0

    def document() -> Document:
        nonlocal reads
        reads += 1
        return Document(b'{"data":{"order":{"status":"SHIPPED"}}}')

    shipped = [
        Endpoint(id=f"ep_{n}", url="https://x", body_filter='data.order.status == "SHIPPED"')
        for n in range(3)
    ]
    unshipped = Endpoint(id="ep_9", url="https://x", body_filter='data.order.status != "SHIPPED"')
    fanout = Fanout([*shipped, unshipped, _endpoint("ep_a", ["b.*"])], Filter)
    assert _ids(fanout.match("order.changed", None, document=document)) == ["ep_0", "ep_1", "ep_2"]
    assert reads == 1
    plain = Fanout(
        [_endpoint("ep_a"), shipped[0].__class__(id="ep_b", url="x", event_types=("b",))], Filter
    )
    assert _ids(plain.match("order.changed", None, document=document)) == ["ep_a"]
    assert reads == 1


def test_what_a_delivery_needs_to_know_comes_with_the_taker() -> None:
    endpoint = Endpoint(id="ep", url="https://x", ordered=True, payload=PayloadForm.THIN)
    (taker,) = Fanout([endpoint], Filter).match("order.changed", None)
    assert (taker.ordered, taker.thin, taker.enabled) == (True, True, True)


def test_operational_events_go_to_operators_only() -> None:
    made = [
        Endpoint(id="ep_all", url="https://x", operator=True),
        Endpoint(id="ep_some", url="https://x", operator=True, event_types=("seller.*",)),
        Endpoint(id="ep_none", url="https://x"),
        Endpoint(id="ep_t1", url="https://x", operator=True, tenant="t1"),
    ]
    fanout = Fanout(made, Filter)
    told = fanout.match_operational("endpoint.failing", None, Subject(endpoint_id="ep_x"))
    assert _ids(told) == ["ep_all"]
    assert _ids(fanout.match_operational("seller.paused", "A1", Subject())) == ["ep_all", "ep_some"]
    of_t1 = Subject(endpoint_id="ep_y", tenant="t1")
    assert _ids(fanout.match_operational("endpoint.failing", None, of_t1)) == ["ep_all", "ep_t1"]
    of_t2 = Subject(endpoint_id="ep_z", tenant="t2")
    assert _ids(fanout.match_operational("endpoint.failing", None, of_t2)) == ["ep_all"]


def test_nobody_is_told_of_itself() -> None:
    fanout = Fanout([Endpoint(id="ep", url="https://x", operator=True)], Filter)
    assert fanout.match_operational("endpoint.failing", None, Subject(endpoint_id="ep")) == []
