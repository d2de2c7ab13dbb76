"""The schema only expands: a release that knows an older revision, down to the floor, works on it.

What is proven here of the schema, `tests/acceptance/test_upgrades.py` proves with processes.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from gateway.store.migrate import FLOOR, REVISIONS, _config
from gateway.store.sqlite import connect
from tests.support.expanding import Shape, breaches, shapes

KNOWN = REVISIONS[REVISIONS.index(FLOOR) :]


@pytest.mark.parametrize("revision", KNOWN)
def test_todays_schema_expands_each_down_to_the_floor(
    tmp_path: Path, sqlite_template: Path, revision: str
) -> None:
    earlier = tmp_path / "earlier.db"
    _migrate(earlier, revision)
    found = breaches(shapes(earlier), shapes(sqlite_template))
    assert found == [], (
        f"a release that knows {revision} can't work on today's schema: let the next release "
        "take away what this one no longer uses, and raise FLOOR there"
    )


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("ALTER TABLE events DROP COLUMN replayed_from", "events.replayed_from: is gone"),
        ("ALTER TABLE events RENAME COLUMN type TO kind", "events.type: is gone"),
        ("DROP TABLE memories", "memories: is gone"),
        ("ALTER TABLE sweeps RENAME TO strolls", "sweeps: is gone"),
        ("DROP INDEX ix_operations_running", "index ix_operations_running is gone"),
        ("CREATE UNIQUE INDEX ux ON events (type)", "index ux refuses"),
        ("ALTER TABLE events ADD COLUMN a TEXT CHECK (a <> '')", "constraint or trigger"),
        (
            "CREATE TRIGGER t BEFORE INSERT ON events BEGIN SELECT 1; END",
            "constraint or trigger",
        ),
        (
            "DROP TABLE schema_floor; CREATE TABLE schema_floor (id SMALLINT, release TEXT NOT NULL)",
            "schema_floor.release: can't be left out",
        ),
        (
            "DROP TABLE schema_floor; CREATE TABLE schema_floor (id SMALLINT, revision BLOB)",
            "schema_floor.revision: was",
        ),
    ],
)
def test_what_an_older_release_would_stumble_over_is_found(
    tmp_path: Path, sqlite_template: Path, change: str, told: str
) -> None:
    changed = _changed(tmp_path, sqlite_template, change)
    assert any(told in each for each in breaches(shapes(sqlite_template), changed))


@pytest.mark.parametrize(
    "change",
    [
        "ALTER TABLE events ADD COLUMN a TEXT",
        "ALTER TABLE events ADD COLUMN a INTEGER NOT NULL DEFAULT 0",
        "CREATE INDEX ix_events_a ON events (type, id)",
        "CREATE TABLE a (id TEXT NOT NULL PRIMARY KEY)",
    ],
)
def test_an_expansion_is_none_of_that(tmp_path: Path, sqlite_template: Path, change: str) -> None:
    assert breaches(shapes(sqlite_template), _changed(tmp_path, sqlite_template, change)) == []


def _changed(tmp_path: Path, template: Path, change: str) -> Mapping[str, Shape]:
    path = tmp_path / "changed.db"
    path.write_bytes(template.read_bytes())
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(change)
    return shapes(path)


def test_who_paused_a_seller_is_told_by_the_reason_that_an_earlier_release_kept(
    tmp_path: Path,
) -> None:
    path = tmp_path / "earlier.db"
    _migrate(path, "0025")
    reasons = {
        "A1": "invalid_grant: the seller has to authorise again",
        "A2": "wrong region: the authorisation is for fe, not for eu",
        "A3": "by the operator",
        "A4": None,
    }
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executemany(
            "INSERT INTO sellers (id, region, application_id, sealed_refresh_token, "
            "marketplace_ids, state, paused_reason) VALUES (?, 'eu', 'app', x'00', '[]', ?, ?)",
            [(name, "paused", reason) for name, reason in reasons.items()]
            + [("A5", "active", None)],
        )
    _migrate(path, "0026")
    with closing(sqlite3.connect(path)) as connection:
        found = dict(connection.execute("SELECT id, paused_by FROM sellers"))
    assert found == {
        "A1": "gateway",
        "A2": "gateway",
        "A3": "operator",
        "A4": "operator",
        "A5": None,
    }


def _migrate(path: Path, revision: str) -> None:
    engine = create_engine("sqlite://", creator=lambda: connect(path), poolclass=NullPool)
    with engine.connect() as connection:
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
