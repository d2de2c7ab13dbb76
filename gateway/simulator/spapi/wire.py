"""How each kind of fault looks on the wire: instead of an answer, or on top of one."""

from __future__ import annotations

import asyncio
import uuid
from email.utils import formatdate
from http import HTTPStatus
from types import MappingProxyType
from typing import TYPE_CHECKING

from aiohttp import web

from gateway.clock import SystemClock
from gateway.simulator.http import drop_connection
from gateway.simulator.spapi.answers import (
    RATE_HEADER,
    RefusalError,
    denied,
    over_quota,
    refuse,
)
from gateway.simulator.spapi.faults import FaultKind

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from gateway.simulator.spapi.faults import Fault

_CODES = MappingProxyType(
    {401: "Unauthorized", 403: "Unauthorized", 404: "NotFound", 409: "Conflict"}
)
# Where the connection is cut there is nothing to count an answer by.
NO_STATUS = 0


async def instead(request: web.BaseRequest, fault: Fault) -> web.Response | None:
    """Return what a fault answers in place of the operation; None where the operation answers.

    A stall waits here and then lets the operation answer.
    """
    answer: web.Response | None = None
    match fault.kind:
        case FaultKind.STALL:
            await asyncio.sleep(fault.number)
        case FaultKind.STATUS:
            answer = refuse(_of_status(int(fault.number)))
        case FaultKind.HTML:
            answer = _page(int(fault.number))
        case FaultKind.EMPTY:
            answer = web.Response(status=int(fault.number), headers=_request_id())
        case FaultKind.EXPIRED_TOKEN:
            answer = refuse(denied("The access token you provided has expired."))
        case FaultKind.DROPPED:
            drop_connection(request)
            answer = web.Response(status=HTTPStatus.SERVICE_UNAVAILABLE)
        case (
            FaultKind.TRUNCATED
            | FaultKind.MALFORMED
            | FaultKind.NO_RATE_HEADER
            | FaultKind.CLOCK_SKEW
        ):
            pass
    return answer


async def on_top(
    request: web.BaseRequest, response: web.Response, fault: Fault
) -> web.StreamResponse:
    """Return the operation's answer as the fault lets it through."""
    match fault.kind:
        case FaultKind.NO_RATE_HEADER:
            response.headers.popall(RATE_HEADER, None)
            return response
        case FaultKind.CLOCK_SKEW:
            # The machine's own time: what aiohttp would have written, but for the seconds.
            now_s = SystemClock().now_ms() / 1_000
            response.headers["Date"] = formatdate(now_s - fault.number, usegmt=True)
            return response
        case FaultKind.MALFORMED:
            return _halved(response)
        case FaultKind.TRUNCATED:
            return await _cut(request, response)
        case _:
            return response


async def faulted(
    request: web.BaseRequest, fault: Fault | None, answer: Callable[[], Awaitable[web.Response]]
) -> web.StreamResponse:
    """Return what a request is answered under a fault, where there is one."""
    if fault is None:
        return await answer()
    early = await instead(request, fault)
    return early if early is not None else await on_top(request, await answer(), fault)


def answers_nothing(fault: Fault | None) -> bool:
    """Whether the caller gets no whole answer."""
    return fault is not None and fault.kind in {FaultKind.DROPPED, FaultKind.TRUNCATED}


def _of_status(status: int) -> RefusalError:
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return over_quota()
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return RefusalError(status, "InternalFailure", "We encountered an internal error.")
    return RefusalError(status, _CODES.get(status, "InvalidInput"), "A fault was asked for.")


def _page(status: int) -> web.Response:
    return web.Response(
        status=status,
        text=f"<html><head><title>{status}</title></head><body><h1>{status}</h1></body></html>",
        content_type="text/html",
        headers=_request_id(),
    )


def _body(response: web.Response) -> bytes:
    return response.body if isinstance(response.body, bytes) else b""


def _halved(response: web.Response) -> web.Response:
    body = _body(response)
    return web.Response(
        status=response.status,
        body=body[: len(body) // 2],
        headers={"Content-Type": response.headers["Content-Type"], **_request_id()},
    )


async def _cut(request: web.BaseRequest, response: web.Response) -> web.StreamResponse:
    """Send half of the body under the whole one's length, then cut the connection."""
    body = _body(response)
    cut = web.StreamResponse(
        status=response.status,
        headers={**response.headers, "Content-Length": str(len(body))},
    )
    await cut.prepare(request)
    await cut.write(body[: len(body) // 2])
    drop_connection(request)
    return cut


def _request_id() -> dict[str, str]:
    return {"x-amzn-RequestId": str(uuid.uuid4())}
