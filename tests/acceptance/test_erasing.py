"""Retention and erasure while traffic flows: afterwards the person is found in no file."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.model import IdPrefix, new_id
from tests.support.processes import GatewayFolder
from tests.support.world import numbered, open_world, undescribed, until

pytestmark = [pytest.mark.acceptance]

NAME = "Erika Mustermann-Gabler"
OLD = "Heinrich Vergangenheit"
DAY_MS = 86_400_000
OF_HER, BEFORE, MEANWHILE, PAST = 20, 100, 200, 300


def about(notification_id: str, name: str) -> str:
    body = json.loads(undescribed(notification_id))
    return json.dumps(body | {"Payload": {"note": f"for {name}", "filler": "x" * 2_000}})


def add_history(folder: GatewayFolder) -> None:
    """Notifications of a month ago that nobody handled."""
    at_ms = 1_000 * 1_700_000_000
    with sqlite3.connect(folder.folder / "gateway.db", timeout=30) as database:
        database.executemany(
            "INSERT INTO notifications (id, identity, type, payload_version, received_at_ms, source,"
            " origin, state, body, body_sealed)"
            " VALUES (?, ?, 'T', '1', ?, 'q', 'sqs', 'ignored', ?, 0)",
            [
                (new_id(IdPrefix.NOTIFICATION, at_ms + n), f"old-{n}", at_ms + n, _old(n))
                for n in range(PAST)
            ],
        )
    database.close()


def history_left(folder: GatewayFolder) -> int:
    file = folder.folder / "gateway.db"
    with sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=30) as database:
        ((left,),) = database.execute("SELECT count(*) FROM notifications WHERE type = 'T'")
    database.close()
    return int(left)


def _old(number: int) -> bytes:
    return f'{{"n": {number}, "name": "{OLD}", "filler": "{"y" * 3_000}"}}'.encode()


def files(folder: Path) -> Iterator[Path]:
    return (one for one in folder.rglob("*") if one.is_file())


def found_in(folder: Path, *texts: str) -> list[str]:
    """The names of the files in which any of the texts stands, in any of JSON's spellings."""
    wanted = [text.encode() for text in texts]
    return sorted(
        str(one.relative_to(folder))
        for one in files(folder)
        if any(text in one.read_bytes() for text in wanted)
    )


async def test_a_person_is_forgotten_everywhere_while_traffic_flows(tmp_path: Path) -> None:
    environ = {
        "SPGW_RETENTION__EVERY_S": "1",
        "SPGW_LOGGING__LEVEL": "debug",
    }
    async with open_world(tmp_path, modules=["handlers.passthrough"], extra_env=environ) as world:
        folder = world.folder
        world.add_endpoint("/hook")
        received = world.receiver.received["/hook"]
        gateway = folder.start()
        try:
            await gateway.ready()
            hers = [about(one, NAME) for one in numbered("hers", OF_HER)]
            await world.send(hers + [about(one, "others") for one in numbered("before", BEFORE)])
            await received.wait_for(
                lambda got: len(got.ids) == OF_HER + BEFORE, timeout_s=90, what="what came before"
            )
            kept = tmp_path / "archive"
            folder.cli("archive", "export", str(kept / "all.jsonl"), "--plain", "--from", "1h")
            add_history(folder)
            assert {one[:10] for one in found_in(tmp_path, NAME, OLD)} >= {
                "gateway.db",
                "archive/al",
            }

            sending = asyncio.create_task(
                world.send([about(one, "others") for one in numbered("meanwhile", MEANWHILE)])
            )
            asked = await asyncio.to_thread(
                folder.cli, "erase", "--buyer", NAME, "--archive", f"{kept}/"
            )
            assert NAME not in json.dumps(asked)
            gateway.kill()
            gateway = folder.start()
            await gateway.ready()
            await sending

            def shown() -> str:
                return str(folder.cli("erase", "show", asked["id"])["state"])

            await until(lambda: shown() != "running", "the erasure has ended")
            await received.wait_for(
                lambda got: len(got.ids) == OF_HER + BEFORE + MEANWHILE,
                timeout_s=90,
                what="all that came meanwhile",
            )
            report = folder.cli("erase", "show", asked["id"])
            assert report["state"] == "finished", report
            assert report["report"]["notifications"] == OF_HER
            assert report["report"]["events"] == OF_HER
            assert report["report"]["archives"] == OF_HER
            await until(lambda: history_left(folder) == 0, "what is too old has gone")
            assert await gateway.terminate() == 0
        finally:
            gateway.stop()
        assert found_in(tmp_path, NAME, OLD) == []
        with sqlite3.connect(tmp_path / "gateway.db") as database:
            ((kept, emptied),) = database.execute(
                "SELECT count(*), sum(length(body) = 0) FROM notifications"
            ).fetchall()
        database.close()
        # The frames of hers are known still; the old ones went, being older than any days.
        assert (kept, emptied) == (OF_HER + BEFORE + MEANWHILE, OF_HER)
