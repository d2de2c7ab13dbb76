"""Requests to SQS by hand: the AWS JSON protocol over aiohttp, at a third of botocore's cost.

It decides how a request is built and what an answer is; one attempt a call. Retries, batches and
limits of time are the queue's, credentials the source's.
"""

from __future__ import annotations

from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any, Final

import orjson
from aiohttp import ClientError, ClientSession
from multidict import CIMultiDict
from yarl import URL

from gateway.aws.credentials import Credentials, CredentialSource
from gateway.aws.faults import SKEW_CODES, CallError, bare_code, no_answer, refusal, unreadable
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
        self,
        *,
        endpoint: str,
        region: str,
        session: ClientSession,
        credentials: CredentialSource,
        clock: Clock,
        owns_session: bool = False,
        proxy: str | None = None,
    ) -> None:
        self._url = URL(endpoint, encoded=True)
        self._signer = JsonSigner(endpoint, region=region, service="sqs")
        self._session = session
        self._owns_session = owns_session
        self._credentials = credentials
        self._clock = clock
        self._proxy = proxy
        self._skew_s = 0

    async def call(self, operation: str, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        """See `Transport`."""
        target = _TARGET_PREFIX + operation
        body = orjson.dumps(parameters)
        keys = await self._credentials.get()
        status, headers, answer = await self._post(target, body, keys)
        if status == 200:
            return _success(answer)
        fault = _refused(status, headers, answer)
        if fault.code in SKEW_CODES and self._learn_skew(headers):
            status, headers, answer = await self._post(target, body, keys)
            if status == 200:
                return _success(answer)
            fault = _refused(status, headers, answer)
        if fault.reason == "credentials":
            self._credentials.forget(keys)
        raise fault

    async def aclose(self) -> None:
        """See `Transport`."""
        if self._owns_session:
            await self._session.close()

    async def _post(
        self, target: str, body: bytes, keys: Credentials
    ) -> tuple[int, Mapping[str, str], bytes]:
        now_s = self._clock.now_ms() // 1000 + self._skew_s
        headers = CIMultiDict(self._signer.headers(target, body, keys, now_s))
        headers["user-agent"] = _USER_AGENT
        headers["accept-encoding"] = "identity"
        try:
            async with self._session.post(
                self._url, data=body, headers=headers, allow_redirects=False, proxy=self._proxy
            ) as response:
                return response.status, response.headers, await response.read()
        except (ClientError, OSError) as exc:
            raise no_answer(exc) from exc

    def _learn_skew(self, headers: Mapping[str, str]) -> bool:
        """Take over the clock of an answer; return whether that changes anything."""
        try:
            theirs_s = parsedate_to_datetime(headers.get("date", "")).timestamp()
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


def _refused(status: int, headers: Mapping[str, str], answer: bytes) -> CallError:
    try:
        parsed = orjson.loads(answer)
    except orjson.JSONDecodeError:
        parsed = None
    if not isinstance(parsed, dict):
        return refusal(status, bare_code(headers.get("x-amzn-errortype")), "")
    code = bare_code(parsed.get("__type") or headers.get("x-amzn-errortype"))
    return refusal(status, code, str(parsed.get("message") or parsed.get("Message") or ""))
