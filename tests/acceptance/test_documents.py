"""Exports and reports end to end: fetched from Amazon's side, stored, and linked to, each once."""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import sqlite3
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest

from gateway.model import UsagePlan
from gateway.simulator.work import Recipe
from tests.support.processes import GatewayProcess
from tests.support.world import World, open_world, pause

pytestmark = [pytest.mark.acceptance]

BRAZILIAN = "A1SIMULATORNA4"
FAST = ("getInvoicesDocument", "createInvoicesExport", "getInvoicesExport")
INVOICES, IN_A_DOCUMENT = 40, 25


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    # Two seconds between documents, so that there is a moment between any two steps.
    plans = dict.fromkeys(FAST, UsagePlan(rate_per_s=20, burst=20))
    plans["getInvoicesDocument"] = UsagePlan(rate_per_s=0.5, burst=1)
    options = {"usage_plans": plans, "queue_s": 0.2, "work_s": 0.5}
    async with open_world(tmp_path, simulator_options=options) as world:
        world.folder.spapi["usage_plans"] |= {
            name: {"rate": plan.rate_per_s, "burst": plan.burst} for name, plan in plans.items()
        }
        world.folder.write()
        world.add_endpoint("/hook")
        yield world


def ask_for_invoices(world: World) -> None:
    (asked,) = world.folder.cli(
        *("jobs", "run", "invoices_export", "--seller", BRAZILIAN),
        *("--from", "2026-06-01", "--to", "2026-08-31"),
        *("--option", "marketplace_id=A2Q3Y263D00KWC"),
    )["items"]
    assert asked["seller_id"] == BRAZILIAN


def step(world: World) -> str:
    """Where the export stands, as its handling keeps it; read beside the running gateway."""
    file = world.folder.folder / "gateway.db"
    with sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=10) as database:
        ((state, saved),) = database.execute(
            "SELECT state, saved_state FROM handlings WHERE handler = 'invoices_export'"
        ).fetchall()
    if state in {"handled", "dead"}:
        return str(state)
    kept = orjson.loads(saved) if saved else {}
    if "documents" in kept:
        return f"{len(kept['stored'])} of {len(kept['documents'])} stored"
    return "created" if kept else "asked for"


async def fetched(port: int, document: dict[str, Any]) -> bytes:
    """What is behind a document's link, held against what the event says of it."""
    token = document["url"].rpartition("/")[2]
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"http://127.0.0.1:{port}/documents/{token}") as answer,
    ):
        assert answer.status == 200, await answer.text()
        content = await answer.read()
    assert len(content) == document["size_bytes"]
    assert hashlib.sha256(content).hexdigest() == document["sha256"]
    return content


