"""API keys by command, and the log of what was changed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.cli.conftest import Gateway


def test_a_key_from_create_to_revoke(gateway: Gateway) -> None:
    made = gateway("keys", "create", "--scopes", "admin", "--name", "deploy")
    assert made["key"].startswith("spgw_")
    assert (made["scopes"], made["name"], made["tenant"]) == (["admin"], "deploy", None)
    (listed,) = gateway("keys", "list")["items"]
    assert {**listed, "key": made["key"]} == made

    assert gateway("keys", "revoke", made["id"]) == {"id": made["id"], "revoked": True}
    (listed,) = gateway("keys", "list")["items"]
    assert listed["revoked_at"].endswith("Z")


def test_the_key_is_shown_once_only(gateway: Gateway) -> None:
    secret = gateway("keys", "create", "--scopes", "read,write", "--tenant", "acme")["key"][38:]
    assert secret not in gateway.said("keys", "list")
    assert secret not in gateway.said("audit", "list")
    assert secret.encode() not in b"".join(f.read_bytes() for f in Path().glob("gateway.db*"))


def test_each_change_of_a_key_is_in_the_log(gateway: Gateway) -> None:
    made = gateway("keys", "create", "--scopes", "read", "--scopes", "write", "--tenant", "acme",
                   "--expires-in-days", "1")  # fmt: skip
    gateway("keys", "revoke", made["id"])
    gateway("keys", "create", "--scopes", "admin")
    revoked, created = gateway("audit", "list", "--object", made["id"])["items"]
    assert (revoked["action"], created["action"]) == ("key.revoke", "key.create")
    assert created["actor"].startswith("cli:")
    assert created["tenant"] == "acme"
    assert created["changes"]["scopes"] == {"from": None, "to": ["read", "write"]}
    assert created["changes"]["expires_at"]["to"] == made["expires_at"]
    newest = gateway("audit", "list", "--limit", "1")
    assert newest["items"][0]["object_id"] != made["id"]
    assert newest["next_cursor"] == newest["items"][0]["id"]


@pytest.mark.parametrize("scopes", ["root", "", "read,root"])
def test_unknown_scopes_are_refused(gateway: Gateway, scopes: str) -> None:
    assert "admin" in gateway.fails(2, "keys", "create", "--scopes", scopes)["detail"]
    assert gateway("keys", "list")["items"] == []


def test_an_unknown_key(gateway: Gateway) -> None:
    assert gateway.fails(1, "keys", "revoke", "key_0")["type"] == "urn:gateway:problem:not-found"
    assert gateway("audit", "list")["items"] == []
