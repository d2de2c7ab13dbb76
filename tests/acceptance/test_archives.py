"""Archives and real processes: wiped and brought back, and killed in the middle of everything."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from gateway.archive.compression import Compression
from gateway.archive.exporting import Exporting, Order
from gateway.archive.manifest import Scope
from gateway.archive.places import FolderPlaces, Location
from gateway.archive.source import archived_of_part, archives
from gateway.clock import SystemClock
from gateway.sealing import Sealer, load_ring
from tests.support.archives import MemoryArchiving, archived, message
from tests.support.clock import FakeClock
from tests.support.postgres import PostgresServer
from tests.support.processes import GatewayFolder
from tests.support.truth import Received
from tests.support.world import (
    World,
    numbered,
    open_world,
    order_change,
    pause,
    pricing_health,
    undescribed,
)

pytestmark = [pytest.mark.acceptance]

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS


@pytest.fixture
def store_urls(request: pytest.FixtureRequest) -> Iterator[list[str | None]]:
    """Two databases: one to be lost, one to begin again with."""
    if request.param == "sqlite":
        yield [None, None]
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    with server.database() as first, server.database() as second:
        yield [first, second]


def told(received: Received) -> Counter[str]:
    """What receivers were told, ids aside."""
    found: Counter[str] = Counter()
    for body in received.bodies.values():
        event = json.loads(body)
        event["data"].pop("replayed_from")
        found[json.dumps(event, sort_keys=True)] += 1
    return found


async def handled_by(
    world: World, received: Received, count: int, before: Callable[[], Any] = lambda: None
) -> None:
    """Run a gateway until so many events have come."""
    gateway = world.folder.start()
    try:
        await gateway.ready()
        before()
        await received.wait_for(
            lambda got: len(got.bodies) >= count, timeout_s=60, what=f"{count} events"
        )
        assert await gateway.terminate() == 0, gateway.tail()
    finally:
        gateway.stop()


@pytest.mark.parametrize(
    ("store_urls", "way"),
    [("sqlite", "import and replay"), ("postgres", "straight from the archive")],
    indirect=["store_urls"],
)
async def test_what_was_exported_gives_the_same_events_after_a_wipe(
    tmp_path: Path, store_urls: list[str | None], way: str
) -> None:
    first, second = store_urls
    async with open_world(tmp_path, store_url=first) as world:
        folder = world.folder
        if first is not None:
            folder.cli("db", "upgrade")
        world.add_endpoint("/before")
        bodies = [order_change(f"o-{n}", f"902-{n:07d}-0000001") for n in range(8)]
        bodies += [pricing_health(one) for one in numbered("p", 20)]
        bodies += [undescribed(one) for one in numbered("u", 5)]
        await world.send(bodies)
        before = world.receiver.received["/before"]
        await handled_by(world, before, len(bodies))
        made = folder.cli("archive", "export", "kept/all.jsonl.zst", "--from", "1h")
        assert made["lines"] == len(bodies)

        wipe(folder, second)
        world.add_endpoint("/after")
        after = world.receiver.received["/after"]
        if way == "import and replay":
            assert folder.cli("archive", "import", "kept")["new"] == len(bodies)
            command = ("replay", "start", "--from", "1h")
        else:
            command = ("replay", "start", "--archive", "kept/all.jsonl.zst")
        await handled_by(world, after, len(bodies), lambda: folder.cli(*command))
        assert told(after) == told(before)
        assert not after.ids.keys() & before.ids.keys()
        assert not after.unverified


def wipe(folder: GatewayFolder, second: str | None) -> None:
    """Lose the database; the key ring stays."""
    if second is not None:
        folder.store_url = second
        folder.write()
        folder.cli("db", "upgrade")
        return
    for file in folder.folder.glob("gateway.db*"):
        file.unlink()


# ── kills ────────────────────────────────────────────────────────────────────────────────────────

COUNT = 600


@pytest.fixture
def folder(tmp_path: Path) -> GatewayFolder:
    made = GatewayFolder(
        folder=tmp_path,
        store_url=f"sqlite:///{tmp_path / 'gateway.db'}",
        queue_urls=[],
        queue_endpoint=None,
        spapi={},
        applications=[],
        sellers=[],
        modules=["handlers.passthrough"],
    )
    made.write()
    return made


def killed_while(folder: GatewayFolder, going: Callable[[], bool], *arguments: str) -> int:
    """Start a command, kill it as soon as `going`; return how it ended, killed or not."""
    command = [sys.executable, "-m", "gateway", "--config", str(folder.config), *arguments]
    process = subprocess.Popen(
        [*command, "--json"],
        env=folder.environ(),
        cwd=folder.folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 60
    while process.poll() is None and not going():
        assert time.monotonic() < deadline
        time.sleep(0.002)
    with suppress(ProcessLookupError):
        os.kill(process.pid, signal.SIGKILL)
    return process.wait(10)


def stored(folder: GatewayFolder) -> int:
    try:
        with sqlite3.connect(f"file:{folder.folder / 'gateway.db'}?mode=ro", uri=True) as found:
            count: int = found.execute("SELECT count(*) FROM notifications").fetchone()[0]
    except sqlite3.Error:  # it is being made
        return 0
    return count


async def lines_of(folder: GatewayFolder, root: Path) -> Counter[str]:
    """How often each notification stands in the archives of a folder, all of it verified."""
    sealer = Sealer(load_ring(folder.folder / "sealing.keys"))
    places = FolderPlaces(root)
    found: Counter[str] = Counter()
    async for archive in archives(places, Location(bucket=None, root=str(root), name="")):
        for part in archive.manifest.parts:
            async for _, one in archived_of_part(places, archive, part, sealer):
                found[one.identity] += 1
    return found


async def test_killed_in_the_middle_of_export_and_import_nothing_is_missed_or_doubled(
    folder: GatewayFolder,
) -> None:
    names = list(numbered("n", COUNT))
    (folder.folder / "bodies.jsonl").write_text("\n".join(pricing_health(one) for one in names))
    folder.cli("notifications", "inject", "bodies.jsonl")
    kept = folder.folder / "kept"

    def files() -> int:
        return len(list(kept.glob("*.jsonl.gz"))) if kept.exists() else 0

    export = ("archive", "export", "kept/a.jsonl.gz")
    killed_while(folder, lambda: files() > 3, *export, "--from", "1h", "--part-lines", "10")
    assert folder.cli("archive", "import", "kept", check=False) is None  # not yet whole
    for more in (20,):
        killed_while(folder, lambda more=more: files() > more, *export, "--resume")
    made = folder.cli(*export, "--resume", check=False)
    assert made is None or made["lines"] == COUNT
    assert await lines_of(folder, kept) == Counter(names)
    assert folder.cli("archive", "verify", "kept")["faults"] == []

    wipe(folder, None)
    for share in (0, COUNT // 2):
        killed_while(
            folder, lambda share=share: stored(folder) > share, "archive", "import", "kept"
        )
    done = folder.cli("archive", "import", "kept")
    assert (done["lines"], stored(folder)) == (COUNT, COUNT)
    again = folder.cli("archive", "import", "kept")
    assert (again["new"], again["known"]) == (0, COUNT)


async def test_killed_in_the_middle_of_archiving_as_it_comes_nothing_is_missed_or_doubled(
    folder: GatewayFolder,
) -> None:
    names = await days_of_notifications(folder)
    root = folder.folder / "everything"
    folder.extra_env = {"SPGW_ARCHIVE__URL": f"folder:{root}", "SPGW_ARCHIVE__EVERY_S": "1"}

    def manifests() -> int:
        return len(list(root.rglob("*.manifest.json"))) if root.exists() else 0

    for windows in (0, 2):
        gateway = folder.start()
        try:
            await gateway.ready()
            for _ in range(3_000):
                if manifests() > windows:
                    break
                await pause(0.01)
            gateway.kill()
        finally:
            gateway.stop()
    gateway = folder.start()
    try:
        await gateway.ready()
        for _ in range(300):
            if manifests() and len(await lines_of(folder, root)) == len(names):
                break
            await pause(0.2)
        assert await gateway.terminate() == 0, gateway.tail()
    finally:
        gateway.stop()
    assert await lines_of(folder, root) == Counter(names)
    days = {one.name for one in root.iterdir()}
    assert len(days) in (5, 6)  # five times 24 hours touch six days, but at midnight
    seen = folder.cli("archive", "verify", f"{root}")
    assert (seen["lines"], seen["faults"]) == (len(names), [])


async def days_of_notifications(folder: GatewayFolder) -> list[str]:
    """Bring in notifications, and messages nobody can read, as if they had come these last days."""
    folder.cli("quarantine", "list")  # the first command makes the key ring
    store = MemoryArchiving()
    now_ms = SystemClock().now_ms()
    for number in range(COUNT):
        type_ = ("ORDER_CHANGE", "FEE_PROMOTION", "PRICING_HEALTH")[number % 3]
        at_ms = now_ms - 5 * DAY_MS + number * (5 * DAY_MS - HOUR_MS) // COUNT
        unreadable = number % 50 == 0
        one = (
            message(number, at_ms=at_ms)
            if unreadable
            else archived(number, type_=type_, at_ms=at_ms)
        )
        store.rows[one.id] = one
    exporting = Exporting(
        store,
        FolderPlaces(folder.folder / "days"),
        Sealer(load_ring(folder.folder / "sealing.keys")),
        FakeClock(),
        schema="0001",
    )
    order = Order(scope=Scope(from_ms=0, to_ms=now_ms), compression=Compression.NONE, plain=True)
    await exporting.run("days", await exporting.begin("days", "arc_days", order))
    assert folder.cli("archive", "import", "days")["new"] == COUNT
    return [one.identity for one in store.rows.values()]
