"""Sealed values, the key ring's file and its rotation."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.clock import SystemClock
from gateway.errors import ConfigurationError, ConflictError, SealError
from gateway.sealing import (
    KeyRing,
    Sealer,
    SealingKey,
    add_key,
    create_ring,
    load_ring,
    open_sealer,
)

CLOCK = SystemClock()
OLD, NEW = SealingKey.new(CLOCK), SealingKey.new(CLOCK)
SEALER = Sealer(KeyRing(keys=(OLD,)))


@given(st.binary(max_size=300), st.text(max_size=40))
def test_what_is_sealed_opens_again(plain: bytes, context: str) -> None:
    sealed = SEALER.seal(plain, context=context)
    assert SEALER.open(sealed, context=context) == plain
    assert len(plain) < 8 or plain not in sealed


@given(st.binary(min_size=1, max_size=60), st.data())
def test_one_altered_bit_is_noticed(plain: bytes, data: st.DataObject) -> None:
    sealed = bytearray(SEALER.seal(plain, context="c"))
    place = data.draw(st.integers(0, len(sealed) - 1))
    sealed[place] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(SealError):
        SEALER.open(bytes(sealed), context="c")


@given(st.binary(max_size=40))
def test_noise_is_refused(noise: bytes) -> None:
    with pytest.raises(SealError):
        SEALER.open(noise, context="c")


def test_a_value_moved_to_another_row_does_not_open() -> None:
    sealed = SEALER.seal(b"whsec_x", context="endpoint_secret:1")
    with pytest.raises(SealError, match="endpoint_secret:2"):
        SEALER.open(sealed, context="endpoint_secret:2")


def test_equal_values_look_different() -> None:
    assert SEALER.seal(b"x", context="c") != SEALER.seal(b"x", context="c")


def test_the_newest_key_seals_and_all_open() -> None:
    both = Sealer(KeyRing(keys=(OLD, NEW)))
    old = SEALER.seal(b"secret-content", context="c")
    new = both.seal(b"secret-content", context="c")
    assert both.open(old, context="c") == both.open(new, context="c") == b"secret-content"
    assert both.needs_reseal(old)
    assert not both.needs_reseal(new)
    assert both.key_id == NEW.id
    with pytest.raises(SealError, match=NEW.id) as caught:
        SEALER.open(new, context="c")
    assert "secret-content" not in str(caught.value)


def test_a_key_stays_out_of_the_repr() -> None:
    assert repr(OLD.key_bytes) not in repr(KeyRing(keys=(OLD,)))


def test_a_new_ring_is_for_its_owner_only(tmp_path: Path) -> None:
    file = tmp_path / "gateway.db.keys"
    before = os.umask(0)
    try:
        sealer = open_sealer(file, clock=CLOCK, create=True)
    finally:
        os.umask(before)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [held.name for held in tmp_path.iterdir()] == [file.name]
    sealed = sealer.seal(b"x", context="c")
    again = open_sealer(file, clock=CLOCK, create=True)
    assert again.open(sealed, context="c") == b"x"


def test_a_ring_is_never_overwritten(tmp_path: Path) -> None:
    ring = create_ring(tmp_path / "keys", clock=CLOCK)
    with pytest.raises(ConflictError):
        create_ring(tmp_path / "keys", clock=CLOCK)
    assert load_ring(tmp_path / "keys") == ring
    assert [held.name for held in tmp_path.iterdir()] == ["keys"]


def test_a_missing_ring_is_not_replaced_unasked(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="backup"):
        open_sealer(tmp_path / "keys", clock=CLOCK, create=False)
    assert [held.name for held in tmp_path.iterdir()] == []


def test_rotation_is_seen_by_a_process_that_runs(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    running = open_sealer(file, clock=CLOCK, create=True)
    before = running.seal(b"old", context="c")
    ring = add_key(file, clock=CLOCK)
    assert len(ring.keys) == 2
    rotated = open_sealer(file, clock=CLOCK, create=False)
    assert rotated.needs_reseal(before)
    assert running.open(rotated.seal(b"new", context="c"), context="c") == b"new"
    assert not rotated.needs_reseal(running.seal(b"after", context="c"))
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [held.name for held in tmp_path.iterdir()] == ["keys"]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o666])
def test_a_ring_that_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    create_ring(tmp_path / "keys", clock=CLOCK)
    (tmp_path / "keys").chmod(mode)
    with pytest.raises(ConfigurationError, match=f"mode {mode:04o}.*chmod 600"):
        load_ring(tmp_path / "keys")


def test_a_mounted_secret_may_be_read_by_its_group(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_ring(tmp_path / "keys", clock=CLOCK)
    monkeypatch.setattr("os.geteuid", lambda: os.getuid() + 1)
    (tmp_path / "keys").chmod(0o440)
    load_ring(tmp_path / "keys")
    (tmp_path / "keys").chmod(0o444)
    with pytest.raises(ConfigurationError):
        load_ring(tmp_path / "keys")


@pytest.mark.parametrize(
    "text",
    ["", "{}", "[]", '{"keys": []}', '{"keys": [{"id": "x"}]}', '{"keys": [{"id": 1, "key": 2, "created_at": ""}]}'],
)  # fmt: skip
def test_a_damaged_ring_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "keys").touch(0o600)
    (tmp_path / "keys").write_text(text)
    with pytest.raises(ConfigurationError, match="damaged"):
        load_ring(tmp_path / "keys")


def test_a_key_that_was_altered_is_noticed(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    create_ring(file, clock=CLOCK)
    held = json.loads(file.read_text())
    held["keys"][0]["id"] = "00000000"
    file.write_text(json.dumps(held))
    with pytest.raises(ConfigurationError, match="damaged"):
        load_ring(file)


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="can't be written"):
        create_ring(tmp_path / "absent" / "keys", clock=CLOCK)
    with pytest.raises(ConfigurationError, match="can't be read"):
        load_ring(tmp_path)
