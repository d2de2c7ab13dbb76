from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.documents.sealed import PIECE_BYTES, new_key, opened, sealed
from gateway.errors import SealError
from tests.support.library import pieces

KEY = new_key()
PLACE = "2026-11-01/doc_1"
FULL = PIECE_BYTES + 16


async def gathered(flow: AsyncIterator[bytes]) -> list[bytes]:
    return [one async for one in flow]


async def round_trip(plain: Sequence[bytes], cuts: Sequence[int] = ()) -> bytes:
    whole = b"".join(await gathered(sealed(pieces(*plain), KEY, place=PLACE)))
    marks = [0, *sorted(cut % (len(whole) + 1) for cut in cuts), len(whole)]
    cut = [whole[a:b] for a, b in pairwise(marks)]
    return b"".join(await gathered(opened(pieces(*cut), KEY, place=PLACE)))


@given(st.lists(st.binary(max_size=300)), st.lists(st.integers(0, 10_000), max_size=5))
async def test_what_is_sealed_comes_out_again(plain: list[bytes], cuts: list[int]) -> None:
    assert await round_trip(plain, cuts) == b"".join(plain)


@pytest.mark.parametrize(
    "size", [0, 1, PIECE_BYTES - 1, PIECE_BYTES, PIECE_BYTES + 1, 2 * PIECE_BYTES, 200_001]
)
async def test_sizes_round_a_piece(size: int) -> None:
    plain = bytes(range(256)) * (size // 256 + 1)
    assert await round_trip([plain[:size]]) == plain[:size]


async def test_nothing_of_it_can_be_read() -> None:
    whole = b"".join(await gathered(sealed(pieces(b"buyer@example.com" * 9), KEY, place=PLACE)))
    assert b"buyer" not in whole


def _flip(whole: bytes) -> bytes:
    return whole[:5] + bytes([whole[5] ^ 1]) + whole[6:]


@pytest.mark.parametrize(
    "alter",
    [
        _flip,
        lambda whole: whole[:-1],
        lambda whole: whole[:FULL],
        lambda whole: whole[:0],
        lambda whole: whole + b"x",
        lambda whole: whole[FULL : 2 * FULL] + whole[:FULL] + whole[2 * FULL :],
        lambda whole: whole[:FULL] + whole[2 * FULL :],
    ],
    ids=["bit", "cut", "cut at a piece", "empty", "longer", "swapped", "one missing"],
)
async def test_what_was_altered_is_noticed(alter: object) -> None:
    plain = b"a" * PIECE_BYTES + b"b" * PIECE_BYTES + b"c" * 10
    whole = b"".join(await gathered(sealed(pieces(plain), KEY, place=PLACE)))
    assert callable(alter)
    with pytest.raises(SealError, match="altered or cut short"):
        await gathered(opened(pieces(alter(whole)), KEY, place=PLACE))


@pytest.mark.parametrize(("key", "place"), [(new_key(), PLACE), (KEY, "2026-11-01/doc_2")])
async def test_it_opens_with_its_key_at_its_place_only(key: bytes, place: str) -> None:
    whole = b"".join(await gathered(sealed(pieces(b"x"), KEY, place=PLACE)))
    with pytest.raises(SealError):
        await gathered(opened(pieces(whole), key, place=place))
