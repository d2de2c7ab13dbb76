"""A long history in a database, made in sets: for plans and times at any size, on both databases.

A day is 200,000 notifications. One seller has two fifths of them, 400 share the rest, one has
three. States that are rare in life are rare here. Nothing is random: row `n` is always the same.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import asyncpg

START_MS: Final = 1_795_500_000_000
EVERY_MS: Final = 432
"""A notification each: 200,000 a day."""

_CHUNK: Final = 250_000
BIG_SELLER, RARE_SELLER = "ABIGSELLER", "ARARESELLER"
BIG_ENDPOINT, RARE_ENDPOINT = "ep_big", "ep_rare"
RARE_TYPE, RARE_EVENT = "FEED_PROCESSING_FINISHED", "feed.finished"
RARE_HANDLER = "feed_ready"

# What is written differently: ids (48 bits of time, then a number), bytes, and rows of numbers.
_SQLITE: Final = {
    "id": "'{prefix}_' || printf('%012x%020x', {ms}, n)",
    "bytes": "CAST({text} AS BLOB)",
    "rows": "WITH RECURSIVE s(n) AS (SELECT {low} UNION ALL SELECT n + 1 FROM s WHERE n < {high})",
    "from": "s",
}
_POSTGRES: Final = {
    "id": "'{prefix}_' || lpad(to_hex({ms}), 12, '0') || lpad(to_hex(n), 20, '0')",
    "bytes": "convert_to({text}, 'UTF8')",
    "rows": "",
    "from": "generate_series({low}::bigint, {high}::bigint) AS s(n)",
}


@dataclass(frozen=True, slots=True)
class History:
    """How much of it there is: rows 1 to `count`."""

    count: int

    def at_ms(self, n: int) -> int:
        return START_MS + n * EVERY_MS

    def id(self, prefix: str, n: int) -> str:
        return f"{prefix}_{self.at_ms(n):012x}{n:020x}"

    @property
    def rare(self) -> tuple[int, int, int]:
        """The three rows of whoever has three."""
        step = self.count // 3
        return step - 1, 2 * step - 1, 3 * step - 1

    @property
    def middle(self) -> int:
        """A row in the middle that a common order is in."""
        return self.count // 2 // 20 * 20


def fill_sqlite(path: Path, history: History, told: Callable[[str], None] = print) -> None:
    """Fill a migrated file that nobody has open."""
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("PRAGMA cache_size = -400000")
        for what, sql in _statements(history, _SQLITE):
            connection.execute(sql)
            told(what)
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        connection.close()


async def fill_postgres(dsn: str, history: History, told: Callable[[str], None] = print) -> None:
    """Fill a migrated database; the server's own statistics are made at the end."""
    connection: asyncpg.Connection[Any] = await asyncpg.connect(dsn)
    try:
        await connection.execute("SET synchronous_commit = off")
        for what, sql in _statements(history, _POSTGRES):
            await connection.execute(sql, timeout=3_600)
            told(what)
        await connection.execute("VACUUM ANALYZE", timeout=3_600)
    finally:
        await connection.close()


def _statements(history: History, form: dict[str, str]) -> Iterator[tuple[str, str]]:
    for low in range(1, history.count + 1, _CHUNK):
        high = min(low + _CHUNK - 1, history.count)
        for table, columns, values, where in _tables(history, form):
            rows = form["rows"].format(low=low, high=high)
            of = form["from"].format(low=low, high=high)
            yield (
                f"{table} up to {high}",
                f"INSERT INTO {table} ({columns}) {rows} SELECT {values} FROM {of} WHERE {where}",
            )


_AT: Final = f"({START_MS} + n * {EVERY_MS})"
_WEEK: Final = f"{_AT} / 604800000"
_IGNORED: Final = "n % 50000 = 17"


def _tables(history: History, form: dict[str, str]) -> Iterator[tuple[str, str, str, str]]:
    """Yield table, columns, values and condition."""
    ids = {
        prefix: form["id"].format(prefix=prefix, ms=_AT)
        for prefix in ("ntf", "hdl", "evt", "dlv", "att", "qtn")
    }
    filler = "x" * 400
    body = form["bytes"].format(text=f"""'{{"n":' || n || ',"x":"{filler}"}}'""")
    none = form["bytes"].format(text="''")
    rare = f"n IN {history.rare}"
    seller = (
        f"CASE WHEN {rare} THEN '{RARE_SELLER}' WHEN n % 5 < 2 THEN '{BIG_SELLER}'"
        " ELSE 'A' || (n * 7919 % 400) END"
    )
    yield _notifications(ids, rare, seller, body)
    yield from _references(ids)
    yield (
        "receipts",
        "notification_id, id, message_id, source, origin, received_at_ms",
        f"{ids['ntf']}, 'ntf_' || n, 'again-' || n, 'queue', 'sqs', {_AT}",
        "n % 20 = 0",
    )
    yield _handlings(ids, rare, seller)
    yield from _published(ids, rare, seller, body, none)
    yield (
        "quarantine",
        "id, identity, source, message_id, reason, body, size_bytes, received_at_ms",
        f"{ids['qtn']}, 'q' || n, 'queue', 'm' || n, 'no JSON', {none}, 1, {_AT}",
        "n % 1000 = 500",
    )


