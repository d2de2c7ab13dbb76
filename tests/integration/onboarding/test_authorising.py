"""Sellers authorise by a browser, against the local SP-API, and what is refused on the way."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.model import PausedBy, Seller
from gateway.simulator.cast import DEFAULT_APPLICATION
from gateway.simulator.server import Simulator
from tests.integration.onboarding.world import World, browser, open_world
from tests.support.clock import FakeClock

EUROPE, AMERICA = "A1SIMULATOREU1", "A1SIMULATORNA2"
SECRETS = ("Atzr|", "Atza|", "amzn1.oa2-cs")


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def simulator(clock: FakeClock) -> AsyncIterator[Simulator]:
    async with Simulator(strict=True, clock=clock) as running:
        yield running


@pytest.fixture
async def world(tmp_path: Path, simulator: Simulator, clock: FakeClock) -> AsyncIterator[World]:
    async with open_world(tmp_path, simulator, clock=clock) as opened:
        yield opened


async def test_a_link_leads_to_a_seller_who_is_known(
    world: World, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    link = world.link(tags=("gold",))
    back = await world.consent(EUROPE, link)
    assert back.location.startswith(f"{world.base}/oauth/callback?")
    done = await world.browser.open(back.location)
    assert (done.status, done.title) == (200, "Connected")
    (seller,) = await world.store.sellers.of(EUROPE)
    (known,) = [one for one in world.simulator.sellers if one.id == EUROPE]
    assert seller == Seller(
        id=EUROPE,
        application_id="main",
        region="eu",
        refresh_token=known.refresh_token,
        marketplace_ids=("A1PA6795UKMFR9",),
        tags=("gold",),
        authorised_at_ms=world.clock.now_ms(),
    )
    (entry,) = await world.store.audit.list()
    assert (entry.actor, entry.action, entry.object_id) == ("oauth", "seller.authorise", EUROPE)
    assert entry.changes["marketplace_ids"] == {"from": None, "to": ["A1PA6795UKMFR9"]}
    said = done.text + str(done.headers) + str(entry) + caplog.text + "".join(capsys.readouterr())
    secret = [back.query["spapi_oauth_code"], back.query["state"], link.partition("=")[2]]
    assert not [one for one in (*SECRETS, *secret) if one in said]
    for headers in (back.headers, done.headers):
        assert headers.get("Referrer-Policy", "no-referrer") == "no-referrer"
    assert done.headers["Referrer-Policy"] == "no-referrer"
    assert done.headers["Cache-Control"] == "no-store"


async def test_a_state_is_good_once(world: World) -> None:
    back = await world.consent(EUROPE, world.link())
    assert (await world.browser.open(back.location)).status == 200
    cookies = world.browser.session.cookie_jar
    assert not list(cookies)  # the browser forgets it
    again = await world.consent(EUROPE, world.link())
    state = again.query["state"]
    assert (await world.browser.open(again.location)).status == 200
    # Somebody who kept the cookie sends the same answer with a new code.
    code = world.simulator.accounts.consent(
        DEFAULT_APPLICATION.id, next(one for one in world.simulator.sellers if one.id == AMERICA)
    )
    cookies.update_cookies({"spgw_authorisation": state})
    replayed = await world.browser.open(
        f"{world.base}/oauth/callback",
        state=state,
        spapi_oauth_code=code,
        selling_partner_id=AMERICA,
    )
    assert (replayed.status, replayed.title) == (400, "Not connected")
    assert "opened before" in replayed.text
    assert await world.sellers() == [(EUROPE, "eu", "active")]


async def test_forged_states_are_refused(world: World) -> None:
    back = await world.consent(EUROPE, world.link())
    good = back.query["state"]
    sealed = bytearray(base64.urlsafe_b64decode(good + "=" * (-len(good) % 4)))
    sealed[-1] ^= 1
    altered = base64.urlsafe_b64encode(bytes(sealed)).rstrip(b"=").decode()
    link = world.link().partition("link=")[2]
    for state in ("", "x", "-37131022", "ü", altered, good[:-4], good * 9, link):
        world.browser.session.cookie_jar.update_cookies({"spgw_authorisation": state})
        told = await world.browser.open(
            f"{world.base}/oauth/callback", **{**back.query, "state": state}
        )
        assert (told.status, "was changed" in told.text) == (400, True), state
    assert await world.sellers() == []
    assert world.simulator.lwa.calls == {}  # nobody was asked


async def test_what_takes_too_long_is_refused(world: World) -> None:
    link = world.link()
    back = await world.consent(EUROPE, link)
    world.clock.advance(1_800)
    late = await world.browser.open(back.location)
    assert (late.status, "too long" in late.text) == (400, True)
    world.clock.advance(7 * 86_400)
    stale = await world.browser.open(link)
    assert (stale.status, "too long" in stale.text) == (400, True)
    assert await world.sellers() == []


async def test_a_code_that_is_too_old_used_or_of_another_application_is_refused(
    world: World,
) -> None:
    accounts = world.simulator.accounts
    seller = next(one for one in world.simulator.sellers if one.id == EUROPE)
    late = await world.consent(EUROPE, world.link())
    world.clock.advance(300)
    assert "too late" in (await world.browser.open(late.location)).text
    used = await world.consent(EUROPE, world.link())
    assert accounts.redeem(DEFAULT_APPLICATION, used.query["spapi_oauth_code"])
    assert "too late" in (await world.browser.open(used.location)).text
    other = await world.consent(EUROPE, world.link())
    code = accounts.consent("amzn1.sp.solution.another", seller)
    changed = {**other.query, "spapi_oauth_code": code}
    told = await world.browser.open(f"{world.base}/oauth/callback", **changed)
    assert (told.status, "too late" in told.text) == (400, True)
    assert await world.sellers() == []


async def test_an_answer_is_taken_only_from_the_browser_that_began(world: World) -> None:
    back = await world.consent(EUROPE, world.link())
    async with browser() as victim:
        lured = await victim.open(back.location)
        assert (lured.status, "another browser" in lured.text) == (400, True)
        begun = await victim.open(world.link())
        assert begun.status == 302
        assert "another browser" in (await victim.open(back.location)).text
    assert (await world.browser.open(back.location)).status == 200


async def test_nobody_takes_a_sellers_place(world: World) -> None:
    """Amazon does not sign `selling_partner_id`: who authorises could write any."""
    mine = Seller(id=EUROPE, application_id="main", region="eu", refresh_token="Atzr|mine")
    await world.store.sellers.put_seller(mine)
    back = await world.consent(AMERICA, world.link(region="na"))
    forged = {**back.query, "selling_partner_id": EUROPE}
    told = await world.browser.open(f"{world.base}/oauth/callback", **forged)
    assert (told.status, "connected already" in told.text) == (409, True)
    # Nor by the link of another one.
    back = await world.consent(AMERICA, world.link(seller_id="A1OTHER"))
    told = await world.browser.open(f"{world.base}/oauth/callback", **forged | back.query)
    assert "another seller" in told.text
    assert await world.store.sellers.of(EUROPE) == [mine]
    # The seller itself comes by the link that was made for it.
    renewed = await world.consent(EUROPE, world.link(seller_id=EUROPE))
    assert (await world.browser.open(renewed.location)).status == 200
    (seller,) = await world.store.sellers.of(EUROPE)
    assert seller.refresh_token != mine.refresh_token


async def test_the_region_is_the_one_that_amazon_says(world: World) -> None:
    back = await world.consent(AMERICA, world.link(region="eu"))
    assert (await world.browser.open(back.location)).status == 200
    (seller,) = await world.store.sellers.list()
    assert (seller.id, seller.region) == (AMERICA, "na")
    assert seller.marketplace_ids == ("A2EUQ1WTGCTBG2", "ATVPDKIKX0DER")


async def test_a_seller_is_taken_where_amazon_says_nothing_of_its_shops(world: World) -> None:
    world.simulator.faults.add("status=403", operation="getMarketplaceParticipations", times=99)
    back = await world.consent(EUROPE, world.link(region="eu"))
    assert (await world.browser.open(back.location)).status == 200
    (seller,) = await world.store.sellers.list()
    assert (seller.id, seller.region, seller.marketplace_ids) == (EUROPE, "eu", ())


async def test_faults_of_amazons_are_waited_out(world: World) -> None:
    world.simulator.faults.add("status=500", operation="token", times=2)
    back = await world.consent(EUROPE, world.link())
    assert (await world.browser.open(back.location)).status == 200
    world.simulator.faults.add("status=500", operation="token", times=4)
    back = await world.consent(EUROPE, world.link())
    told = await world.browser.open(back.location)
    assert (told.status, "does not answer" in told.text) == (503, True)


async def test_who_declines_is_told_that_nothing_happened(world: World) -> None:
    back = await world.consent(EUROPE, world.link())
    told = await world.browser.open(f"{world.base}/oauth/callback", state=back.query["state"])
    assert (told.status, "not given" in told.text) == (400, True)


async def test_without_a_link_nobody_begins(world: World) -> None:
    for query in ({}, {"application": "main"}, {"link": "x"}):
        told = await world.browser.open(f"{world.base}/oauth/start", **query)
        assert told.status in {400, 403}
        assert told.title == "Not connected"


async def test_an_open_gateway_takes_whoever_comes(
    tmp_path: Path, simulator: Simulator, clock: FakeClock
) -> None:
    settings = {"open": True, "done_url": "https://app.example/connected"}
    async with open_world(tmp_path, simulator, clock=clock, onboarding=settings) as world:
        begun = await world.browser.open(f"{world.base}/oauth/start", marketplace="ATVPDKIKX0DER")
        back = await world.browser.open(begun.location, seller=AMERICA)
        done = await world.browser.open(back.location)
        assert (done.status, done.location) == (
            303,
            "https://app.example/connected?result=authorised",
        )
        again = await world.browser.open(back.location)
        assert again.query == {"result": "refused", "reason": "other-browser"}
        assert await world.sellers() == [(AMERICA, "na", "active")]
        await world.store.sellers.pause(AMERICA, "they owe us", by=PausedBy.OPERATOR)
        back = await world.consent(AMERICA, world.link(region="na", seller_id=AMERICA))
        done = await world.browser.open(back.location)
        assert done.query == {"result": "authorised", "reason": "paused"}
        assert await world.sellers() == [(AMERICA, "na", "paused")]
        unknown = await world.browser.open(f"{world.base}/oauth/start", marketplace="MOON")
        assert unknown.status == 400


async def test_the_appstore_comes_by_the_login_uri(
    tmp_path: Path, simulator: Simulator, clock: FakeClock
) -> None:
    async with open_world(tmp_path, simulator, clock=clock, onboarding={"open": True}) as world:
        login = f"{world.base}/oauth/start"
        consented = await world.browser.open(
            f"{simulator.spapi_url}/apps/authorize/consent",
            application_id=DEFAULT_APPLICATION.id,
            seller=EUROPE,
            login_uri=login,
        )
        assert consented.location.startswith(login)
        assert consented.query["selling_partner_id"] == EUROPE
        onward = await world.browser.open(consented.location)
        assert onward.query["amazon_state"] == consented.query["amazon_state"]
        back = await world.browser.open(onward.location)
        done = await world.browser.open(back.location)
        assert (done.status, done.title) == (200, "Connected")
        assert await world.sellers() == [(EUROPE, "eu", "active")]
        for elsewhere in (
            "https://evil.example/apps/authorize/confirm/x",
            "https://amazon.com.evil.example/apps/authorize/confirm/x",
            "https://evil.example\\.amazon.com/apps/authorize/confirm/x",
            "http://amazon.com/apps/authorize/confirm/x",
            "https://amazon.com/elsewhere",
        ):
            told = await world.browser.open(
                login, amazon_callback_uri=elsewhere, amazon_state="s", selling_partner_id=EUROPE
            )
            assert told.status == 400, elsewhere


async def test_a_link_may_lead_by_the_login_uri_too(world: World) -> None:
    """As Amazon's newer description of the website workflow has it."""
    link = world.link(seller_id=EUROPE, tags=("gold",))
    login = f"{world.base}/oauth/start"
    consented = await world.consent(EUROPE, link, login_uri=login)
    onward = await world.browser.open(consented.location)
    back = await world.browser.open(onward.location)
    assert (await world.browser.open(back.location)).status == 200
    (seller,) = await world.store.sellers.of(EUROPE)
    assert seller.tags == ("gold",)


