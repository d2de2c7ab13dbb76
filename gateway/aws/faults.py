"""Which kind of trouble an answer of SQS, or the lack of one, stands for.

It decides the reason, whether a short retry may help, and what the operator should do. It knows
codes and statuses only; it never sees a socket and never retries itself. Codes are Amazon's
"Common errors" and the errors of each action in the "Amazon SQS API Reference".
"""

from __future__ import annotations

from typing import Final, Literal

Reason = Literal["credentials", "throttled", "missing", "denied", "unsupported", "network", "other"]

_TEXT_LIMIT: Final = 200

_CODES: Final[dict[Reason, frozenset[str]]] = {
    "credentials": frozenset(
        {
            "ExpiredToken",
            "ExpiredTokenException",
            "IncompleteSignature",
            "IncompleteSignatureException",
            "InvalidAccessKeyId",
            "InvalidClientTokenId",
            "InvalidSecurity",
            "InvalidSignatureException",
            "MissingAuthenticationToken",
            "MissingAuthenticationTokenException",
            "RequestExpired",
            "RequestTimeTooSkewed",
            "SignatureDoesNotMatch",
            "UnrecognizedClientException",
        }
    ),
    "throttled": frozenset(
        {
            "KMS.ThrottlingException",
            "KmsThrottled",
            "OverLimit",
            "RequestLimitExceeded",
            "RequestThrottled",
            "RequestThrottledException",
            "ThrottledException",
            "Throttling",
            "ThrottlingException",
            "TooManyRequestsException",
        }
    ),
    "missing": frozenset(
        {
            "AWS.SimpleQueueService.NonExistentQueue",
            "AWS.SimpleQueueService.QueueDeletedRecently",
            "InvalidAddress",
            "NonExistentQueue",
            "QueueDeletedRecently",
            "QueueDoesNotExist",
        }
    ),
    "denied": frozenset(
        {
            "AccessDenied",
            "AccessDeniedException",
            "AuthorizationError",
            "NotAuthorized",
            "OptInRequired",
            "UnauthorizedOperation",
        }
    ),
    "unsupported": frozenset({"InvalidAction", "UnknownOperation", "UnknownOperationException"}),
}
_REASON_OF_CODE: Final[dict[str, Reason]] = {
    code: reason for reason, codes in _CODES.items() for code in codes
}
_REASON_OF_STATUS: Final[dict[int, Reason]] = {401: "credentials", 403: "denied", 429: "throttled"}

SKEW_CODES: Final = frozenset(
    {
        "InvalidSignatureException",
        "RequestExpired",
        "RequestTimeTooSkewed",
        "SignatureDoesNotMatch",
    }
)
"""Refusals that a wrong clock on this machine may have caused."""

GONE_CODES: Final = frozenset(
    {"InvalidParameterValue", "MessageNotInflight", "ReceiptHandleIsInvalid"}
)
"""Codes of batch entries whose receipt handle is no longer of use."""

_MENDS: Final[dict[Reason, str]] = {
    "credentials": (
        "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (AWS_SESSION_TOKEN too for temporary "
        "keys), or give the process a profile or a role, and check this machine's clock"
    ),
    "throttled": "nothing to mend unless it lasts: then poll less or ask Amazon for a higher limit",
    "missing": "create the queue, or correct its `url` and `region`",
    "denied": (
        "allow sqs:ReceiveMessage, sqs:DeleteMessage, sqs:ChangeMessageVisibility and "
        "sqs:GetQueueAttributes on the queue, and kms:Decrypt on its key where it has one"
    ),
    "unsupported": "use another SQS server: this one doesn't know the action",
    "network": "check the network, DNS, proxy and the queue's `endpoint_url`",
    "other": "check that the queue's `url` and `endpoint_url` lead to SQS, and AWS's health page",
}


class CallError(Exception):
    """One request to SQS failed; stays inside this package.

    Attributes:
        reason: As in `QueueUnavailableError`.
        code: Amazon's code without its namespace, or an empty string.
        retryable: Whether the same request may succeed within a second.
    """

    def __init__(
        self, what: str, *, reason: Reason, code: str = "", retryable: bool = False
    ) -> None:
        super().__init__(what)
        self.reason: Reason = reason
        self.code = code
        self.retryable = retryable

    @property
    def mend(self) -> str:
        """What the operator should do about it."""
        return _MENDS[self.reason]


def bare_code(code: object) -> str:
    """Return an error code without namespace; empty where `code` is none or only a status."""
    text = code if isinstance(code, str) else ""
    text = text.rpartition("#")[2].partition(":")[0]
    return "" if text.isdigit() else text


def reason_of(code: str) -> Reason:
    """Return what a bare code stands for; `other` where that isn't known."""
    return _REASON_OF_CODE.get(code, "other")


def refusal(status: int, code: str, text: str) -> CallError:
    """Return the error for an answer that is none of success.

    The server's words are left out where it refuses the credentials: Amazon quotes the request
    there, session token included.

    Args:
        status: The HTTP status.
        code: Amazon's code, bare; empty where the answer carries none.
        text: Amazon's message; shortened.
    """
    reason = _reason(status, code)
    retryable = status >= 500 or (reason == "throttled" and code != "OverLimit")
    if not code:
        what = f"the answer is HTTP {status} without an error code of SQS"
    elif reason == "credentials":
        what = f"SQS refuses the credentials ({code}, HTTP {status})"
    else:
        what = f"SQS answered {code} (HTTP {status}): {text[:_TEXT_LIMIT].strip()}"
    return CallError(what, reason=reason, code=code, retryable=retryable)


def _reason(status: int, code: str) -> Reason:
    reason = _REASON_OF_CODE.get(code)
    if reason is not None:
        return reason
    if code.lower().startswith("kms"):
        return "denied"
    return _REASON_OF_STATUS.get(status, "other")


def unreadable() -> CallError:
    """Return the error for an answer of status 200 that is no JSON object, as of a proxy."""
    return CallError("the answer is not JSON, so it isn't from SQS", reason="other")


def no_answer(exc: BaseException, *, retryable: bool = True) -> CallError:
    """Return the error for a request that brought no answer."""
    text = str(exc)[:_TEXT_LIMIT].strip()
    what = f"no answer: {type(exc).__name__}" + (f": {text}" if text else "")
    return CallError(what, reason="network", retryable=retryable)