async def check_invoices(world: World, gateway: GatewayProcess) -> None:
    """One event, and behind its links every invoice once."""
    received = world.receiver.received["/hook"]
    await received.wait_for(
        lambda got: got.types["invoices.export.completed"] > 0, timeout_s=90, what="the export"
    )
    await pause(1.0)
    [body] = [json.loads(one) for one in received.bodies.values()]
    assert body["type"] == "invoices.export.completed"
    assert body["data"]["notification"] is None
    documents = body["data"]["documents"]
    assert len(documents) == -(-INVOICES // IN_A_DOCUMENT)
    names: list[str] = []
    for document in documents:
        content = await fetched(gateway.port, document)
        names += zipfile.ZipFile(io.BytesIO(content)).namelist()
    assert len(names) == len(set(names)) == INVOICES
    assert not received.unverified


async def test_an_export_of_invoices_from_request_to_links(world: World) -> None:
    ask_for_invoices(world)
    gateway = world.folder.start()
    try:
        await gateway.ready()
        await check_invoices(world, gateway)
        assert world.calls("createInvoicesExport") == 1
        assert world.calls("getInvoicesDocument") == 2
        assert world.throttled() == 0
        assert await gateway.terminate() == 0
    finally:
        gateway.stop()


async def test_an_export_killed_between_all_its_steps(world: World) -> None:
    # A second before the first document, so that there is a moment between any two steps.
    world.simulator.faults.add("stall=1", operation="getInvoicesDocument")
    ask_for_invoices(world)
    met: list[str] = []
    while True:
        gateway = world.folder.start()
        try:
            await gateway.ready()
            while (now := step(world)) == (met[-1] if met else "asked for"):
                await pause(0.01)
            met.append(now)
            if now == "handled":
                await check_invoices(world, gateway)
                break
            gateway.kill()
        finally:
            gateway.stop()
        assert len(met) < 10, met
    # Between the last document and the end there is no pause, so that is met only by luck.
    steps = [one for one in met if one != "2 of 2 stored"]
    assert steps == ["created", "0 of 2 stored", "1 of 2 stored", "handled"], met
    assert world.calls("createInvoicesExport") <= 2


async def test_an_export_that_ends_in_an_error(world: World) -> None:
    world.simulator.work.add(Recipe(work="exports", outcome="FATAL"))
    ask_for_invoices(world)
    gateway = world.folder.start()
    try:
        await gateway.ready()
        received = world.receiver.received["/hook"]
        await received.wait_for(
            lambda got: got.types["invoices.export.failed"] == 1, timeout_s=60, what="the failure"
        )
        [body] = [json.loads(one) for one in received.bodies.values()]
        assert body["data"]["export"]["status"] == "ERROR"
        assert body["data"]["export"]["error"] == "The export can't be generated."
        assert body["data"]["documents"] == []
    finally:
        gateway.stop()


@pytest.mark.soak
@pytest.mark.timeout(600)
async def test_an_export_under_amazons_own_limits(tmp_path: Path) -> None:
    """One document a minute, and URLs that die in thirty seconds."""
    async with open_world(tmp_path, real_plans=True) as world:
        world.add_endpoint("/hook")
        ask_for_invoices(world)
        gateway = world.folder.start()
        try:
            await gateway.ready()
            received = world.receiver.received["/hook"]
            await received.wait_for(
                lambda got: got.types["invoices.export.completed"] > 0,
                timeout_s=300,
                what="the export",
            )
            await check_invoices(world, gateway)
            assert world.throttled() == 0
        finally:
            gateway.stop()


def report_finished(number: int, seller: str, report_id: str, document_id: str | None) -> str:
    return orjson.dumps(
        {
            "notificationVersion": "2020-09-04",
            "notificationType": "REPORT_PROCESSING_FINISHED",
            "payloadVersion": "1.0",
            "eventTime": "2026-11-01T10:00:00.000Z",
            "payload": {
                "reportProcessingFinishedNotification": {
                    "sellerId": seller,
                    "reportId": report_id,
                    "reportType": "GET_MERCHANT_LISTINGS_ALL_DATA",
                    "processingStatus": "DONE",
                    "reportDocumentId": document_id,
                }
            },
            "notificationMetadata": {"notificationId": f"report-{seller}-{number}"},
        }
    ).decode()


async def test_ten_notifications_of_one_report_make_one_download_and_one_event(
    world: World,
) -> None:
    sellers = ("A1SIMULATORNA1", "A1SIMULATORNA2")
    bodies = []
    for seller in sellers:
        report_id = await _report(world, seller)
        bodies += [report_finished(n, seller, report_id, None) for n in range(10)]
    gateway = world.folder.start()
    try:
        await gateway.ready()
        await world.send(bodies[:5] + bodies[10:15])
        received = world.receiver.received["/hook"]
        await received.wait_for(
            lambda got: got.types["report.completed"] >= 2, timeout_s=60, what="both reports"
        )
        await world.send(bodies)
        while _handlings(world) < len(bodies):
            await pause(0.1)
        events = [json.loads(one)["data"] for one in received.bodies.values()]
        assert sorted(one["seller"] for one in events) == sorted(sellers)
        for event in events:
            assert (await fetched(gateway.port, event["document"])).startswith(b"seller-sku")
        assert world.calls("getReportDocument") == 2
        assert await gateway.terminate() == 0
    finally:
        gateway.stop()


async def _report(world: World, seller: str) -> str:
    body = {"reportType": "GET_MERCHANT_LISTINGS_ALL_DATA", "marketplaceIds": ["ATVPDKIKX0DER"]}
    made = await _called(world, "createReport", "--seller", seller, "--body", json.dumps(body))
    report_id = str(made["reportId"])
    status = ""
    while status != "DONE":
        await pause(0.1)
        found = await _called(world, "getReport", f"reportId={report_id}", "--seller", seller)
        status = found["processingStatus"]
    return report_id


async def _called(world: World, *arguments: str) -> Any:
    # In a thread: the local SP-API answers on this loop.
    return await asyncio.to_thread(world.folder.cli, "call", *arguments)


def _handlings(world: World) -> int:
    """How many handlings of reports have ended."""
    file = world.folder.folder / "gateway.db"
    with sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=10) as database:
        rows = database.execute("SELECT count(*) FROM handlings WHERE ended_at_ms IS NOT NULL")
        return int(rows.fetchone()[0])
