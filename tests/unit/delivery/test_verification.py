"""Which part of a failed verification is wrong."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.delivery.signing import encode_secret, encode_verifier, new_secret, sign
from gateway.delivery.verification import Part, verify
from gateway.errors import InvalidInputError

AT_S = 1_800_000_000
BODY = b'{"type":"order.changed","data":{"name":"J\xc3\xbcrgen","n":1.50}}'
SHARED = new_secret(0)
OTHER = new_secret(0)
PAIR = new_secret(0, kind="v1a")


def told(**changes):
    given_ = {
        "secrets": [encode_secret(SHARED)],
        "webhook_id": "evt_1",
        "timestamp": str(AT_S),
        "signature": sign([SHARED], "evt_1", timestamp_s=AT_S, body=BODY, now_ms=0),
        "body": BODY,
        "now_s": AT_S + 10,
    }
    return verify(**(given_ | changes))


def test_a_request_as_it_was_sent_verifies():
    assert told().valid
    assert told(now_s=None).valid
    both = sign([OTHER, SHARED, PAIR], "evt_1", timestamp_s=AT_S, body=BODY, now_ms=0)
    for secret in (encode_secret(OTHER), encode_secret(PAIR), encode_verifier(PAIR)):
        assert told(signature=both, secrets=[secret]).valid
    assert told(secrets=[encode_secret(OTHER), encode_secret(SHARED)]).valid


@pytest.mark.parametrize(
    ("changes", "part", "words"),
    [
        ({"webhook_id": ""}, Part.ID, "empty"),
        ({"webhook_id": " evt_1"}, Part.ID, "spaces"),
        ({"timestamp": "2026-01-31"}, Part.TIMESTAMP, "no whole number"),
        ({"timestamp": str(AT_S * 1000)}, Part.TIMESTAMP, "milliseconds"),
        ({"timestamp": str(AT_S + 7)}, Part.TIMESTAMP, f"with the timestamp {AT_S}"),
        ({"now_s": AT_S + 301}, Part.TIMESTAMP, "old"),
        ({"now_s": AT_S - 301}, Part.TIMESTAMP, "in the future"),
        ({"signature": ""}, Part.SIGNATURE, "empty"),
        ({"signature": "abc"}, Part.SIGNATURE, "no signature"),
        ({"signature": "v1,!!!"}, Part.SIGNATURE, "no base64"),
        ({"signature": "v2,YWJj v3,YWJj"}, Part.VERSION, "v2, v3"),
        ({"secrets": [encode_verifier(PAIR)]}, Part.VERSION, "signed with v1"),
        ({"body": BODY + b"\n"}, Part.BODY, "white space"),
        ({"body": json.dumps(json.loads(BODY), indent=2).encode()}, Part.KEY, "byte for byte"),
        ({"secrets": [encode_secret(OTHER)]}, Part.KEY, "another endpoint's"),
    ],
)  # fmt: skip
def test_each_part_is_named(changes, part, words):
    found = told(**changes)
    assert (found.valid, found.wrong) == (False, part)
    assert words in found.detail


def test_a_body_that_was_written_again_is_recognised():
    compact = b'{"type":"order.changed","data":{"n":1}}'
    signature = sign([SHARED], "evt_1", timestamp_s=AT_S, body=compact, now_ms=0)
    rewritten = json.dumps(json.loads(compact)).encode()
    found = told(signature=signature, body=rewritten)
    assert (found.wrong, "written again" in found.detail) == (Part.BODY, True)


def test_a_secret_that_cant_be_read_is_never_repeated():
    for secret in ("whsec_hunter2!", "hunter2", "whpk_YWJj"):
        with pytest.raises(InvalidInputError) as caught:
            told(secrets=[secret])
        assert "hunter2" not in str(caught.value)
    with pytest.raises(InvalidInputError, match="none is given"):
        told(secrets=[])


@given(
    webhook_id=st.text(max_size=10),
    timestamp=st.text(max_size=14),
    signature=st.text(max_size=30),
    body=st.binary(max_size=30),
)
def test_whatever_is_given_is_answered(webhook_id, timestamp, signature, body):
    found = told(webhook_id=webhook_id, timestamp=timestamp, signature=signature, body=body)
    assert not found.valid
    assert found.wrong is not None
    assert found.detail
