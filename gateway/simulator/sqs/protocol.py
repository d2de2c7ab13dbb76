"""HTTP in front of the local SQS: headers, JSON, error bodies and the faults of the wire.

It takes no notice of signatures: any credentials are good. Source: "AWS JSON 1.0 protocol".
"""

from __future__ import annotations

import asyncio
import uuid
from typing import TYPE_CHECKING

import orjson
from aiohttp import web

from gateway.simulator.sqs.errors import SqsError
from gateway.simulator.sqs.parameters import Parameters

if TYPE_CHECKING:
    from gateway.simulator.sqs.faults import SqsFaults
    from gateway.simulator.sqs.service import LocalSqs

TARGET_HEADER = "X-Amz-Target"
_TARGET_PREFIX = "AmazonSQS."
_CONTENT_TYPE = "application/x-amz-json-1.0"


def is_sqs(request: web.BaseRequest) -> bool:
    """Whether a request speaks the JSON protocol of SQS."""
    return request.headers.get(TARGET_HEADER, "").startswith(_TARGET_PREFIX)


class SqsProtocol:
    """Answers SQS requests over HTTP."""

    def __init__(self, sqs: LocalSqs, faults: SqsFaults) -> None:
        self._sqs = sqs
        self._faults = faults

    async def answer(self, request: web.BaseRequest) -> web.Response:
        """Return the answer to one request; never raises for what the client sent."""
        if self._faults.delay_s:
            await asyncio.sleep(self._faults.delay_s)
        if self._faults.strikes(self._faults.unavailable):
            return web.Response(
                status=503,
                text="<html><body><h1>503 Service Unavailable</h1></body></html>",
                content_type="text/html",
            )
        try:
            self._check_faults()
            answer = await self._sqs.run(
                request.headers[TARGET_HEADER].removeprefix(_TARGET_PREFIX),
                Parameters(_parsed(await request.read())),
                f"{request.scheme}://{request.host}",
            )
        except SqsError as exc:
            return _refusal(exc)
        return _response(200, answer)

    def _check_faults(self) -> None:
        if self._faults.expired_credentials:
            raise SqsError(
                "ExpiredTokenException",
                "The security token included in the request is expired",
                status=403,
            )
        if self._faults.strikes(self._faults.throttle):
            raise SqsError("RequestThrottled", "The request was denied due to throttling.")


def _parsed(body: bytes) -> dict[str, object]:
    try:
        values = orjson.loads(body or b"{}")
    except orjson.JSONDecodeError as exc:
        raise SqsError("SerializationException", "The request is no JSON.") from exc
    if not isinstance(values, dict):
        raise SqsError("SerializationException", "The request must be a JSON object.")
    return values


def _refusal(error: SqsError) -> web.Response:
    side = "Sender" if error.senders_fault else "Receiver"
    response = _response(
        error.status, {"__type": f"com.amazonaws.sqs#{error.shape}", "message": str(error)}
    )
    response.headers["x-amzn-query-error"] = f"{error.legacy_code};{side}"
    return response


def _response(status: int, answer: object) -> web.Response:
    return web.Response(
        status=status,
        body=orjson.dumps(answer),
        headers={"Content-Type": _CONTENT_TYPE, "x-amzn-RequestId": str(uuid.uuid4())},
    )
