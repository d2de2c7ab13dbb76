"""Clients of the Selling Partner API that are measured beside ours, each in a process of its own.

Run by `benchmarks.client`: python -m benchmarks.contenders NAME GIVEN, where GIVEN is a JSON object
that says where LWA and SP-API are, the credentials, and the number of calls. Prints one JSON
object: the whole process's CPU for one getOrder (Orders v0), and the client's release.
"""

from __future__ import annotations

import asyncio
import json
import math
import resource
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import uvloop

_WARM_UP = 100
_IN_FLIGHT = 16

Given = dict[str, Any]


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


class Measure:
    """CPU and time from here on."""

    def __init__(self) -> None:
        self._cpu_s, self._started_s = _cpu_s(), time.monotonic()

    def result(self, calls: int, release: str) -> dict[str, Any]:
        cpu_s = _cpu_s() - self._cpu_s
        took_s = time.monotonic() - self._started_s
        return {"cpu_us": cpu_s / calls * 1e6, "rate": calls / took_s, "release": release}


def _one_by_one(call: Callable[[], object], given: Given, release: str) -> dict[str, Any]:
    for _ in range(_WARM_UP):
        call()
    measure = Measure()
    for _ in range(given["calls"]):
        call()
    return measure.result(given["calls"], release)


async def _some_at_once(
    call: Callable[[], Awaitable[object]], given: Given, release: str
) -> dict[str, Any]:
    async def some(count: int) -> None:
        for _ in range(count):
            await call()

    await some(_WARM_UP)
    each = given["calls"] // _IN_FLIGHT
    measure = Measure()
    await asyncio.gather(*(some(each) for _ in range(_IN_FLIGHT)))
    return measure.result(each * _IN_FLIGHT, release)


# ── the contenders ───────────────────────────────────────────────────────────────────────────────


async def bare(given: Given) -> dict[str, Any]:
    """aiohttp with a token at hand: the request and its JSON, nothing else."""
    import aiohttp

    async with aiohttp.ClientSession() as session:
        form = {
            "grant_type": "refresh_token",
            "refresh_token": given["refresh_token"],
            "client_id": given["client_id"],
            "client_secret": given["client_secret"],
        }
        async with session.post(given["lwa"], data=form) as answer:
            token = (await answer.json())["access_token"]
        url = f"{given['spapi']}/orders/v0/orders/{given['order']}"
        headers = {"x-amz-access-token": token, "user-agent": "bench/1.0 (Language=Python)"}

        async def call() -> None:
            async with session.get(url, headers=headers) as reply:
                assert (await reply.json())["payload"]

        return await _some_at_once(call, given, version("aiohttp"))


async def gateway(given: Given) -> dict[str, Any]:
    """Our client as the service opens it: sellers and usage plans in SQLite, metrics, accounts."""
    from gateway.clock import SystemClock
    from gateway.service.calls import open_client, write_sellers
    from gateway.service.opening import open_store_for
    from gateway.service.sellers import SellerBook
    from gateway.service.signals import Signals
    from gateway.settings import load
    from gateway.telemetry.logs import configure
    from gateway.telemetry.metrics import Metrics

    configure()
    clock = SystemClock()
    with tempfile.TemporaryDirectory() as folder:
        settings = load(_settings(Path(folder), given), {}).settings
        async with await open_store_for(settings, clock=clock, signals=Signals()) as store:
            await write_sellers(settings, store)
            book = SellerBook(store.sellers, clock=clock)
            metrics = Metrics().spapi
            async with open_client(settings, store, book, clock=clock, metrics=metrics) as client:
                calls = client.for_seller(given["seller"], patience_s=math.inf)

                async def call() -> None:
                    answer = await calls.call("orders.v0.getOrder", orderId=given["order"])
                    assert answer["payload"]

                return await _some_at_once(call, given, version("spapi-event-gateway"))


def _settings(folder: Path, given: Given) -> Path:
    file = folder / "gateway.toml"
    file.write_text(
        f"""
        [store]
        url = "sqlite:///{folder}/gateway.db"
        [spapi]
        endpoint = "{given["spapi"]}"
        lwa_endpoint = "{given["lwa"]}"
        [spapi.usage_plans]
        "orders.v0.getOrder" = {{ rate = 100_000, burst = 1_000_000 }}
        [[applications]]
        id = "bench"
        client_id = "{given["client_id"]}"
        client_secret = "{given["client_secret"]}"
        [[sellers]]
        id = "{given["seller"]}"
        application = "bench"
        region = "{given["region"]}"
        refresh_token = "{given["refresh_token"]}"
        """
    )
    return file


def official(given: Given) -> dict[str, Any]:
    """Amazon's own SDK."""
    from spapi import SPAPIClient, SPAPIConfig
    from spapi.api.orders_v0.orders_v0_api import OrdersV0Api

    config = SPAPIConfig(
        client_id=given["client_id"],
        client_secret=given["client_secret"],
        refresh_token=given["refresh_token"],
    )
    made = SPAPIClient(config, oauth_endpoint=given["lwa"], endpoint=given["spapi"])
    orders = OrdersV0Api(made.api_client)

    def call() -> None:
        assert orders.get_order(given["order"]).payload

    return _one_by_one(call, given, version("amzn-sp-api"))


def community(given: Given) -> dict[str, Any]:
    """The community's SDK, synchronous."""
    from sp_api import api
    from sp_api.auth import AccessTokenClient

    orders = _pointed(api.Orders, AccessTokenClient, given)

    def call() -> None:
        assert orders.get_order(given["order"]).payload

    return _one_by_one(call, given, version("python-amazon-sp-api"))


async def community_async(given: Given) -> dict[str, Any]:
    """The community's SDK, asynchronous."""
    from sp_api.asyncio import api
    from sp_api.asyncio.auth import AccessTokenClient

    async with _pointed(api.Orders, AccessTokenClient, given) as orders:

        async def call() -> None:
            assert (await orders.get_order(given["order"])).payload

        return await _some_at_once(call, given, version("python-amazon-sp-api"))


def _pointed(kind: Any, tokens: Any, given: Given) -> Any:
    """Return the community's client for the local SP-API; it has no parameters for that."""
    scheme, _, rest = given["lwa"].partition("://")
    tokens.scheme, tokens.host = f"{scheme}://", rest.partition("/")[0]
    made = kind(
        credentials={
            "refresh_token": given["refresh_token"],
            "lwa_app_id": given["client_id"],
            "lwa_client_secret": given["client_secret"],
        }
    )
    made.endpoint = given["spapi"]
    return made


CONTENDERS: dict[str, Callable[[Given], Any]] = {
    "aiohttp, bare": bare,
    "gateway": gateway,
    "amzn-sp-api": official,
    "python-amazon-sp-api": community,
    "python-amazon-sp-api, asyncio": community_async,
}


def main() -> None:
    name, given = sys.argv[1], json.loads(sys.argv[2])
    measured = CONTENDERS[name](given)
    print(json.dumps(uvloop.run(measured) if asyncio.iscoroutine(measured) else measured))


if __name__ == "__main__":
    main()
