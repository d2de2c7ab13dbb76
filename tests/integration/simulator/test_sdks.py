"""The SDKs that others wrote, unchanged, against the local SP-API."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from gateway.model import UsagePlan
from gateway.simulator.cast import DEFAULT_APPLICATION, DEFAULT_SELLERS
from gateway.simulator.server import Simulator
from gateway.spapi.catalog import Catalog

SELLER = DEFAULT_SELLERS[0]
SCRIPTS = Path(__file__).parents[2] / "support" / "sdks"
ORDER, LOST_ORDER = "902-1845936-5435065", "902-0000000-0000404"
WITHIN_S = 120

CATALOG = Catalog.load()
_UNTHROTTLED = UsagePlan(rate_per_s=1_000, burst=1_000)

SEEN_BY_ALL = {
    "arn": "arn:aws:sqs:us-east-1:000000000000:a",
    "same": True,
    "filter": ["OrderStatusChange"],
    "no filter": [400, "InvalidInput"],
    "destination again": [409, "Conflict"],
    "subscription again": [409, "StateConflict"],
    "destination in use": [403, "Unauthorized"],
    "no subscription": [404, "NotFound"],
    "destination deleted": True,
    "order": ORDER,
    "buyer": True,
    "withheld": True,
    "opened": True,
    "no order": [404, "NotFound"],
    "other region": [403, "Unauthorized"],
    "over quota": [200, 429],
}


async def _seen(
    script: str, *, unthrottled: bool = False, **given: Any
) -> tuple[dict[str, Any], Simulator]:
    """Return what a script saw of a fresh simulator, and the simulator."""
    # The third getOrder of v0 is the last within this plan, unless calls are not what is tried.
    plans = {"orders.v0.getOrder": UsagePlan(rate_per_s=0.001, burst=3)}
    if unthrottled:
        plans = {one.name: _UNTHROTTLED for one in CATALOG.operations}
    async with Simulator(
        queues=["a"], strict=True, usage_plans=plans, queue_s=0, work_s=0
    ) as simulator:
        simulator.orders.lose(LOST_ORDER)
        told = {
            "spapi": simulator.spapi_url,
            "lwa": simulator.lwa_url,
            "arn": simulator.sqs.queues.named("a").arn,
            "client_id": DEFAULT_APPLICATION.client_id,
            "client_secret": DEFAULT_APPLICATION.client_secret,
            "refresh_token": SELLER.refresh_token,
            "seller": SELLER.id,
            "marketplace": SELLER.marketplaces[0],
            "order": ORDER,
            "lost_order": LOST_ORDER,
            **given,
        }
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            str(SCRIPTS / script),
            json.dumps(told),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        async with asyncio.timeout(WITHIN_S):
            out, err = await process.communicate()
        assert process.returncode == 0, err.decode()
        return json.loads(out), simulator


async def test_amazons_own_sdk():
    seen, simulator = await _seen("official.py")
    assert seen == {**SEEN_BY_ALL, "listed": 1, "seller's token": [403, "Unauthorized"]}
    assert simulator.sqs.queues.named("a").depth().visible == 1
    assert simulator.apis.publisher.published == {"ORDER_CHANGE": 1}


@pytest.mark.parametrize("asynchronous", [False, True])
async def test_the_communitys_sdk(asynchronous):
    seen, simulator = await _seen("community.py", asynchronous=asynchronous)
    reports = seen.pop("reports")
    assert seen == {**SEEN_BY_ALL, "feed": ["DONE", True]}
    assert [charset.lower() for charset in reports] == ["utf-8", "iso-8859-1", "shift_jis"]
    letters = ("émaillé", "émaillé", "ホーローマグカップ")
    for title, expected in zip(reports.values(), letters, strict=True):
        assert title.endswith(expected)
    throttled = {caller.operation: calls.throttled for caller, calls in simulator.calls.items()}
    assert throttled["orders.v0.getOrder"] == 1
    assert simulator.lwa.calls == {"issued": 2}


async def test_amazons_own_models_judge_every_answer():
    unknown, simulator = await _seen("official_reads.py", unthrottled=True)
    assert {name: fields for name, fields in unknown.items() if fields} == {}
    assert len(unknown) >= 40
    statuses = {status for calls in simulator.calls.values() for status in calls.statuses}
    assert statuses <= {200, 201, 202, 204}
