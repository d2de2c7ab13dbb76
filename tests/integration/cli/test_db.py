"""The database's commands, and what becomes of its key ring."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from gateway.sealing import load_ring
from tests.integration.cli.conftest import Gateway
from tests.support.postgres import PostgresServer


def test_a_new_database(gateway: Gateway) -> None:
    assert gateway("db", "current")["state"] == "empty"
    assert not Path("gateway.db").exists()
    upgraded = gateway("db", "upgrade")
    assert (upgraded["before"], upgraded["state"]) == ("empty", "current")
    assert gateway("db", "upgrade")["before"] == "current"
    assert gateway("db", "current")["state"] == "current"
    assert stat.S_IMODE(Path("gateway.db.keys").stat().st_mode) == 0o600


def test_a_lost_key_ring_is_not_replaced_in_silence(gateway: Gateway) -> None:
    gateway("endpoints", "add", "http://127.0.0.1:9/x")
    Path("gateway.db.keys").unlink()
    problem = gateway.fails(4, "endpoints", "list")
    assert "backup" in problem["faults"][0]["mend"]
    assert not Path("gateway.db.keys").exists()


def test_keys_are_made_where_they_are_named(gateway: Gateway) -> None:
    gateway.environ["SPGW_SEALING__KEYS_FILE"] = "ring.json"
    made = gateway("db", "create-keys")
    assert made["file"] == "ring.json"
    assert len(made["key_id"]) == 8
    gateway.fails(3, "db", "create-keys")
    assert gateway("endpoints", "list")["items"] == []


def test_rotation_seals_again_and_loses_nothing(gateway: Gateway) -> None:
    before = gateway("endpoints", "add", "http://127.0.0.1:9/x")
    old_key = load_ring(Path("gateway.db.keys")).newest
    rotated = gateway("db", "rotate-keys")
    assert rotated["resealed"] == 1
    assert rotated["key_id"] != old_key.id
    assert len(load_ring(Path("gateway.db.keys")).keys) == 2
    shown = gateway("endpoints", "show", before["id"])
    del shown["health"]  # of which adding tells nothing
    assert {**shown, "secret": before["secret"]} == before
    assert gateway("db", "rotate-keys", "--resume") == {**rotated, "resealed": 0}
    stored = b"".join(file.read_bytes() for file in Path().glob("gateway.db*"))
    assert bytes.fromhex(rotated["key_id"]) in stored


def test_nothing_is_rotated_where_the_database_can_not_be_used(gateway: Gateway) -> None:
    gateway("db", "upgrade")
    Path("gateway.db").write_bytes(b"no database" * 1000)
    gateway.fails(5, "db", "rotate-keys")
    assert len(load_ring(Path("gateway.db.keys")).keys) == 1


def test_a_database_that_can_not_be_reached(gateway: Gateway) -> None:
    gateway.environ["SPGW_SEALING__KEYS_FILE"] = "ring.json"
    gateway("db", "create-keys")
    gateway.environ["SPGW_STORE__URL"] = "postgresql://u:hunter2@127.0.0.1:9/x"
    problem = gateway.fails(5, "db", "current")
    assert problem["type"] == "urn:gateway:problem:unreachable"
    assert "hunter2" not in str(problem)


@pytest.mark.postgres
def test_postgresql_waits_for_its_upgrade(
    gateway: Gateway, postgres_server: PostgresServer
) -> None:
    with postgres_server.database() as url:
        gateway.environ["SPGW_STORE__URL"] = url
        assert gateway.fails(4, "endpoints", "list")["faults"][0]["where"].endswith("keys_file")
        gateway.environ["SPGW_SEALING__KEYS_FILE"] = "ring.json"
        gateway("db", "create-keys")
        problem = gateway.fails(4, "endpoints", "list")
        assert problem["type"] == "urn:gateway:problem:schema"
        assert "gateway db upgrade" in problem["detail"]
        assert gateway("db", "upgrade")["state"] == "current"
        added = gateway("endpoints", "add", "http://127.0.0.1:9/x")
        assert gateway("db", "rotate-keys")["resealed"] == 1
        assert gateway("endpoints", "show", added["id"])["url"] == added["url"]
