from __future__ import annotations

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.endpoints import EndpointSecret
from gateway.model import IdPrefix, Seller, new_id, new_token

NOW_MS = 1_800_000_000_000


@pytest.mark.parametrize("prefix", list(IdPrefix))
def test_an_id_is_its_prefix_and_a_version_7_uuid(prefix: IdPrefix) -> None:
    name, _, digits = new_id(prefix, NOW_MS).partition("_")

    assert name == prefix.value
    assert len(digits) == 32
    value = uuid.UUID(digits)
    assert value.version == 7
    assert value.variant == uuid.RFC_4122
    assert value.int >> 80 == NOW_MS


def test_prefixes_differ() -> None:
    assert len({prefix.value for prefix in IdPrefix}) == len(IdPrefix)


@given(st.integers(0, 2**48 - 2), st.integers(1, 1000))
def test_ids_sort_by_time(now_ms: int, later_ms: int) -> None:
    later_ms = min(now_ms + later_ms, 2**48 - 1)

    assert new_id(IdPrefix.EVENT, now_ms) < new_id(IdPrefix.EVENT, later_ms)


def test_ids_of_one_millisecond_differ() -> None:
    assert len({new_id(IdPrefix.EVENT, NOW_MS) for _ in range(10_000)}) == 10_000


def test_ids_made_one_after_another_sort_within_a_millisecond_too() -> None:
    made = [new_id(IdPrefix.EVENT, NOW_MS) for _ in range(10_000)]

    assert made == sorted(made)
    assert {uuid.UUID(one[4:]).int >> 80 for one in made} == {NOW_MS}


def test_tokens_fit_a_signed_column_and_are_never_zero() -> None:
    tokens = {new_token() for _ in range(1_000)}

    assert len(tokens) == 1_000
    assert all(0 < token < 2**63 for token in tokens)


def test_secrets_are_not_shown() -> None:
    secret = EndpointSecret(id="sec_1", kind="v1", key_bytes=b"hunter2", created_at_ms=0)
    seller = Seller(id="A1", application_id="app", region="eu", refresh_token="hunter2")

    assert "hunter2" not in f"{secret} {seller!r}"
