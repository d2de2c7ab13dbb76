"""Which headers an endpoint may add."""

import pytest

from gateway.delivery.headers import check_headers
from gateway.errors import InvalidInputError


def test_ordinary_headers_pass():
    check_headers({})
    check_headers({"Authorization": "Bearer abc", "X-Tenant": "", "x-webhook-id": "fine"})


@pytest.mark.parametrize(
    "name",
    [
        "webhook-id", "Webhook-Signature", "WEBHOOK-TIMESTAMP", "webhook-anything", "host",
        "Content-Length", "content-type", "content-encoding", "Transfer-Encoding", "connection",
        "keep-alive", "te", "trailer", "upgrade", "expect", "proxy-authorization",
        "accept-encoding",
    ],
)  # fmt: skip
def test_headers_that_are_ours_are_refused(name):
    with pytest.raises(InvalidInputError, match="set by the gateway"):
        check_headers({name: "mine"})


@pytest.mark.parametrize("name", ["", "a b", "a:b", "ä", "a\r\nb", "a" * 129])
def test_names_that_are_no_tokens_are_refused(name):
    with pytest.raises(InvalidInputError, match="no header name"):
        check_headers({name: "x"})


@pytest.mark.parametrize(
    "value",
    ["hunter2\r\nX-Evil: 1", "hunter2\x00", "hunter2ü", " hunter2", "hunter2 ", "hunter2" * 600],
)
def test_values_are_bounded_and_never_repeated(value):
    with pytest.raises(InvalidInputError, match="printable ASCII") as refused:
        check_headers({"X-Secret": value})
    assert "hunter2" not in str(refused.value)


def test_twins_and_crowds_are_refused():
    with pytest.raises(InvalidInputError, match="twice"):
        check_headers({"X-A": "1", "x-a": "2"})
    with pytest.raises(InvalidInputError, match="more than 32"):
        check_headers({f"X-{n}": "1" for n in range(33)})
