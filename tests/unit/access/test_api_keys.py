"""A key is proved by its secret part alone, and may do what its scopes include."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.access import Scope, new_api_key, read_api_key
from gateway.telemetry.redaction import redact_text

NOW_MS = 1_800_000_000_000


def test_what_is_written_proves_the_key() -> None:
    key, written = new_api_key(NOW_MS, name="ERP", scopes=[Scope.READ], tenant="acme")
    presented = read_api_key(written)
    assert presented is not None
    assert presented.id == key.id
    assert presented.proves(key)
    assert (key.name, key.tenant, key.scopes) == ("ERP", "acme", {Scope.READ})


def test_neither_the_key_nor_what_is_presented_shows_a_secret() -> None:
    key, written = new_api_key(NOW_MS, name="ERP", scopes=[Scope.ADMIN])
    secret = written.rpartition("_")[2] if written.count("_") == 2 else written[38:]
    assert secret not in f"{key!r} {read_api_key(written)!r}"
    assert repr(key.digest) not in repr(key)
    assert secret not in redact_text(f"the key {written} was refused")


@given(st.integers(min_value=38, max_value=80), st.characters(codec="ascii"))
def test_one_other_character_proves_nothing(at: int, other: str) -> None:
    key, written = new_api_key(NOW_MS, name="", scopes=[Scope.READ])
    if written[at] == other:
        return
    presented = read_api_key(written[:at] + other + written[at + 1 :])
    assert presented is None or not presented.proves(key)


@given(st.text())
def test_other_texts_are_no_keys(text: str) -> None:
    if not re.match(r"spgw_[0-9a-f]{32}_", text):
        assert read_api_key(text) is None


@pytest.mark.parametrize(
    ("own", "allowed"),
    [
        ([Scope.READ], {Scope.READ}),
        ([Scope.WRITE], {Scope.READ, Scope.WRITE}),
        ([Scope.ADMIN], set(Scope)),
        ([], set()),
    ],
)
def test_each_scope_includes_those_before_it(own: list[Scope], allowed: set[Scope]) -> None:
    key, _ = new_api_key(NOW_MS, name="", scopes=own)
    assert {scope for scope in Scope if key.allows(scope)} == allowed


def test_a_key_ends_when_it_expires_or_is_revoked() -> None:
    key, _ = new_api_key(NOW_MS, name="", scopes=[Scope.READ], expires_at_ms=NOW_MS + 10)
    assert key.usable_at(NOW_MS + 9)
    assert not key.usable_at(NOW_MS + 10)
    assert not replace(key, revoked_at_ms=NOW_MS).usable_at(NOW_MS)
    assert replace(key, expires_at_ms=None).usable_at(NOW_MS + 10**12)
