"""No token ever reaches another seller, application, region, scope or resource."""

import asyncio
from urllib.parse import parse_qs

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.model import Application
from gateway.spapi.auth import LwaTokens
from gateway.spapi.catalog import Catalog
from gateway.spapi.requests import Prepared
from gateway.spapi.restricted import CREATE, Resource, RestrictedTokens
from tests.support.clock import FakeClock
from tests.support.spapi import LWA, FakeAmazon, FakeDirectory, answer, seller

OPERATION = Catalog.load().find(CREATE)
APPLICATIONS = {
    name: Application(id=name, client_id=f"client-{name}", client_secret=f"secret-{name}")
    for name in ("a", "b")
}

# A seller's authorisation may be given anew, so refresh tokens change for one owner.
asks = st.tuples(
    st.sampled_from(["seller", "scope", "resource"]),
    st.sampled_from(["a", "b"]),
    st.sampled_from(["S1", "S2"]),
    st.sampled_from(["eu", "na"]),
    st.sampled_from(["", "new"]),
    st.sampled_from(["x", "y"]),
)
steps = st.lists(
    st.one_of(
        st.lists(asks, min_size=1, max_size=12),
        st.floats(min_value=0, max_value=4000),
        st.just("refuse"),
    ),
    max_size=12,
)


class Naming(FakeAmazon):
    """Login with Amazon that writes into each token what it was asked with."""

    async def send(self, request):
        await super().send(request)
        form = {name: value for name, (value,) in parse_qs(request.body.decode()).items()}
        named = form.get("refresh_token") or form["scope"]
        await asyncio.sleep(0)
        return answer(
            200, {"access_token": f"{form['client_id']}/{named}", "expires_in": self.life_s}
        )


class World:
    def __init__(self):
        self.clock = FakeClock()
        self.tokens = LwaTokens(
            transport=Naming(),
            directory=FakeDirectory(applications=APPLICATIONS),
            clock=self.clock,
            endpoint=LWA,
        )
        self.restricted = RestrictedTokens(self.tokens.cache, OPERATION)

    async def ask(self, ask):
        """Return a token and what it must be."""
        kind, application, seller_id, region, age, what = ask
        refresh = f"{application}-{seller_id}-{region}-{age}"
        whose = seller(seller_id, application_id=application, region=region, refresh_token=refresh)
        if kind == "scope":
            token = await self.tokens.for_application(application, what)
            return token, f"client-{application}/{what}"
        if kind == "seller":
            return await self.tokens.for_seller(whose), f"client-{application}/{refresh}"
        resource = Resource(method="GET", path=f"/{what}")

        async def create(prepared: Prepared):
            await asyncio.sleep(0)
            token = await self.tokens.for_seller(whose)
            return {"restrictedDataToken": f"{token.value}|{prepared.body!r}", "expiresIn": 3600}

        token = await self.restricted.of(whose, resource, create)
        return token, f"client-{application}/{refresh}|{resource.body!r}"


@given(steps)
@settings(max_examples=150, deadline=None)
async def test_a_token_is_only_ever_its_owners(steps):
    world = World()
    seen = []
    for step in steps:
        if isinstance(step, list):
            got = await asyncio.gather(*(world.ask(ask) for ask in step))
            for token, expected in got:
                assert token.value == expected
            seen = [token for token, _ in got]
        elif step == "refuse":
            for token in seen:
                world.tokens.cache.refuse(token, expired=False)
        else:
            world.clock.advance(step)
