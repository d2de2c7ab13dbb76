"""A gateway's pages and a seller's browser beside Amazon's, all over HTTP."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import aiohttp

from gateway.admin.server import AdminServer
from gateway.onboarding.tickets import Intent
from gateway.service.calls import write_sellers
from gateway.service.onboarding import Onboarding, onboarding_chores, open_onboarding
from gateway.service.opening import open_store_for
from gateway.service.signals import Signals
from gateway.service.swept import with_sweeps
from gateway.settings import Settings
from gateway.simulator.server import Simulator
from gateway.store import Store
from tests.support.clock import FakeClock
from tests.support.emulators import free_port
from tests.support.spapi import CountedCalls


@dataclass
class Answer:
    """What a browser shows, or where it is sent."""

    status: int
    text: str
    headers: Mapping[str, str]

    @property
    def location(self) -> str:
        return self.headers["Location"]

    @property
    def query(self) -> dict[str, str]:
        """What the address that it is sent to says."""
        return dict(parse_qsl(urlsplit(self.location).query))

    @property
    def title(self) -> str:
        found = re.search("<h1>(.*)</h1>", self.text)
        return found[1] if found else ""


@dataclass
class Browser:
    """Keeps cookies, and goes where it is sent only when it is told to."""

    session: aiohttp.ClientSession
    seen: list[str]

    async def open(self, url: str, **query: str) -> Answer:
        if query:
            url += ("&" if urlsplit(url).query else "?") + urlencode(query)
        async with self.session.get(url, allow_redirects=False) as answer:
            self.seen.append(url)
            return Answer(answer.status, await answer.text(), answer.headers)


@dataclass
class World:
    """One gateway that sellers come to."""

    simulator: Simulator
    settings: Settings
    store: Store
    onboarding: Onboarding
    clock: FakeClock
    base: str
    browser: Browser

    def link(self, **intent: Any) -> str:
        made = self.onboarding.links.make(
            Intent(**{"application_id": "main", "region": "eu", **intent})
        )
        assert made is not None
        return made

    async def consent(self, seller: str, link: str, **query: str) -> Answer:
        """Open a link and consent as a seller; return what Amazon sends the browser back with."""
        begun = await self.browser.open(link)
        assert begun.status == 302, begun.text
        return await self.browser.open(begun.location, seller=seller, **query)

    def chores(self) -> Mapping[str, Any]:
        """What a running gateway does again and again, by name."""
        return onboarding_chores(
            self.settings,
            self.store,
            self.onboarding,
            with_sweeps(None, None).owed_job,
            self.clock,
        )

    async def sellers(self) -> list[tuple[str, str, str]]:
        """Who is known: id, region, state."""
        return [(one.id, one.region, one.state) for one in await self.store.sellers.list()]


@asynccontextmanager
async def browser() -> AsyncIterator[Browser]:
    """Open a browser of its own."""
    jar = aiohttp.CookieJar(unsafe=True)  # takes cookies of addresses without a name
    async with aiohttp.ClientSession(cookie_jar=jar) as session:
        yield Browser(session, [])


@asynccontextmanager
async def open_world(
    folder: Path, simulator: Simulator, *, clock: FakeClock, **tables: Any
) -> AsyncIterator[World]:
    """Serve a gateway's pages beside a running simulator."""
    told, port = simulator.describe(), free_port()
    (application,) = told["applications"]
    base = f"http://127.0.0.1:{port}"
    onboarding = {"public_url": base, "consent_url": told["spapi"], **tables.pop("onboarding", {})}
    settings = Settings.model_validate(
        {
            "store": {"url": f"sqlite:///{folder / 'gateway.db'}"},
            "spapi": {"endpoint": told["spapi"], "lwa_endpoint": told["lwa"]},
            "applications": [
                {
                    "id": "main",
                    "solution_id": application["id"],
                    "client_id": application["client_id"],
                    "client_secret": application["client_secret"],
                }
            ],
            "onboarding": onboarding,
            **tables,
        }
    )
    async with (
        await open_store_for(settings, clock=clock, signals=Signals()) as store,
        open_onboarding(
            settings,
            store,
            clock=clock,
            metrics=CountedCalls(),
            usage=_NoUsage(),
        ) as opened,
        browser() as person,
    ):
        await write_sellers(settings, store)
        routes = opened.authorising.routes() if opened.authorising is not None else ()
        server = AdminServer(routes, host="127.0.0.1", port=port)
        await server.start()
        try:
            yield World(simulator, settings, store, opened, clock, base, person)
        finally:
            await server.stop()


class _NoUsage:
    def count(self, **_: Any) -> None:
        """Keep no account."""
