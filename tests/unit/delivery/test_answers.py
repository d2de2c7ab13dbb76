"""Reading `Retry-After` and compressed bodies that nobody vouches for."""

import gzip
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.delivery.answers import ANSWER_BYTES_MAX, decoded, retry_after_s

NOW_MS = 1_800_000_000_000  # 15 January 2027, 08:00:00 UTC


@pytest.mark.parametrize(
    ("value", "delay_s"),
    [
        (None, None),
        ("0", 0.0),
        ("120", 120.0),
        (" 120 ", 120.0),
        ("9" * 9, 999_999_999.0),
        ("9" * 5000, 86_400.0),
        ("Fri, 15 Jan 2027 08:01:00 GMT", 60.0),
        ("Friday, 15-Jan-27 08:01:00 GMT", 60.0),
        ("Fri Jan 15 08:01:00 2027", 60.0),
        ("Fri, 15 Jan 2027 09:01:00 +0100", 60.0),
        ("Fri, 15 Jan 2027 07:00:00 GMT", 0.0),
        ("-5", None),
        ("1.5", None),
        ("1e3", None),
        ("٣", None),
        ("soon", None),
        ("", None),
        ("Fri, 99 Jan 2027 08:01:00 GMT", None),
    ],
)
def test_retry_after(value, delay_s):
    assert retry_after_s(value, NOW_MS) == delay_s


@given(st.text(max_size=60))
def test_any_retry_after_is_a_delay_or_nothing(value):
    delay_s = retry_after_s(value, NOW_MS)
    assert delay_s is None or delay_s >= 0


@pytest.mark.parametrize("encoding", ["gzip", "GZIP", " x-gzip ", "deflate"])
def test_compressed_bodies_are_opened_up_to_the_bound(encoding):
    compress = zlib.compress if encoding == "deflate" else gzip.compress
    assert decoded(compress(b"words"), encoding) == b"words"
    assert decoded(compress(bytes(10_000_000))[:ANSWER_BYTES_MAX], encoding) == bytes(
        ANSWER_BYTES_MAX
    )


@pytest.mark.parametrize("encoding", [None, "identity", "br", "gzip"])
def test_what_cannot_be_opened_stays_as_it_is(encoding):
    assert decoded(b"plain words", encoding) == b"plain words"
