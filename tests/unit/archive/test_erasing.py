"""What is erased is in no file any more, whenever the run dies; the rest stays verified."""

from __future__ import annotations

import pytest

from gateway.archive.compression import Compression
from gateway.archive.erasing import Erasing, next_name
from gateway.archive.importing import Importing
from gateway.archive.places import Location
from gateway.archive.verifying import verify
from gateway.store.archived import Line
from tests.support.archives import Made, MemoryArchiving, archived, message, order

ALL = Location(bucket=None, root="", name="")
JANE = b'{"buyer":"Jane Doe","order":"902-1"}'


def of_jane(one: Line) -> bool:
    return b"Jane Doe" in one.body


async def made_with_jane(*, plain: bool = True) -> Made:
    made = Made()
    for number in range(1, 31):
        made.hold(archived(number, body=JANE if number in {3, 4, 22} else b'{"buyer":"Max"}'))
    await made.export("2026/nov", order(compression=Compression.NONE, plain=plain))
    return made


def text(made: Made) -> bytes:
    return b"".join(made.places.files.values())


@pytest.mark.parametrize("plain", [True, False])
async def test_lines_are_gone_and_the_rest_is_verified(plain: bool) -> None:
    made = await made_with_jane(plain=plain)
    assert (b"Jane Doe" in text(made)) == plain
    found = await Erasing(made.places, made.sealer, dry_run=True).run(ALL, of_jane)
    assert (found.lines, found.erased, found.rewritten) == (30, 3, 2)
    assert len(await made.places.names()) == 4
    done = await Erasing(made.places, made.sealer).run(ALL, of_jane)
    assert done == found
    assert sorted(done.identities) == ["n-22", "n-3", "n-4"]
    assert b"Jane Doe" not in text(made)
    checked = await verify(made.places, ALL, made.sealer)
    assert (checked.lines, checked.faults) == (27, [])
    assert len(await made.places.names()) == 4
    again = await Erasing(made.places, made.sealer).run(ALL, of_jane)
    assert (again.lines, again.erased) == (27, 0)


async def test_messages_of_the_quarantine_are_erased_like_the_others() -> None:
    made = Made()
    made.hold(archived(1, body=b"{}"), message(1), message(2, b"of nobody"))
    await made.export()
    done = await Erasing(made.places, made.sealer).run(ALL, of_jane)
    assert (done.lines, done.identities) == (3, ["q-1"])
    other = MemoryArchiving()
    await Importing(other, made.places, made.sealer).run(ALL)
    assert sorted(one.identity for one in other.rows.values()) == ["n-1", "q-2"]
    assert (await verify(made.places, ALL, made.sealer)).by_type["quarantine"] == 1


async def test_a_part_of_which_nothing_is_left_is_gone() -> None:
    made = await made_with_jane()
    done = await Erasing(made.places, made.sealer).run(ALL, lambda _: True)
    assert done.erased == 30
    assert await made.places.names() == ["2026/nov.manifest.json"]
    store = MemoryArchiving()
    assert (await Importing(store, made.places, made.sealer).run(ALL)).lines == 0


@pytest.mark.parametrize("writes", range(4))
async def test_a_run_that_dies_is_done_again(writes: int) -> None:
    made = await made_with_jane()
    made.places.dies_at = len(made.places.writes) + writes
    with pytest.raises(ConnectionResetError):
        await Erasing(made.places, made.sealer).run(ALL, of_jane)
    made.places.dies_at = None
    assert (await verify(made.places, ALL, made.sealer)).faults == []
    await Erasing(made.places, made.sealer).run(ALL, of_jane)
    assert b"Jane Doe" not in text(made)
    assert (await verify(made.places, ALL, made.sealer)).lines == 27
    named = {f"2026/nov.{one}.jsonl" for one in ("00001.e1", "00002", "00003.e1")}
    assert {one for one in made.places.files if "manifest" not in one} == named


async def test_no_archive_is_nothing_to_erase() -> None:
    made = Made()
    assert (await Erasing(made.places, made.sealer).run(ALL, of_jane)).archives == 0


def test_names_tell_how_often_a_part_was_written_anew() -> None:
    once = next_name("nov.00001.jsonl.gz", Compression.GZIP)
    assert (once, next_name(once, Compression.GZIP)) == (
        "nov.00001.e1.jsonl.gz",
        "nov.00001.e2.jsonl.gz",
    )
