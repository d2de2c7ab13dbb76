"""What is written is read again; what was altered, cut short or moved is refused with its line."""

from __future__ import annotations

import gzip
import random
from collections.abc import Callable
from dataclasses import replace

import orjson
import pytest
from backports import zstd
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.archive.compression import Compression, UnpackError, packer, unpacked
from gateway.archive.importing import Importing
from gateway.archive.manifest import read_manifest, written
from gateway.archive.places import Location
from gateway.archive.source import archives
from gateway.archive.verifying import verify
from gateway.errors import ArchiveFaultError, ConflictError, NotFoundError, SealError
from tests.support.archives import (
    Made,
    MemoryArchiving,
    MemoryPlaces,
    archived,
    message,
    order,
    real_sealer,
)

ALL = Location(bucket=None, root="", name="")
UNPACK: dict[Compression, Callable[[bytes], bytes]] = {
    Compression.GZIP: gzip.decompress,
    Compression.ZSTD: zstd.decompress,
    Compression.NONE: bytes,
}


async def taken_in(made: Made, store: MemoryArchiving | None = None) -> MemoryArchiving:
    other = store or MemoryArchiving()
    await Importing(other, made.places, made.sealer).run(ALL)
    return other


def with_lines(made: Made, count: int = 25) -> Made:
    made.hold(*(archived(number) for number in range(1, count + 1)))
    return made


@pytest.mark.parametrize("plain", [False, True])
@pytest.mark.parametrize("compression", list(Compression))
async def test_what_is_exported_comes_back_as_it_was(compression: Compression, plain: bool) -> None:
    made = with_lines(Made())
    made.hold(archived(99, secret=True, body=b'{"newClientSecret":"s3cr3t"}', seller=None))
    manifest = await made.export(what=order(compression=compression, plain=plain))
    assert (manifest.lines, [part.lines for part in manifest.parts]) == (26, [10, 10, 6])
    assert (await taken_in(made)).rows == made.store.rows
    found = await verify(made.places, ALL, made.sealer)
    assert (found.lines, found.faults) == (26, [])
    text = b"".join(UNPACK[compression](made.places.files[one.name]) for one in manifest.parts)
    assert text.count(b"\n") == 26
    assert b"s3cr3t" not in text
    assert (b"Jane Doe" in text) == plain


async def test_only_what_is_selected_is_in_it() -> None:
    made = with_lines(Made())
    made.hold(archived(50, type_="FEE_PROMOTION"), archived(51, seller="A2"))
    manifest = await made.export(what=order(types=["FEE_PROMOTION"]))
    assert manifest.by_type == {"FEE_PROMOTION": 1}
    assert (await made.export("dec", order(sellers=["A2"]))).lines == 1


@pytest.mark.parametrize("plain", [False, True])
async def test_messages_of_the_quarantine_stand_among_the_others_and_sealed(plain: bool) -> None:
    made = with_lines(Made())
    made.hold(message(4), message(17), message(18, b'{"newClientSecret":"s3cr3t"}'))
    manifest = await made.export(what=order(compression=Compression.NONE, plain=plain))
    assert [part.lines for part in manifest.parts] == [10, 10, 8]
    assert manifest.by_type == {"ORDER_CHANGE": 25, "quarantine": 3}
    lines = [orjson.loads(one) for part in manifest.parts for one in files_lines(made, part.name)]
    times = [one["received_at"] for one in lines]
    assert times == sorted(times)
    messages = [one for one in lines if one["type"] == "quarantine"]
    assert [set(one) for one in messages] == [
        {"id", "identity", "type", "received_at", "source", "message_id", "sealed", "check"}
    ] * 3
    assert (await taken_in(made)).rows == made.store.rows
    found = await verify(made.places, ALL, made.sealer)
    assert (found.lines, found.faults, found.by_type["quarantine"]) == (28, [], 3)


async def test_of_the_quarantine_only_what_is_asked_for_is_in_it() -> None:
    made = with_lines(Made(), 3)
    made.hold(message(2))
    assert (await made.export("types", order(types=["ORDER_CHANGE"]))).lines == 3
    assert (await made.export("sellers", order(sellers=["A1"]))).lines == 3
    assert (await made.export("messages", order(types=["quarantine"]))).lines == 1


