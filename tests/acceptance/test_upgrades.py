"""Releases side by side: one release works on the schema of the next, and says when it can't."""

from __future__ import annotations

import asyncio
import io
import subprocess
import tarfile
from pathlib import Path

import pytest

from gateway.cli.app import call
from gateway.store.migrate import FLOOR, REVISIONS
from tests.support.later_release import REVISION, raise_floor, upgrade_by_a_later_release
from tests.support.truth import assert_complete
from tests.support.world import World, numbered, open_world, order_change, pricing_health

pytestmark = [pytest.mark.acceptance]

ROOT = Path(__file__).parents[2]
SHARE = 40
LISTS = (
    ("notifications", "list"),
    ("handlings", "list"),
    ("events", "list"),
    ("deliveries", "list"),
    ("endpoints", "list"),
    ("sellers", "list"),
    ("keys", "list"),
    ("audit", "list"),
    ("jobs", "list"),
    ("sweeps", "list"),
    ("replay", "list"),
    ("subscriptions", "list"),
    ("quarantine", "list"),
    ("usage",),
)


async def test_this_release_works_on_the_schema_of_the_next(
    tmp_path: Path, store_url: str | None
) -> None:
    """On PostgreSQL with two replicas: the schema grows below them, then each is restarted."""
    async with open_world(tmp_path, store_url=store_url) as world:
        world.folder.cli("db", "upgrade")
        world.add_endpoint("/hook")
        ids = list(numbered("n", 3 * SHARE))
        processes = [world.folder.start() for _ in range(1 if store_url is None else 2)]
        try:
            for each in processes:
                await each.ready()
            await _arrive(world, ids[:SHARE])
            await upgrade_by_a_later_release(world.folder.store_url)
            await _arrive(world, ids[: 2 * SHARE])
            for number, each in enumerate(processes):
                assert await each.terminate() == 0, each.tail()
                processes[number] = world.folder.start()
                await processes[number].ready()
            await _arrive(world, ids)
            # In a thread: the local SP-API answers in this one.
            await asyncio.to_thread(_operate, world)
            for each in processes:
                assert await each.terminate() == 0, each.tail()
        finally:
            for each in processes:
                each.stop()
        assert_complete(world.receiver.received["/hook"], ids)
        await _refused(world)


async def test_the_release_before_works_on_todays_schema(tmp_path: Path) -> None:
    """With its own code, taken from the history: the last that knows no later revision.

    A checkout without history can't show it; then the two promises that it rests on stand alone:
    the test above, and that the schema only expands (`tests/conformance/store/test_expansions.py`).
    """
    before = _revision_before()
    if before is None or not (tree := _tree_that_ends_at(before, tmp_path / "before")):
        pytest.skip("no earlier release above the floor, or no history, in this checkout")
    async with open_world(tmp_path) as world:
        world.folder.cli("db", "upgrade")
        world.add_endpoint("/hook")
        world.folder.extra_env["PYTHONPATH"] = str(tree)
        current = world.folder.cli("db", "current")
        assert current["release_revision"] == before
        assert (current["state"], current["revision"]) == ("ahead", REVISIONS[-1])
        gateway = world.folder.start()
        try:
            await gateway.ready()
            await _arrive(world, list(numbered("n", SHARE)))
            assert await gateway.terminate() == 0, gateway.tail()
        finally:
            gateway.stop()


def _revision_before() -> str | None:
    """Return the revision before today's; None where no release that knows it is promised to run."""
    known = REVISIONS[REVISIONS.index(FLOOR) :]
    return known[-2] if len(known) > 1 else None


def _tree_that_ends_at(revision: str, folder: Path) -> Path | None:
    """Unpack the newest tree of the history whose last revision is this one."""
    (newest,) = (ROOT / "gateway/store/migrations/versions").glob(f"rev_{REVISIONS[-1]}_*.py")
    added = _git("log", "--diff-filter=A", "--format=%H", "-1", "--", str(newest.relative_to(ROOT)))
    if not added:
        return None
    packed = _git("archive", f"{added.decode().strip()}^", "gateway", "handlers")
    if not packed:
        return None
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        archive.extractall(folder, filter="data")
    assert list((folder / "gateway/store/migrations/versions").glob(f"rev_{revision}_*.py"))
    return folder


def _git(*arguments: str) -> bytes:
    done = subprocess.run(["git", "-C", str(ROOT), *arguments], capture_output=True, check=False)
    return done.stdout if done.returncode == 0 else b""


async def _arrive(world: World, ids: list[str]) -> None:
    """Send what is not sent yet, in two types, and wait until all has arrived."""
    received = world.receiver.received["/hook"]
    new = [one for one in ids if one not in received.events_of]
    half = len(new) // 2
    orders = [order_change(one, f"902-3159896-{int(one[2:]):07}") for one in new[half:]]
    await world.send([*map(pricing_health, new[:half]), *orders])
    await received.wait_for(
        lambda got: all(one in got.events_of for one in ids), timeout_s=60, what="the events"
    )


def _operate(world: World) -> None:
    """Use what an operator uses on the schema that this release doesn't know."""
    cli = world.folder.cli
    current = cli("db", "current")
    assert (current["state"], current["revision"]) == ("ahead", REVISION)
    upgraded = cli("db", "upgrade")
    assert (upgraded["state"], upgraded["revision"]) == ("ahead", REVISION)
    added = cli("endpoints", "add", f"{world.receiver.url}/other")
    for command in (
        ("endpoints", "update", added["id"], "--description", "of another release"),
        ("keys", "create", "--name", "reader", "--scopes", "read"),
        ("db", "rotate-keys"),
        *LISTS,
        ("replay", "start", "--from", "1h", "--to-endpoint", "none", "--wait"),
        ("endpoints", "delete", added["id"]),
    ):
        # Without a process for each, which would take a second to start.
        environ = {**world.folder.environ(), "SPGW_CONFIG": str(world.folder.config)}
        assert call(command, environ=environ) == 0, command


async def _refused(world: World) -> None:
    await raise_floor(world.folder.store_url)
    gateway = world.folder.start()
    try:
        assert gateway.process.wait(60) == 4
        assert f"needs a release that knows {REVISION}" in " ".join(gateway.tail().split())
    finally:
        gateway.stop()
