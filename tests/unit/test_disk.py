"""A folder of the local disk: what is read and deleted, and what a fault becomes."""

from __future__ import annotations

import errno
import os

import pytest

from gateway.disk import Folder, put_in_place, sync_entries, write_new
from gateway.errors import ArchiveUnavailableError, NotFoundError


@pytest.fixture
def folder(tmp_path) -> Folder:
    return Folder(
        tmp_path, setting="archive", thing="archive file", unavailable=ArchiveUnavailableError
    )


async def test_a_file_comes_in_pieces_that_make_up_the_whole(folder) -> None:
    content = os.urandom(600 * 1024)
    (folder.root / "big").write_bytes(content)
    pieces = [piece async for piece in folder.read("big")]
    assert b"".join(pieces) == content
    assert len(pieces) > 1


async def test_a_missing_file_is_called_what_it_is(folder) -> None:
    with pytest.raises(NotFoundError, match="there is no archive file at 2026/none"):
        _ = [piece async for piece in folder.read("2026/none")]


async def test_a_file_is_deleted_once_and_again_is_no_harm(folder) -> None:
    (folder.root / "old").write_bytes(b"x")
    await folder.delete("old")
    await folder.delete("old")
    assert not (folder.root / "old").exists()


async def test_a_fault_of_the_disk_is_of_the_kind_that_was_given(folder) -> None:
    (folder.root / "one").mkdir()
    with pytest.raises(ArchiveUnavailableError, match=r"archive: Is a directory \(.*one\)"):
        _ = [piece async for piece in folder.read("one")]


async def test_what_a_fault_has_no_name_for_is_told_all_the_same(folder) -> None:
    def full() -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(ArchiveUnavailableError, match=r"archive: No space left on device \(-\)"):
        await folder.do(full)


def test_only_a_folder_has_entries(tmp_path) -> None:
    sync_entries(tmp_path)
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(NotADirectoryError):
        sync_entries(tmp_path / "file")


@pytest.mark.parametrize("links", [True, False], ids=["links", "no links"])
def test_a_name_is_given_and_never_taken_from_another(tmp_path, monkeypatch, links) -> None:
    if not links:
        monkeypatch.setattr(os, "link", _no_links)
    part, path = tmp_path / "x.part", tmp_path / "x"
    part.write_bytes(b"mine")
    put_in_place(part, path)
    assert path.read_bytes() == b"mine"
    assert not part.exists()
    part.write_bytes(b"other")
    with pytest.raises(FileExistsError):
        put_in_place(part, path)
    assert (path.read_bytes(), part.read_bytes()) == (b"mine", b"other")


def _no_links(*_: object) -> None:
    raise PermissionError(errno.EPERM, "Operation not permitted")


def test_a_new_file_is_written_over_nothing(tmp_path) -> None:
    write_new(tmp_path / "x", b"mine")
    with pytest.raises(FileExistsError):
        write_new(tmp_path / "x", b"other")
    assert (tmp_path / "x").read_bytes() == b"mine"
