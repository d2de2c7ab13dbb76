"""Links and states: sealed, short-lived, each for its own use."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.errors import AuthorisationRefusedError, InvalidInputError
from gateway.model import Seller
from gateway.onboarding.consoles import marketplace_named
from gateway.onboarding.tickets import Intent, Tickets, intent_of
from tests.conformance.store.world import FakeSealer
from tests.support.clock import FakeClock

INTENT = Intent(
    application_id="main",
    region="eu",
    marketplace_id="A1PA6795UKMFR9",
    seller_id="A1",
    tags=("gold",),
)
SELLER = Seller(id="A1", application_id="main", region="eu", refresh_token="Atzr|1")


def tickets(clock: FakeClock | None = None) -> Tickets:
    return Tickets(FakeSealer(), clock or FakeClock())


def refused(read: object, *args: str) -> str:
    with pytest.raises(AuthorisationRefusedError) as caught:
        read(*args)  # type: ignore[operator]
    return caught.value.reason


def test_what_is_made_is_read_again_by_every_replica() -> None:
    clock = FakeClock()
    link = tickets(clock).link(INTENT, ttl_s=60)
    state = tickets(clock).state(INTENT, ttl_s=60)
    assert tickets(clock).read_link(link) == INTENT
    came = tickets(clock).read_state(state)
    assert (came.intent, came.expires_at_ms) == (INTENT, clock.now_ms() + 60_000)
    assert came.id != tickets(clock).read_state(tickets(clock).state(INTENT, ttl_s=60)).id


def test_neither_is_taken_for_the_other() -> None:
    made = tickets()
    assert refused(made.read_state, made.link(INTENT, ttl_s=60)) == "forged"
    assert refused(made.read_link, made.state(INTENT, ttl_s=60)) == "forged"


def test_their_time_ends() -> None:
    clock = FakeClock()
    made = tickets(clock)
    link, state = made.link(INTENT, ttl_s=60), made.state(INTENT, ttl_s=60)
    clock.advance(59.999)
    made.read_link(link)
    made.read_state(state)
    clock.advance(0.001)
    assert refused(made.read_link, link) == "expired"
    assert refused(made.read_state, state) == "expired"


@pytest.mark.parametrize("token", ["", "x", "====", "é", "AAAA", "A" * 100_000, "-37131022"])
def test_what_was_not_made_here_is_forged(token: str) -> None:
    assert refused(tickets().read_state, token) == "forged"


def wanted(known: list[Seller], **given: str | None) -> Intent:
    place = given.pop("place", None)
    return intent_of(
        ["main", "other"],
        known,
        application=given.get("application"),
        place=marketplace_named(place) if place else None,
        region=given.get("region"),
        tags=["b", "a", "a"],
    )


def test_an_intent_says_where_and_for_whom() -> None:
    new = wanted([], application="main", place="JP")
    assert (new.region, new.marketplace_id, new.seller_id) == ("fe", "A1VC38T7YXB528", None)
    assert new.tags == ("a", "b")
    known = wanted([SELLER])
    assert (known.application_id, known.region, known.seller_id) == ("main", "eu", "A1")
    elsewhere = wanted([SELLER], region="na", application="other")
    assert (elsewhere.application_id, elsewhere.region) == ("other", "na")


@pytest.mark.parametrize(
    ("known", "given", "says"),
    [
        ([], {"region": "eu"}, "which application"),
        ([], {"application": "main"}, "which marketplace"),
        ([], {"application": "none", "region": "eu"}, "no solution_id"),
        ([], {"application": "main", "place": "DE", "region": "na"}, "is in region eu"),
        ([SELLER, replace(SELLER, region="na")], {}, "which region"),
    ],
)
def test_what_an_intent_lacks_is_asked_for(
    known: list[Seller], given: dict[str, str | None], says: str
) -> None:
    with pytest.raises(InvalidInputError, match=says):
        wanted(known, **given)
