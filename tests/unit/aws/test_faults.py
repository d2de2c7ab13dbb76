"""Codes and statuses become reasons; nothing of a refused request is quoted."""

from __future__ import annotations

import pytest

from gateway.aws.faults import bare_code, no_answer, refusal


@pytest.mark.parametrize(
    ("status", "code", "reason", "retryable"),
    [
        (403, "ExpiredToken", "credentials", False),
        (403, "InvalidClientTokenId", "credentials", False),
        (403, "SignatureDoesNotMatch", "credentials", False),
        (400, "UnrecognizedClientException", "credentials", False),
        (403, "AccessDenied", "denied", False),
        (400, "KMS.AccessDeniedException", "denied", False),
        (400, "KmsDisabled", "denied", False),
        (400, "KmsThrottled", "throttled", True),
        (400, "RequestThrottled", "throttled", True),
        (400, "ThrottlingException", "throttled", True),
        (403, "OverLimit", "throttled", False),
        (400, "AWS.SimpleQueueService.NonExistentQueue", "missing", False),
        (400, "QueueDoesNotExist", "missing", False),
        (400, "InvalidParameterValue", "other", False),
        (500, "InternalError", "other", True),
        (503, "ServiceUnavailable", "other", True),
        (503, "", "other", True),
        (429, "", "throttled", True),
        (403, "", "denied", False),
        (404, "", "other", False),
    ],
)
def test_reason_and_whether_to_retry(status, code, reason, retryable) -> None:
    fault = refusal(status, code, "text")
    assert (fault.reason, fault.retryable, fault.code) == (reason, retryable, code)
    assert str(status) in str(fault)
    assert code in str(fault)
    assert fault.mend


def test_amazons_words_are_quoted_short_and_never_about_credentials() -> None:
    assert len(str(refusal(400, "Odd", "x" * 5_000))) < 300
    text = "The canonical string should have been x-amz-security-token:SECRET"
    assert "SECRET" not in str(refusal(403, "SignatureDoesNotMatch", text))


@pytest.mark.parametrize(
    ("raw", "bare"),
    [
        ("com.amazonaws.sqs#QueueDoesNotExist", "QueueDoesNotExist"),
        ("QueueDoesNotExist", "QueueDoesNotExist"),
        ("AccessDenied:http://internal.amazon.com/", "AccessDenied"),
        ("503", ""),
        ("", ""),
        (None, ""),
        (7, ""),
    ],
)
def test_codes_lose_their_namespace(raw, bare) -> None:
    assert bare_code(raw) == bare


def test_no_answer_is_the_network() -> None:
    fault = no_answer(ConnectionResetError("reset"))
    assert (fault.reason, fault.retryable) == ("network", True)
    assert "ConnectionResetError: reset" in str(fault)
