"""Requests to SQS by hand: the AWS JSON protocol, at a small part of botocore's cost.

It decides how a request is built and what an answer is; one attempt a call. Retries, batches and
limits of time are the queue's, credentials the source's.
"""

from __future__ import annotations

from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any, Final

import orjson

from gateway.aws.credentials import Credentials, CredentialSource
from gateway.aws.faults import SKEW_CODES, CallError, bare_code, refusal, unreadable
from gateway.aws.posting import Posted, Poster
from gateway.aws.sigv4 import JsonSigner
from gateway.clock import Clock

_TARGET_PREFIX: Final = "AmazonSQS."
_USER_AGENT: Final = "spapi-event-gateway"
_SKEW_MIN_S: Final = 60
"""A smaller difference to Amazon's clock can't be why it refuses a signature."""


class LeanTransport:
    """A `Transport` that POSTs signed JSON.

    Where Amazon refuses a signature and its clock is far from ours, the difference is kept and
    the request signed once more.
    """

    def __init__(
        self, poster: Poster, signer: JsonSigner, *, credentials: CredentialSource, clock: Clock
    ) -> None:
        self._poster = poster
        self._signer = signer
        self._credentials = credentials
        self._clock = clock
        self._skew_s = 0

    async def call(self, operation: str, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        """See `Transport`."""
        target = _TARGET_PREFIX + operation
        body = orjson.dumps(parameters)
        keys = await self._credentials.get()
        posted = await self._post(target, body, keys)
        if posted.status == 200:
            return _success(posted.body)
        fault = _refused(posted)
        if fault.code in SKEW_CODES and self._learn_skew(posted):
            posted = await self._post(target, body, keys)
            if posted.status == 200:
                return _success(posted.body)
            fault = _refused(posted)
        if fault.reason == "credentials":
            self._credentials.forget(keys)
        raise fault

    async def aclose(self) -> None:
        """See `Transport`."""
        await self._poster.aclose()

    async def _post(self, target: str, body: bytes, keys: Credentials) -> Posted:
        now_s = self._clock.now_ms() // 1000 + self._skew_s
        headers = self._signer.headers(target, body, keys, now_s)
        headers["user-agent"] = _USER_AGENT
        headers["accept-encoding"] = "identity"
        return await self._poster.post(headers, body)

    def _learn_skew(self, posted: Posted) -> bool:
        """Take over the clock of an answer; return whether that changes anything."""
        try:
            theirs_s = parsedate_to_datetime(posted.header("date") or "").timestamp()
        except (TypeError, ValueError):
            return False
        skew_s = round(theirs_s - self._clock.now_ms() / 1000)
        if abs(skew_s - self._skew_s) < _SKEW_MIN_S:
            return False
        self._skew_s = skew_s
        return True


def _success(answer: bytes) -> Mapping[str, Any]:
    if not answer:
        return {}
    try:
        parsed = orjson.loads(answer)
    except orjson.JSONDecodeError as exc:
        raise unreadable() from exc
    if not isinstance(parsed, dict):
        raise unreadable()
    return parsed


def _refused(posted: Posted) -> CallError:
    try:
        parsed = orjson.loads(posted.body)
    except orjson.JSONDecodeError:
        parsed = None
    if not isinstance(parsed, dict):
        return refusal(posted.status, bare_code(posted.header("x-amzn-errortype")), "")
    code = bare_code(parsed.get("__type") or posted.header("x-amzn-errortype"))
    return refusal(posted.status, code, str(parsed.get("message") or parsed.get("Message") or ""))