async def test_readers_of_the_first_format_refuse_only_what_they_cannot_read() -> None:
    made = with_lines(Made(), 3)
    await made.export("without")
    made.hold(message(2))
    await made.export("with")
    formats = {
        name: orjson.loads(made.places.files[f"{name}.manifest.json"])["format"]
        for name in ("without", "with")
    }
    assert formats == {
        "without": "spapi-event-gateway/archive/1",
        "with": "spapi-event-gateway/archive/2",
    }


def files_lines(made: Made, name: str) -> Lines:
    return made.places.files[name].splitlines()


async def test_an_archive_of_nothing_is_whole() -> None:
    made = Made()
    assert (await made.export()).complete
    assert (await taken_in(made)).rows == {}


async def test_an_estimate_writes_nothing_and_is_about_right() -> None:
    made = with_lines(Made(), 100)
    found = await made.exporting.estimate(order())
    assert made.places.files == {}
    manifest = await made.export(what=order())
    assert (found.lines, found.parts) == (manifest.lines, len(manifest.parts))
    assert 0.5 < found.size_bytes / manifest.size_bytes < 2


@pytest.mark.parametrize("writes", range(8))
async def test_a_killed_export_goes_on_without_a_second_copy(writes: int) -> None:
    made = with_lines(Made(), 28)
    made.hold(message(10), message(20))  # the last of one part, and in the middle of the next
    made.places.dies_at = writes
    with pytest.raises(ConnectionResetError):
        await made.export()
    made.places.dies_at = None
    if writes == 0:
        with pytest.raises(NotFoundError):
            await made.exporting.resumed("nov")
        await made.export()
    else:
        with pytest.raises(ConflictError, match="--resume"):
            await made.export()
        manifest = await made.exporting.resumed("nov")
        await made.exporting.run("nov", manifest)
    other = await taken_in(made)
    assert other.rows == made.store.rows
    assert (await verify(made.places, ALL, made.sealer)).lines == 30
    with pytest.raises(ConflictError, match="come to its end"):
        await made.exporting.resumed("nov")


async def test_an_unfinished_export_is_not_taken_in() -> None:
    made = with_lines(Made(), 30)
    made.places.dies_at = 3
    with pytest.raises(ConnectionResetError):
        await made.export()
    with pytest.raises(ArchiveFaultError, match="not come to its end"):
        await taken_in(made)


# ── what was altered ─────────────────────────────────────────────────────────────────────────────

Lines = list[bytes]


def edited(lines: Lines) -> Lines:
    return [*lines[:3], lines[3].replace(b"A1", b"A2"), *lines[4:]]


def without(lines: Lines) -> Lines:
    return lines[:3] + lines[4:]


def swapped(lines: Lines) -> Lines:
    return [*lines[:3], lines[4], lines[3], *lines[5:]]


def twice(lines: Lines) -> Lines:
    return [*lines[:4], lines[3], *lines[4:]]


def cut(lines: Lines) -> Lines:
    return [*lines[:3], lines[3][:40]]


def ended(lines: Lines) -> Lines:
    return lines[:3]


def longer(lines: Lines) -> Lines:
    return [*lines, lines[-1]]


FAULTS = [(edited, 4), (without, 4), (swapped, 4), (twice, 5), (cut, 4), (ended, 4), (longer, 11)]


@pytest.mark.parametrize("compression", list(Compression))
@pytest.mark.parametrize(("change", "line"), FAULTS)
async def test_a_fault_is_refused_with_its_line_and_gone_on_with_after_repair(
    change: Callable[[Lines], Lines], line: int, compression: Compression
) -> None:
    made = with_lines(Made())
    manifest = await made.export(what=order(compression=compression))
    name = manifest.parts[1].name
    good = made.places.files[name]
    lines = UNPACK[compression](good).splitlines(keepends=True)
    pack = packer(compression)
    made.places.files[name] = pack.compress(b"".join(change(lines))) + pack.flush()
    other = MemoryArchiving()
    with pytest.raises(ArchiveFaultError) as refused:
        await taken_in(made, other)
    assert (refused.value.file, refused.value.line) == (name, line)
    assert len(other.rows) == 10 + line - 1
    found = await verify(made.places, ALL, made.sealer)
    assert [(one.file, one.line) for one in found.faults] == [(name, line)]
    made.places.files[name] = good
    assert (await taken_in(made, other)).rows == made.store.rows


