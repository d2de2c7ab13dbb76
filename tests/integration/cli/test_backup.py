"""`gateway db backup`: what is in a backup, what is refused, and what never stands anywhere."""

from __future__ import annotations

import errno
import hashlib
import json
import shutil
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest

from gateway.sealing import load_ring
from gateway.store.backups.file import BackupFile
from gateway.store.backups.postgres import without_password
from gateway.store.backups.sqlite import copy
from gateway.store.migrate import FLOOR, REVISIONS
from tests.integration.cli.conftest import Gateway
from tests.support.postgres import PostgresServer, client_programs

MANY = 20_000


def _grown(path: Path) -> None:
    """Fill a table with several megabytes, so that a copy takes several steps."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE ballast (id INTEGER PRIMARY KEY, filling BLOB)")
        connection.execute(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)"
            " INSERT INTO ballast SELECT i, randomblob(400) FROM n",
            (MANY,),
        )


def test_a_backup_is_whole_checked_and_told_of(gateway: Gateway, tmp_path: Path) -> None:
    added = gateway("endpoints", "add", "http://127.0.0.1:9/x")
    made = gateway("db", "backup", "copy.db")
    manifest = json.loads(Path("copy.db.manifest.json").read_bytes())
    assert {**manifest, "file": made["file"]} == {
        key: value for key, value in made.items() if key != "keys_file"
    }
    assert (manifest["kind"], manifest["revision"], manifest["floor"]) == (
        "sqlite",
        REVISIONS[-1],
        FLOOR,
    )
    assert manifest["rows"]["endpoints"] == 1
    assert manifest["sha256"] == hashlib.sha256(Path("copy.db").read_bytes()).hexdigest()
    assert manifest["key_ids"] == [load_ring(Path("gateway.db.keys")).newest.id]
    assert manifest["taken_at"] <= manifest["ended_at"]
    assert stat.S_IMODE(Path("copy.db").stat().st_mode) == 0o600
    assert sorted(path.name for path in tmp_path.glob("copy*")) == [
        "copy.db",
        "copy.db.manifest.json",
    ]
    # Put back somewhere else, together with the ring.
    Path("restored").mkdir()
    shutil.copy("copy.db", "restored/gateway.db")
    shutil.copy("gateway.db.keys", "restored/gateway.db.keys")
    gateway.environ["SPGW_STORE__URL"] = "sqlite:///restored/gateway.db"
    assert gateway("endpoints", "show", added["id"])["url"] == added["url"]
    assert gateway("endpoints", "rotate-secret", added["id"])["secret"]


def test_the_key_ring_is_named_and_not_copied(gateway: Gateway) -> None:
    gateway("db", "upgrade")
    said = gateway.said("db", "backup", "copy.db")
    assert "gateway.db.keys is not in it" in said
    ring = load_ring(Path("gateway.db.keys"))
    assert ring.newest.key_bytes not in Path("copy.db").read_bytes()
    Path("gateway.db.keys").unlink()
    assert gateway("db", "backup", "another.db")["key_ids"] is None


def test_a_writer_goes_on_and_the_copy_is_of_one_moment(tmp_path: Path, gateway: Gateway) -> None:
    """Between any two steps somebody writes, who would not wait, and checkpoints."""
    gateway("db", "upgrade")
    source = tmp_path / "gateway.db"
    _grown(source)
    steps = 0
    with closing(sqlite3.connect(source, timeout=0, isolation_level=None)) as writer:

        def write(_text: str) -> None:
            nonlocal steps
            steps += 1
            writer.execute("BEGIN IMMEDIATE")
            writer.execute("DELETE FROM ballast WHERE id = ?", (steps,))
            writer.execute(
                "INSERT INTO ballast SELECT id + ?, filling FROM ballast LIMIT 9", (MANY * steps,)
            )
            writer.execute("COMMIT")
            writer.execute("PRAGMA wal_checkpoint(PASSIVE)")

        with BackupFile(tmp_path / "copy.db") as file:
            snapshot = copy(source, file, write)
            file.finish(snapshot, {}, 0)
    assert steps > 4
    assert snapshot.rows["ballast"] == MANY
    with closing(sqlite3.connect(tmp_path / "copy.db")) as connection:
        assert connection.execute("SELECT min(id), max(id) FROM ballast").fetchone() == (1, MANY)


@pytest.mark.parametrize("taken", ["copy.db", "copy.db.manifest.json", "copy.db.part"])
def test_nothing_is_written_over(gateway: Gateway, taken: str) -> None:
    gateway("db", "upgrade")
    Path(taken).write_text("mine")
    assert taken in gateway.fails(3, "db", "backup", "copy.db")["detail"]
    assert Path(taken).read_text() == "mine"
    assert [path.name for path in Path().glob("copy*")] == [taken]


def test_a_file_system_without_hard_links_will_do(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_source: Path, _target: Path) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    gateway("db", "upgrade")
    monkeypatch.setattr("os.link", refuse)
    gateway("db", "backup", "copy.db")
    assert sorted(path.name for path in Path().glob("copy*")) == [
        "copy.db",
        "copy.db.manifest.json",
    ]


def test_a_full_disk_is_told_and_leaves_nothing(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    gateway("db", "upgrade")
    monkeypatch.setattr("os.fdatasync", full)
    assert "No space left" in gateway.fails(5, "db", "backup", "copy.db")["detail"]
    assert list(Path().glob("copy*")) == []


def test_a_damaged_database_makes_no_backup(gateway: Gateway, tmp_path: Path) -> None:
    gateway("db", "upgrade")
    _grown(tmp_path / "gateway.db")
    with (tmp_path / "gateway.db").open("r+b") as file:
        file.seek(400 * 4096)
        file.write(b"\xff" * 4096)
    assert "malformed" in gateway.fails(1, "db", "backup", "copy.db")["detail"]
    assert list(Path().glob("copy*")) == []


def test_what_is_not_there_is_not_backed_up(gateway: Gateway) -> None:
    assert "no database yet" in gateway.fails(1, "db", "backup", "copy.db")["detail"]
    gateway("db", "upgrade")
    gateway.fails(2, "db", "backup", "no/folder/copy.db")
    assert not Path("copy.db").exists()


@pytest.mark.postgres
def test_postgresql_is_dumped_and_the_dump_read_again(
    gateway: Gateway, postgres_server: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with postgres_server.database() as url:
        gateway.environ |= {
            "SPGW_STORE__URL": url.replace("postgres@", "postgres:hunter2@"),
            "SPGW_SEALING__KEYS_FILE": "ring.json",
            "PATH": str(client_programs()),
        }
        gateway("db", "upgrade")
        gateway("endpoints", "add", "http://127.0.0.1:9/x")
        made = gateway("db", "backup", "copy.dump")
        assert (made["kind"], made["revision"], made["checked"]) == (
            "postgresql",
            REVISIONS[-1],
            "pg_restore",
        )
        assert (made["rows"]["endpoints"], made["rows"]["events"]) == (1, 0)
        assert stat.S_IMODE(Path("copy.dump").stat().st_mode) == 0o600


@pytest.mark.postgres
def test_pg_dump_gets_the_password_unseen_and_its_refusal_is_told(
    gateway: Gateway, postgres_server: PostgresServer, tmp_path: Path
) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "pg_dump").write_text(
        '#!/bin/sh\necho "$@" > args\necho "$PGPASSWORD" > password\n'
        'echo "aborting because of server version mismatch" >&2\nexit 1\n'
    )
    (programs / "pg_restore").write_text("#!/bin/sh\n")
    for program in programs.iterdir():
        program.chmod(0o755)
    with postgres_server.database() as url:
        gateway.environ |= {
            "SPGW_STORE__URL": url.replace("postgres@", "postgres:hunter2@"),
            "SPGW_SEALING__KEYS_FILE": "ring.json",
            "PATH": f"{programs}:/bin",
        }
        gateway("db", "upgrade")
        problem = gateway.fails(5, "db", "backup", "copy.dump")
    assert "version mismatch" in problem["detail"]
    assert Path("password").read_text().strip() == "hunter2"
    given = Path("args").read_text()
    assert "--format=custom" in given
    assert "--snapshot=" in given
    assert "hunter2" not in given
    assert list(Path().glob("copy*")) == []


def test_where_pg_dump_is_missing_it_is_said_what_to_run(gateway: Gateway) -> None:
    gateway.environ |= {
        "SPGW_STORE__URL": "postgresql://u:hunter2@127.0.0.1:9/x",
        "SPGW_SEALING__KEYS_FILE": "ring.json",
        "PATH": "/nowhere",
    }
    problem = gateway.fails(5, "db", "backup", "copy.dump")
    assert "pg_dump --format=custom" in problem["detail"]
    assert "--file=copy.dump 'postgresql://u@127.0.0.1:9/x'" in problem["detail"]
    assert "hunter2" not in str(problem)


@pytest.mark.parametrize(
    ("url", "bare", "password"),
    [
        ("postgresql://h/d", "postgresql://h/d", None),
        ("postgresql://u@h:1/d?sslmode=require", "postgresql://u@h:1/d?sslmode=require", None),
        ("postgresql://u:p%40w@h/d", "postgresql://u@h/d", "p@w"),
        ("postgres://u@/d?host=%2Frun&password=a%26b", "postgres://u@/d?host=%2Frun", "a&b"),
    ],
)
def test_a_url_is_parted_from_its_password(url: str, bare: str, password: str | None) -> None:
    assert without_password(url) == (bare, password)
