import pytest

from gateway.errors import (
    SpApiAccessError,
    SpApiAuthorizationError,
    SpApiRequestError,
    SpApiRetryableError,
)
from gateway.spapi.answers import error_from, errors_in, read_object, says_expired
from gateway.spapi.directory import Caller
from gateway.spapi.regions import Region
from tests.support.spapi import answer, errors

CALLER = Caller(application_id="app", region=Region.EU, seller_id="S1")
HTML = b"<!DOCTYPE html><html><body>Service Unavailable</body></html>"


def error(response):
    return error_from(response, operation="orders.v0.getOrder", caller=CALLER)


def read(response):
    return read_object(response, operation="orders.v0.getOrder", caller=CALLER)


@pytest.mark.parametrize(
    "body",
    [
        b'{"errors": [{"code": "InvalidInput", "message": "bad id", "details": ""}]}',
        b'[{"code": "InvalidInput", "message": "bad id"}]',
        b'{"Errors": [{"Code": "InvalidInput", "Message": "bad id", "Details": null}]}',
        b'{"Code": "InvalidInput", "Message": "bad id"}',
        b'{"error": "InvalidInput", "error_description": "bad id"}',
        b'{"errors": {"code": "InvalidInput", "message": "bad id"}}',
    ],
)
def test_every_shape_of_an_error_body_is_read(body):
    (found,) = errors_in(body)

    assert (found.code, str(found)) == ("InvalidInput", "bad id")


@pytest.mark.parametrize(
    "body", [b"", HTML, b'{"errors": [{"co', b"17", b'"text"', b"{}", b"[]", b"\xff"]
)
def test_an_unreadable_error_body_hides_nothing_but_itself(body):
    assert errors_in(body) == ()
    assert error(answer(500, body)).status == 500


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (301, SpApiRequestError),
        (400, SpApiRequestError),
        (401, SpApiAuthorizationError),
        (403, SpApiAccessError),
        (404, SpApiRequestError),
        (408, SpApiRetryableError),
        (409, SpApiRequestError),
        (413, SpApiRequestError),
        (415, SpApiRequestError),
        (422, SpApiRequestError),
        (429, SpApiRetryableError),
        (500, SpApiRetryableError),
        (501, SpApiRequestError),
        (502, SpApiRetryableError),
        (503, SpApiRetryableError),
        (504, SpApiRetryableError),
        (599, SpApiRetryableError),
    ],
)
def test_each_status_says_what_the_caller_can_do(status, kind):
    assert type(error(answer(status, HTML))) is kind


def test_an_error_tells_everything_that_support_asks_for():
    caught = error(answer(403, errors("Unauthorized", "Access denied"), x_amzn_RequestId="req-1"))

    assert (caught.code, caught.status, caught.request_id) == ("Unauthorized", 403, "req-1")
    assert (caught.operation, caught.seller_id) == ("orders.v0.getOrder", "S1")
    for part in ("orders.v0.getOrder", "S1", "eu", "403", "Unauthorized", "req-1", "role"):
        assert part in str(caught)


DENIED = "Access to requested resource is denied."


@pytest.mark.parametrize(
    ("details", "kind", "advice"),
    [
        ("", SpApiAccessError, "has the role"),
        ("Destination has subscriptions", SpApiAccessError, "has the role"),
        (
            "The access token you provided is revoked, malformed or invalid.",
            SpApiAuthorizationError,
            "have it given again in region eu",
        ),
        (
            "The access token you provided has expired.",
            SpApiAuthorizationError,
            "have it given again in region eu",
        ),
    ],
)
def test_a_missing_role_is_told_from_a_lost_authorisation(details, kind, advice):
    caught = error(answer(403, errors("Unauthorized", DENIED, details=details)))

    assert type(caught) is kind
    assert DENIED in str(caught)
    assert details in str(caught)
    assert advice in str(caught)


def test_the_code_of_an_older_server_comes_from_its_header():
    caught = error(answer(403, b"", x_amzn_ErrorType="AccessDeniedException:http://x/"))

    assert caught.code == "AccessDeniedException"


def test_a_long_message_is_cut():
    assert len(str(error(answer(400, errors("X", "long " * 10_000))))) < 700


def test_retry_after_is_kept_where_a_proxy_sends_it():
    assert error(answer(503, b"", Retry_After="7")).retry_after_s == 7
    assert error(answer(503, b"", Retry_After="tomorrow")).retry_after_s is None


def test_an_object_is_returned_as_it_is():
    assert read(answer(200, {"payload": {"a": 1}})) == {"payload": {"a": 1}}
    assert read(answer(204)) == {}
    assert read(answer(200, [1])) == {"payload": [1]}


@pytest.mark.parametrize("body", [b"", b"  ", HTML, b'{"payload": {"AmazonOr', b"\xff\xfe"])
def test_a_success_that_cant_be_read_may_be_asked_again(body):
    with pytest.raises(SpApiRetryableError) as caught:
        read(answer(200, body))

    assert caught.value.status == 200


def test_a_cancellation_without_a_body_succeeded():
    assert read_object(answer(200), operation="x", caller=CALLER, may_be_empty=True) == {}
    with pytest.raises(SpApiRetryableError):
        read_object(answer(200, HTML), operation="x", caller=CALLER, may_be_empty=True)


def test_a_success_that_holds_only_errors_is_none():
    with pytest.raises(SpApiRequestError, match="NotFound"):
        read(answer(200, errors("NotFound")))
    assert read(answer(200, {"payload": {"a": 1}, **errors("Partial")}))["payload"] == {"a": 1}


def test_a_refusal_for_age_is_told_from_others():
    assert says_expired(answer(403, errors("Unauthorized", "The access token has expired")))
    assert not says_expired(answer(403, errors("Unauthorized", "Access denied")))