async def test_parts_that_changed_places_are_refused_at_their_first_line() -> None:
    made = with_lines(Made())
    manifest = await made.export()
    one, two = manifest.parts[0].name, manifest.parts[1].name
    files = made.places.files
    files[one], files[two] = files[two], files[one]
    with pytest.raises(ArchiveFaultError, match=r"nov\.00001\.jsonl\.zst: line 1:"):
        await taken_in(made)


@pytest.mark.parametrize("compression", [Compression.GZIP, Compression.ZSTD])
async def test_a_file_cut_anywhere_is_refused(compression: Compression) -> None:
    made = with_lines(Made())
    manifest = await made.export(what=order(compression=compression))
    name = manifest.parts[2].name
    good = made.places.files[name]
    for end in range(0, len(good), 97):
        made.places.files[name] = good[:end]
        with pytest.raises(ArchiveFaultError) as refused:
            await taken_in(made)
        assert refused.value.file == name


async def test_a_file_with_any_byte_altered_is_refused() -> None:
    made = with_lines(Made())
    manifest = await made.export(what=order(compression=Compression.NONE))
    name = manifest.parts[1].name
    good = made.places.files[name]
    chance = random.Random(7)
    for at in chance.sample(range(len(good)), 60):
        made.places.files[name] = good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :]
        with pytest.raises(ArchiveFaultError) as refused:
            await taken_in(made)
        assert refused.value.line in (good[:at].count(b"\n") + 1, good[:at].count(b"\n") + 2)


async def test_a_manifest_whose_counts_were_altered_is_refused() -> None:
    made = with_lines(Made())
    manifest = await made.export()
    raw = written(manifest)
    with pytest.raises(ArchiveFaultError, match="counts"):
        read_manifest("m", raw.replace(b'"lines": 25', b'"lines": 20'))
    with pytest.raises(ArchiveFaultError, match="no manifest"):
        read_manifest("m", raw[:-40])
    away = [replace(manifest.parts[0], name="../../etc/passwd"), *manifest.parts[1:]]
    with pytest.raises(ArchiveFaultError, match="no manifest"):
        read_manifest("m", written(replace(manifest, parts=away)))
    assert read_manifest("m", raw) == replace(manifest, dropped=[])


async def test_another_key_ring_opens_nothing() -> None:
    made = with_lines(Made())
    await made.export()
    with pytest.raises(SealError, match="not in the key ring"):
        await Importing(MemoryArchiving(), made.places, real_sealer()).run(ALL)


async def test_all_archives_below_a_place_are_found() -> None:
    made = with_lines(Made())
    await made.export("2026/nov")
    await made.export("2026/dec")
    await made.export("2027/jan")
    found = [one.place async for one in archives(made.places, ALL)]
    assert found == [f"{one}.manifest.json" for one in ("2026/dec", "2026/nov", "2027/jan")]
    year = Location(bucket=None, root="", name="2026")
    assert [one.place async for one in archives(made.places, year)] == found[:2]
    with pytest.raises(NotFoundError):
        assert [one async for one in archives(made.places, replace(year, name="2025"))]
    assert len((await taken_in(made)).rows) == 25


@settings(deadline=None, max_examples=40)
@given(
    content=st.lists(st.binary(max_size=3_000), max_size=20),
    compression=st.sampled_from([Compression.GZIP, Compression.ZSTD]),
    step=st.integers(1, 5_000),
)
async def test_what_is_packed_in_any_pieces_and_frames_is_unpacked(
    content: list[bytes], compression: Compression, step: int
) -> None:
    packed = b""
    for one in content:  # each a frame of its own, as `cat` and `pigz` make them
        pack = packer(compression)
        packed += pack.compress(one) + pack.flush()
    places = MemoryPlaces(files={"a": packed}, step=step)
    assert b"".join([one async for one in unpacked(places.read("a"), compression)]) == b"".join(
        content
    )


@pytest.mark.parametrize("compression", [Compression.GZIP, Compression.ZSTD])
async def test_a_bomb_is_unpacked_in_small_pieces(compression: Compression) -> None:
    pack = packer(compression)
    packed = pack.compress(bytes(50_000_000)) + pack.flush()
    places = MemoryPlaces(files={"a": packed}, step=128 * 1024)
    sizes = [len(one) async for one in unpacked(places.read("a"), compression)]
    assert (sum(sizes), max(sizes) <= 256 * 1024) == (50_000_000, True)
    with pytest.raises(UnpackError):
        _ = [
            one
            async for one in unpacked(MemoryPlaces(files={"a": b"x" * 99}).read("a"), compression)
        ]
