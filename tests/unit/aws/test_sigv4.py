"""Our signature is what botocore's signer would have written."""

from __future__ import annotations

from datetime import UTC, datetime

import botocore.auth
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotoCredentials
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.aws.credentials import Credentials
from gateway.aws.sigv4 import CONTENT_TYPE, JsonSigner

ENDPOINTS = [
    "https://sqs.eu-west-1.amazonaws.com/",
    "https://sqs.cn-north-1.amazonaws.com.cn:443/",
    "http://127.0.0.1:4566/",
    "http://localhost:80/",
    "https://vpce-1a2b-3c.sqs.us-east-1.vpce.amazonaws.com/",
    "http://[::1]:9324/",
    "http://127.0.0.1:4566/sqs/",
    "https://proxy.example/a%20b/c~d/",
]
KEY_TEXT = st.text(
    st.characters(min_codepoint=33, max_codepoint=126, exclude_characters='"'), min_size=1
)


def judge(
    endpoint: str,
    target: str,
    body: bytes,
    keys: Credentials,
    now_s: int,
    region: str,
    service: str,
) -> str:
    request = AWSRequest(
        method="POST",
        url=endpoint,
        data=body,
        headers={"content-type": CONTENT_TYPE, "x-amz-target": target},
    )
    signer = SigV4Auth(
        BotoCredentials(keys.access_key, keys.secret_key, keys.token), service, region
    )
    with pytest.MonkeyPatch.context() as patch:
        at = datetime.fromtimestamp(now_s, UTC).replace(tzinfo=None)
        patch.setattr(botocore.auth, "get_current_datetime", lambda: at)
        signer.add_auth(request)
    return str(request.headers["Authorization"])


@settings(max_examples=300, deadline=None)
@given(
    endpoint=st.sampled_from(ENDPOINTS),
    target=st.from_regex(r"[A-Za-z]{1,20}\.[A-Za-z]{1,20}", fullmatch=True),
    body=st.binary(max_size=300),
    keys=st.builds(
        Credentials,
        access_key=KEY_TEXT,
        secret_key=KEY_TEXT,
        token=st.none() | KEY_TEXT,
    ),
    now_s=st.integers(0, 4_102_444_800),
    region=st.sampled_from(["eu-west-1", "us-gov-east-1", "cn-north-1"]),
    service=st.sampled_from(["sqs", "sts"]),
)
def test_signature_is_botocores(endpoint, target, body, keys, now_s, region, service) -> None:
    signer = JsonSigner(endpoint, region=region, service=service)
    headers = signer.headers(target, body, keys, now_s)
    assert headers["authorization"] == judge(endpoint, target, body, keys, now_s, region, service)


@settings(max_examples=50, deadline=None)
@given(
    steps=st.lists(
        st.tuples(
            st.sampled_from([0, 1, 86_399, 86_400, 172_800]),
            st.sampled_from(["first", "second"]),
            st.sampled_from([None, "token"]),
        ),
        min_size=1,
        max_size=12,
    )
)
def test_what_is_kept_between_requests_never_goes_stale(steps) -> None:
    signer = JsonSigner(ENDPOINTS[0], region="eu-west-1", service="sqs")
    for now_s, secret, token in steps:
        keys = Credentials(access_key="AK", secret_key=secret, token=token)
        headers = signer.headers("AmazonSQS.ReceiveMessage", b"{}", keys, now_s)
        assert headers["authorization"] == judge(
            ENDPOINTS[0], "AmazonSQS.ReceiveMessage", b"{}", keys, now_s, "eu-west-1", "sqs"
        )


def test_headers_that_are_signed_are_all_there() -> None:
    keys = Credentials(access_key="AK", secret_key="SK", token="T")
    signer = JsonSigner("http://127.0.0.1:4566/", region="eu-west-1", service="sqs")
    headers = signer.headers("AmazonSQS.ReceiveMessage", b"{}", keys, 0)
    signed = headers["authorization"].split("SignedHeaders=")[1].split(",")[0].split(";")
    assert set(signed) == set(headers) - {"authorization"}
    assert headers["host"] == "127.0.0.1:4566"
    assert headers["x-amz-date"] == "19700101T000000Z"


def test_credentials_stay_out_of_repr() -> None:
    shown = repr(Credentials(access_key="AK", secret_key="hidden-secret", token="hidden-token"))
    assert "hidden" not in shown