def _notifications(
    ids: dict[str, str], rare: str, seller: str, body: str
) -> tuple[str, str, str, str]:
    type_ = (
        f"CASE WHEN {rare} THEN '{RARE_TYPE}' WHEN n % 10 < 6 THEN 'ORDER_CHANGE'"
        " WHEN n % 1000 = 9 THEN 'REPORT_PROCESSING_FINISHED' ELSE 'ANY_OFFER_CHANGED' END"
    )
    state = f"CASE WHEN {_IGNORED} THEN 'ignored' ELSE 'accepted' END"
    return (
        "notifications",
        (
            "id, identity, type, payload_version, seller_id, marketplace_id, event_time_ms,"
            " received_at_ms, source, origin, state, body, body_sealed, message_id"
        ),
        (
            f"{ids['ntf']}, 'amzn-' || n, {type_}, '1.0', {seller}, 'M' || n % 12, {_AT} - 900, {_AT},"
            f" 'queue', 'sqs', {state}, {body}, n < 0, 'sqs-' || n"
        ),
        "1 = 1",
    )


def _references(ids: dict[str, str]) -> Iterator[tuple[str, str, str, str]]:
    for kind, value, where in (
        ("order", "'902-' || (n / 20 * 20)", "n % 10 < 6"),
        ("sku", "'SKU-' || n % 500", "n % 10 = 1"),
        ("report", "'R' || n", "n % 1000 = 9"),
    ):
        yield (
            "notification_refs",
            "week, kind, value, notification_id",
            f"{_WEEK}, '{kind}', {value}, {ids['ntf']}",
            where,
        )


def _handling_state(rare: str) -> str:
    return (
        f"CASE WHEN {rare} THEN 'handled' WHEN n % 25000 = 3 THEN 'dead'"
        " WHEN n % 20000 = 11 THEN 'skipped' WHEN n % 500000 = 21 THEN 'pending'"
        " WHEN n % 7 = 1 THEN 'coalesced' ELSE 'handled' END"
    )


def _handlings(ids: dict[str, str], rare: str, seller: str) -> tuple[str, str, str, str]:
    handler = f"CASE WHEN {rare} THEN '{RARE_HANDLER}' ELSE 'order_change' END"
    return (
        "handlings",
        (
            "id, notification_id, handler, run, lane, key, coalesces, state, readiness, due_at_ms,"
            " event_time_ms, created_at_ms, ended_at_ms"
        ),
        (
            f"{ids['hdl']}, {ids['ntf']}, {handler}, 0, {seller}, 'k' || n, n > 0,"
            f" {_handling_state(rare)}, CASE WHEN n % 500000 = 21 THEN 1 ELSE 0 END, {_AT}, {_AT},"
            f" {_AT}, {_AT} + 40"
        ),
        f"NOT ({_IGNORED})",
    )


def _published(
    ids: dict[str, str], rare: str, seller: str, body: str, none: str
) -> Iterator[tuple[str, str, str, str]]:
    where = f"({_handling_state(rare)}) = 'handled' AND NOT ({_IGNORED})"
    type_ = f"CASE WHEN {rare} THEN '{RARE_EVENT}' ELSE 'order.changed' END"
    yield (
        "events",
        "id, type, occurred_at_ms, seller_id, notification_id, handling_id, body, created_at_ms",
        f"{ids['evt']}, {type_}, {_AT}, {seller}, {ids['ntf']}, {ids['hdl']}, {body}, {_AT} + 40",
        where,
    )
    endpoint = (
        f"CASE WHEN {rare} THEN '{RARE_ENDPOINT}' WHEN n % 5 < 2 THEN '{BIG_ENDPOINT}'"
        " ELSE 'ep_' || n % 300 END"
    )
    state = (
        "CASE WHEN n % 40000 = 22 THEN 'dead' WHEN n % 100000 = 42 THEN 'held'"
        " WHEN n % 500000 = 62 THEN 'pending' ELSE 'delivered' END"
    )
    yield (
        "deliveries",
        (
            "id, event_id, endpoint_id, state, readiness, due_at_ms, attempts, created_at_ms,"
            " ended_at_ms"
        ),
        (
            f"{ids['dlv']}, {ids['evt']}, {endpoint}, {state},"
            f" CASE WHEN n % 500000 = 62 THEN 1 ELSE 0 END, {_AT}, 1, {_AT} + 40, {_AT} + 90"
        ),
        where,
    )
    yield (
        "attempts",
        "id, delivery_id, endpoint_id, number, started_at_ms, duration_ms, status, answer, charged",
        f"{ids['att']}, {ids['dlv']}, {endpoint}, 1, {_AT} + 50, 40, 200, {none}, n > 0",
        f"{where} AND n % 4 = 0",
    )
