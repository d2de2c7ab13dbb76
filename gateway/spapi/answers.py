"""What Amazon's answers mean: a status and a body become an object or a typed error. Pure.

| status | error | what the caller can do |
| --- | --- | --- |
| 401, or 403 that blames the token | `SpApiAuthorizationError` | have the seller authorise again |
| other 403 | `SpApiAccessError` | mend role, region or account |
| 408, 429, 5xx but 501 and 505 | `SpApiRetryableError` | try later |
| other | `SpApiRequestError` | fix the request |
| 2xx, body unreadable | `SpApiRetryableError` | try later |
| 2xx, `errors` in place of a result | `SpApiRequestError` | fix the request |

Error bodies come as `{"errors": […]}`, as a bare array, with capitalised keys, as an HTML page, cut
short, or not at all; none of that may hide the status. Messages carry Amazon's code, text and
request id and never a token. It never decides whether to try again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import orjson

from gateway.errors import (
    SpApiAccessError,
    SpApiAuthorizationError,
    SpApiError,
    SpApiRequestError,
    SpApiRetryableError,
)
from gateway.spapi.directory import Caller
from gateway.spapi.transport import Response

_MAX_TEXT = 300
_TOKEN_FAULTS = ("revoked", "expired", "invalid", "malformed", "missing")
_PERMANENT_5XX = frozenset({501, 505})
_REAUTHORISE = (
    "a fresh access token was refused too: if the authorisation was revoked or is a year old, have "
    "it given again in region {region}"
)
_ADVICE = {
    403: "check that the application has the role this operation needs, that the authorisation "
    "was given in region {region}, and that the account is active",
    404: "no such object for this seller in this region",
    501: "this server does not offer the operation",
    409: "it exists already, or its state forbids the call",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class AmazonError:
    """One error of an answer, as Amazon words it."""

    code: str | None
    message: str = ""
    details: str = ""

    def __str__(self) -> str:
        text = self.message
        if self.details and self.details != self.message:
            text = f"{text} ({self.details})" if text else self.details
        return text


def errors_in(body: bytes) -> Sequence[AmazonError]:
    """Return the errors that a body names, in any of Amazon's shapes; none if it is unreadable."""
    try:
        data = orjson.loads(body)
    except orjson.JSONDecodeError:
        return ()
    if isinstance(data, dict):
        folded = _folded(data)
        listed = folded.get("errors")
        data = listed if isinstance(listed, list) else [listed or folded]
    if not isinstance(data, list):
        return ()
    found = (_error(_folded(item)) for item in data if isinstance(item, dict))
    return tuple(error for error in found if error.code or str(error))


def read_object(
    response: Response, *, operation: str, caller: Caller, may_be_empty: bool = False
) -> dict[str, Any]:
    """Return the object that a 2xx answer holds; an answer without content gives an empty one.

    A bare list (getMyFeesEstimates) comes under `payload`.

    Args:
        response: The answer.
        operation: Full name, for errors.
        caller: On whose behalf, for errors.
        may_be_empty: Whether a 200 without a body is whole: Amazon cancels and deletes so.

    Raises:
        SpApiRetryableError: The body is cut short or no JSON.
        SpApiRequestError: The body holds errors and nothing else.
    """
    if not response.body.strip() and (may_be_empty or response.status != HTTPStatus.OK):
        return {}
    try:
        data = orjson.loads(response.body)
    except orjson.JSONDecodeError as exc:
        what = "is empty" if not response.body.strip() else f"is {_kind(response)}"
        raise SpApiRetryableError(
            f"{operation} for {caller}: Amazon's answer (status {response.status}"
            f"{_request_id(response)}) {what}; the call may have had its effect, ask again",
            **_facts(response, operation, caller, None),
        ) from exc
    if not isinstance(data, dict):
        return {"payload": data}
    if data.get("errors") and not any(value for key, value in data.items() if key != "errors"):
        raise error_from(response, operation=operation, caller=caller)
    return data


def error_from(response: Response, *, operation: str, caller: Caller) -> SpApiError:
    """Return the error that an answer other than success stands for."""
    errors = errors_in(response.body)
    code = next((error.code for error in errors if error.code), None) or _type_header(response)
    said = "; ".join(text for text in map(str, errors) if text) or _kind(response)
    status = response.status
    facts = _facts(response, operation, caller, code)
    token_blamed = status == 401 or (status == 403 and _blames_token(errors))
    advice = _REAUTHORISE if token_blamed else _advice(status)
    message = (
        f"{operation} for {caller}: status {status} {code or _phrase(status)}, "
        f"{_clean(said)}{_request_id(response)}; {advice.format(region=caller.region)}"
    )
    if token_blamed:
        return SpApiAuthorizationError(message, **facts)
    if status == 403:
        return SpApiAccessError(message, **facts)
    if _is_passing(status):
        return SpApiRetryableError(message, **facts, retry_after_s=_retry_after_s(response))
    return SpApiRequestError(message, **facts)


def says_expired(response: Response) -> bool:
    """Tell whether a refusal blames the access token's age."""
    return any("expired" in str(error).lower() for error in errors_in(response.body))


def _blames_token(errors: Sequence[AmazonError]) -> bool:
    """Tell whether a 403 is about the token: `The access token you provided is revoked, …`."""
    texts = [str(error).lower() for error in errors]
    return any("token" in text and any(word in text for word in _TOKEN_FAULTS) for text in texts)


def _advice(status: int) -> str:
    if _is_passing(status):
        return "try later"
    if 300 <= status < 400:
        return "redirects are not followed: check the configured endpoint"
    return _ADVICE.get(status, "fix the request")


def _is_passing(status: int) -> bool:
    return status in {408, 429} or (status >= 500 and status not in _PERMANENT_5XX)


def _folded(item: Mapping[str, Any]) -> dict[str, Any]:
    return {key.lower(): value for key, value in item.items()}


def _error(item: Mapping[str, Any]) -> AmazonError:
    code = item.get("code") or item.get("error") or item.get("__type")
    message = item.get("message") or item.get("error_description") or item.get("error_message")
    return AmazonError(code=_text(code) or None, message=_text(message), details=_details(item))


def _details(item: Mapping[str, Any]) -> str:
    return _text(item.get("details"))


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _clean(text: str) -> str:
    """Return `text` on one line and of bounded length."""
    flat = " ".join(text.split())
    return flat if len(flat) <= _MAX_TEXT else f"{flat[:_MAX_TEXT]}…"


def _kind(response: Response) -> str:
    start = response.body.lstrip()[:15].lower()
    if not start:
        return "no body"
    if start.startswith((b"<!doctype", b"<html")):
        return "an HTML page"
    if start.startswith(b"<"):
        return "XML"
    return "JSON cut short" if start[:1] in b"{[" else "no JSON"


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "unknown"


def _type_header(response: Response) -> str | None:
    """Return the error code of `x-amzn-ErrorType: Code:URL`, which older servers send."""
    return (response.headers.get("x-amzn-ErrorType") or "").split(":")[0].strip() or None


def _retry_after_s(response: Response) -> float | None:
    """Return `Retry-After` in seconds; Amazon documents none, proxies send some."""
    text = (response.headers.get("Retry-After") or "").strip()
    return float(text) if text.isascii() and text.isdigit() else None


def _request_id(response: Response) -> str:
    return f", request id {response.request_id}" if response.request_id else ""


def _facts(response: Response, operation: str, caller: Caller, code: str | None) -> dict[str, Any]:
    return {
        "operation": operation,
        "seller_id": caller.seller_id,
        "status": response.status,
        "code": code,
        "request_id": response.request_id,
    }
