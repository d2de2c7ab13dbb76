"""What retention and an erasure cost the traffic of the moment, and what becomes of the file.

    python -m benchmarks.retention [--events N] [--history N] [--rounds N] [--print]

Each round measures full load in turn on a database with a month-old history: with retention off,
then with it running without a pause between its runs and a buyer being erased.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import asyncpg

from benchmarks.chain import Chain, Figures
from benchmarks.document import write_between
from benchmarks.measured import EmulatorProcess
from gateway.clock import SystemClock
from gateway.erasures import SubjectKind
from gateway.model import IdPrefix, new_id
from gateway.retention.asking import new_erasure
from gateway.sealing import Sealer, load_ring
from gateway.store import open_store, schema
from gateway.store.database_url import DatabaseUrl
from gateway.store.statements import Plan, insert
from tests.support.postgres import PostgresServer, running_postgres
from tests.support.processes import GatewayFolder

_DAY_MS = 86_400_000
_BUYER = "Erika Mustermann"
_BODY = b'{"name": "Erika Mustermann", "filler": "' + b"x" * 1_300 + b'"}'
_AT_ONCE = 500
_OFF = {"SPGW_RETENTION__ENABLED": "false"}
_ON = {"SPGW_RETENTION__EVERY_S": "1"}

_NOTIFICATIONS = insert(
    schema.notifications,
    (
        *("id", "identity", "type", "payload_version", "received_at_ms", "source", "origin"),
        *("state", "body", "body_sealed"),
    ),
)
_EVENTS = insert(
    schema.events, ("id", "type", "occurred_at_ms", "notification_id", "body", "created_at_ms")
)


class _Deaf:
    def notify(self, topic: str) -> None:
        del topic


@dataclass(frozen=True, kw_only=True)
class Measured:
    figures: Figures
    before_mb: float
    after_mb: float


def prepared(history: int, *, erasing: bool) -> Callable[[GatewayFolder], None]:
    """Return what fills a new database with a history, and asks for an erasure."""

    async def fill(folder: GatewayFolder) -> None:
        clock = SystemClock()
        ring = load_ring(folder.folder / "sealing.keys")
        async with await open_store(
            folder.store_url, sealer=Sealer(ring), clock=clock, signals=_Deaf()
        ) as store:
            old_ms = clock.now_ms() - 200 * _DAY_MS
            for start in range(0, history, _AT_ONCE):
                ids = [
                    (new_id(IdPrefix.NOTIFICATION, old_ms + n), new_id(IdPrefix.EVENT, old_ms + n))
                    for n in range(start, start + _AT_ONCE)
                ]

                def plan(ids: list[tuple[str, str]] = ids) -> Plan[None]:
                    yield _NOTIFICATIONS(
                        [
                            (n, n, "T", "1", old_ms, "q", "sqs", "ignored", _BODY, False)
                            for n, _ in ids
                        ]
                    )
                    yield _EVENTS([(e, "t", old_ms, n, _BODY, old_ms) for n, e in ids])

                await store._driver.write(plan)  # noqa: SLF001 a history is made by nobody else
            if erasing:
                given: dict[SubjectKind, str | None] = {SubjectKind.BUYER: _BUYER}
                await store.erasures.start(new_erasure(given, (), clock.now_ms()))

    return lambda folder: asyncio.run(fill(folder))


async def _size_mb(url: str) -> float:
    where = DatabaseUrl.parse(url)
    if where.path is not None:
        return sum(f.stat().st_size for f in where.path.parent.glob("gateway.db*")) / 1e6
    connection = await asyncpg.connect(where.dsn)
    try:
        size: int = await connection.fetchval(
            "SELECT sum(pg_total_relation_size(c.oid))::bigint FROM pg_class AS c"
            " WHERE c.relname IN ('notifications', 'events')"
        )
    finally:
        await connection.close()
    return size / 1e6


def measured(
    chain: Chain,
    *,
    events: int,
    history: int,
    on: bool,
    server: PostgresServer | None,
) -> Measured:
    sizes: list[float] = []
    urls: list[str] = []

    def prepare(folder: GatewayFolder) -> None:
        prepared(history, erasing=on)(folder)
        urls.append(folder.store_url)
        sizes.append(asyncio.run(_size_mb(folder.store_url)))

    environ: Mapping[str, str] = _ON if on else _OFF
    with chain.gateway(server=server, prepare=prepare, environ=environ) as running:
        figures = chain.full_load(running, events=events, kind="plain", server=server)
        if on:
            time.sleep(20)  # until it has come to its end
        after_mb = asyncio.run(_size_mb(urls[0]))
    return Measured(figures=figures, before_mb=sizes[0], after_mb=after_mb)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=6_000, help="events of one measurement")
    parser.add_argument("--history", type=int, default=20_000, help="old notifications and events")
    parser.add_argument("--rounds", type=int, default=3, help="measurements; medians are shown")
    parser.add_argument("--print", action="store_true", help="leave the document alone")
    given = parser.parse_args()
    told = (
        f"Measured with `python -m benchmarks.retention --events {given.events} --history "
        f"{given.history} --rounds {given.rounds}` on {time.strftime('%Y-%m-%d')}: "
        f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}, CPython "
        f"{platform.python_version()}, loopback; {given.history} old notifications with as many "
        "events, 1.3 KB each; medians."
    )
    lines = [
        told,
        "",
        "| database | retention and erasure | events/s | ratio | MB before | MB after |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    with EmulatorProcess() as emulator, running_postgres(durable=True) as server:
        chain = Chain(emulator)
        for name, one in (("SQLite", None), ("PostgreSQL", server)):
            found: dict[bool, list[Measured]] = {False: [], True: []}
            for number in range(given.rounds):
                # Whichever goes first has the machine as the round before left it.
                for on in (bool(number % 2), not number % 2):
                    found[on].append(
                        measured(
                            chain, events=given.events, history=given.history, on=on, server=one
                        )
                    )
            floor = statistics.median(each.figures.rate for each in found[False])
            for on, rounds in found.items():
                rate = statistics.median(each.figures.rate for each in rounds)
                before = statistics.median(each.before_mb for each in rounds)
                after = statistics.median(each.after_mb for each in rounds)
                lines.append(
                    f"| {name} | {'running' if on else 'off'} | {rate:.0f} | {rate / floor:.2f} "
                    f"| {before:.0f} | {after:.0f} |"
                )
                print(lines[-1], flush=True)
    if not given.print:
        write_between("retention", lines)


if __name__ == "__main__":
    main()
