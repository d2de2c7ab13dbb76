from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from gateway import fanout as fanout_module
from gateway.endpoints import Endpoint, EndpointState
from gateway.fanout import Fanout

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
    fanout = Fanout(endpoints)
    taken = [e for e in endpoints if _takes(e, event_type, seller)]
    for _ in range(2):
        matched = fanout.match(event_type, seller)
        assert list(matched.enabled) == [e.id for e in taken if e.state is EndpointState.ENABLED]
        assert list(matched.disabled) == [e.id for e in taken if e.state is EndpointState.DISABLED]


def test_a_prefix_ends_at_a_word() -> None:
    fanout = Fanout([_endpoint("ep", ["order.*"])])
    assert fanout.match("order.item.changed", None).enabled == ("ep",)
    assert fanout.match("orders.changed", None).enabled == ()
    assert fanout.match("order", None).enabled == ()


def test_an_endpoint_gets_an_event_once() -> None:
    fanout = Fanout([_endpoint("ep", ["*", "order.*", "order.changed"], ["A1", "A1"])])
    assert fanout.match("order.changed", "A1").enabled == ("ep",)
    assert fanout.match("order.changed", "A2").enabled == ()


def test_answers_are_kept_only_up_to_a_bound(monkeypatch) -> None:
    monkeypatch.setattr(fanout_module, "_CACHED_ANSWERS", 3)
    fanout = Fanout([_endpoint("ep")])
    for number in range(10):
        assert fanout.match(f"t{number}", None).enabled == ("ep",)
        assert len(fanout._answers) <= 3