async def test_a_draft_is_authorised_as_one(tmp_path: Path, clock: FakeClock) -> None:
    draft = replace(DEFAULT_APPLICATION, draft=True)
    async with (
        Simulator(applications=[draft], strict=True, clock=clock) as simulator,
        open_world(tmp_path, simulator, clock=clock) as world,
    ):
        begun = await world.browser.open(world.link())
        assert "version" not in begun.query
        assert "draft" in (await world.browser.open(begun.location)).text
    (tmp_path / "other").mkdir()
    async with Simulator(applications=[draft], strict=True, clock=clock) as simulator:
        application = {
            "id": "main",
            "solution_id": draft.id,
            "draft": True,
            "client_id": draft.client_id,
            "client_secret": draft.client_secret,
        }
        async with open_world(
            tmp_path / "other", simulator, clock=clock, applications=[application]
        ) as world:
            back = await world.consent(EUROPE, world.link())
            assert (await world.browser.open(back.location)).status == 200
            login = f"{world.base}/oauth/start"
            consented = await world.consent(EUROPE, world.link(seller_id=EUROPE), login_uri=login)
            assert consented.query["version"] == "beta"
            onward = await world.browser.open(consented.location)
            assert onward.query["version"] == "beta"
            back = await world.browser.open(onward.location)
            assert (await world.browser.open(back.location)).status == 200


async def test_without_a_public_url_there_are_no_pages(
    tmp_path: Path, simulator: Simulator, clock: FakeClock
) -> None:
    async with open_world(
        tmp_path, simulator, clock=clock, onboarding={"public_url": None}
    ) as world:
        assert (await world.browser.open(f"{world.base}/oauth/start")).status == 404
