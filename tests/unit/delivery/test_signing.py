"""The published vectors, overlap and expiry of keys, and two independent judges."""

import base64

import pytest
import standardwebhooks
import svix.webhooks
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from gateway.clock import SystemClock
from gateway.delivery.signing import (
    Signer,
    decode_secret,
    encode_secret,
    encode_verifier,
    new_secret,
    sign,
)
from gateway.endpoints import EndpointSecret
from gateway.errors import InvalidInputError

ED25519_SECRET = (
    "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg=="
)
ED25519_PUBLIC = "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4="

VECTORS = [
    (
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        1614265330,
        b'{"test": 2432232314}',
        "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    ),
    (
        "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD",
        "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk",
        1649367553,
        b'{"email":"test@example.com","username":"test_user"}',
        "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=",
    ),
    (
        ED25519_SECRET,
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        1614265330,
        b'{"test": 2432232314}',
        "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg==",
    ),
]


def secret_of(text: str, *, expires_at_ms: int | None = None) -> EndpointSecret:
    kind, key_bytes = decode_secret(text)
    return EndpointSecret(
        id="sec_1", kind=kind, key_bytes=key_bytes, created_at_ms=0, expires_at_ms=expires_at_ms
    )


@pytest.mark.parametrize(("secret", "event_id", "timestamp_s", "body", "signature"), VECTORS)
def test_published_vectors(secret, event_id, timestamp_s, body, signature):
    signed = sign([secret_of(secret)], event_id, timestamp_s=timestamp_s, body=body, now_ms=0)
    assert signed == signature


@pytest.mark.parametrize("text", [vector[0] for vector in VECTORS])
def test_written_secrets_survive_a_round_trip(text):
    assert encode_secret(secret_of(text)) == text


def test_public_half_is_what_receivers_get():
    assert encode_verifier(secret_of(ED25519_SECRET)) == ED25519_PUBLIC
    assert encode_verifier(secret_of(VECTORS[0][0])) == VECTORS[0][0]


def test_seed_alone_signs_like_seed_with_public_key():
    whole = secret_of(ED25519_SECRET)
    seed = EndpointSecret(id="s", kind="v1a", key_bytes=whole.key_bytes[:32], created_at_ms=0)
    arguments = {"timestamp_s": 1, "body": b"{}", "now_ms": 0}
    assert sign([seed], "evt_1", **arguments) == sign([whole], "evt_1", **arguments)
    assert encode_secret(seed) == ED25519_SECRET


def test_old_and_new_keys_sign_until_the_old_one_expires():
    old = secret_of(VECTORS[0][0], expires_at_ms=5_000)
    new = secret_of(VECTORS[1][0])
    signer = Signer([old, new])
    both = signer.sign("evt_1", timestamp_s=4, body=b"{}", now_ms=4_999)
    only_new = signer.sign("evt_1", timestamp_s=4, body=b"{}", now_ms=5_000)
    assert len(both.split(" ")) == 2
    assert both.split(" ")[1] == only_new


def test_nothing_is_sent_unsigned():
    expired = secret_of(VECTORS[0][0], expires_at_ms=1)
    for secrets in ([], [expired]):
        with pytest.raises(InvalidInputError, match="no signing key"):
            sign(secrets, "evt_1", timestamp_s=1, body=b"{}", now_ms=2)


def test_an_id_with_a_dot_is_refused():
    with pytest.raises(InvalidInputError, match="dot"):
        sign([new_secret(0)], "evt.1", timestamp_s=1, body=b"{}", now_ms=2)


@pytest.mark.parametrize(
    "judge", [standardwebhooks.Webhook, svix.webhooks.Webhook], ids=["standardwebhooks", "svix"]
)
@pytest.mark.parametrize("verify_with", ["old", "new"])
def test_independent_libraries_accept_during_a_rotation(judge, verify_with):
    now_s = SystemClock().now_ms() // 1000
    old, new, asymmetric = new_secret(0), new_secret(1), new_secret(2, kind="v1a")
    body = '{"name":"Zoë ☕"}'.encode()
    headers = {
        "webhook-id": "evt_1",
        "webhook-timestamp": str(now_s),
        "webhook-signature": sign(
            [old, asymmetric, new], "evt_1", timestamp_s=now_s, body=body, now_ms=now_s * 1000
        ),
    }
    key = encode_verifier(old if verify_with == "old" else new)
    judge(key).verify(body, headers)
    with pytest.raises(standardwebhooks.WebhookVerificationError):
        judge(key).verify(body + b" ", headers)


@given(body=st.binary(max_size=200), event_id=st.from_regex(r"evt_[0-9a-f]{32}", fullmatch=True))
def test_ed25519_signature_covers_id_time_and_bytes(body, event_id):
    secret = new_secret(0, kind="v1a")
    signed = sign([secret], event_id, timestamp_s=7, body=body, now_ms=0)
    public = Ed25519PublicKey.from_public_bytes(
        base64.b64decode(encode_verifier(secret).removeprefix("whpk_"))
    )
    signature = base64.b64decode(signed.removeprefix("v1a,"))
    public.verify(signature, f"{event_id}.7.".encode() + body)
    with pytest.raises(InvalidSignature):
        public.verify(signature, f"{event_id}.8.".encode() + body)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("secret", "whsec_"),
        ("whsec_!!!!", "base64"),
        ("whsec_c2hvcnQ=", "24 to 64"),
        ("whsec_" + base64.b64encode(bytes(65)).decode(), "24 to 64"),
        ("whsk_" + base64.b64encode(bytes(31)).decode(), "32 bytes"),
        ("whsk_" + base64.b64encode(bytes(64)).decode(), "halves"),
        (ED25519_PUBLIC, "only verify"),
        ("whsec_é" + "A" * 32, "base64"),
    ],
)
def test_bad_secrets_are_refused_without_being_repeated(text, words):
    with pytest.raises(InvalidInputError, match=words) as refused:
        decode_secret(text)
    tail = text.partition("_")[2]
    assert not tail or tail not in str(refused.value)


def test_missing_padding_is_forgiven():
    assert decode_secret("whsec_" + "A" * 43)[1] == bytes(32)


def test_unknown_kind_is_refused():
    with pytest.raises(InvalidInputError, match="unknown"):
        new_secret(0, kind="v2")


def test_new_secrets_differ_and_hide_themselves():
    first, second = new_secret(0), new_secret(0)
    assert first.key_bytes != second.key_bytes
    assert len(first.key_bytes) == 32
    assert "key_bytes" not in repr(first)
