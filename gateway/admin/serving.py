"""The routes of the table as aiohttp's, with everything that all of them share.

That is the request's id, the gate, faults as problem+json, headers that keep answers out of caches,
and one line in the log.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final, Protocol

import structlog
from aiohttp import web
from pydantic import BaseModel

from gateway.admin.api import Api
from gateway.admin.gate import Gate
from gateway.admin.problems import CONTENT_TYPE, Refusal, refusal_of
from gateway.admin.reading import read_call
from gateway.admin.routes import NOBODY, PATH_PATTERNS, Answer, Route
from gateway.clock import Clock
from gateway.model import IdPrefix, new_id

_log = structlog.get_logger("gateway.admin")

_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")
_HEADERS: Final = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
_BY_STATUS: Final = {
    400: "malformed",
    404: "not-found",
    405: "method-not-allowed",
    413: "too-large",
    417: "expectation",
}

_REQUEST_ID_KEY: Final = web.RequestKey("request_id", str)
_KEY_ID_KEY: Final = web.RequestKey("key_id", str)
_ROUTE_KEY: Final = web.RequestKey("route", str)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def served(routes: Sequence[Route], api: Api, gate: Gate) -> Sequence[web.RouteDef]:
    """Return aiohttp's routes for those of the table."""
    return [
        web.route(route.method, _matched(route), _handler(route, api, gate)) for route in routes
    ]


def _matched(route: Route) -> str:
    """Return the path as aiohttp matches it: what no id looks like is no path at all."""
    path = route.path
    for name in route.parameters:
        path = path.replace(f"{{{name}}}", f"{{{name}:{PATH_PATTERNS[name].strip('^$')}}}")
    return path


def _handler(route: Route, api: Api, gate: Gate) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        request[_ROUTE_KEY] = route.name
        key = NOBODY
        if route.scope is not None:
            peer = request.remote or "unknown"
            key = await gate.admit(route, request.headers.get("Authorization"), peer)
        request[_KEY_ID_KEY] = key.id
        call = await read_call(request, route, key, request[_REQUEST_ID_KEY])
        answer = await route.handler(api, call)
        if not isinstance(answer, Answer):
            answer = Answer(body=answer)
        return _json(answer.status or route.status, answer.body, answer.headers)

    return handle


class ApiRecorder(Protocol):
    """Who counts requests."""

    def answered(self, route: str | None, status: int, duration_s: float) -> None:
        """Count one request; `route` is None where no path fitted."""
        ...


def middleware(
    clock: Clock, recorder: ApiRecorder
) -> Callable[[web.Request, Handler], Awaitable[web.StreamResponse]]:
    """Return what stands round every route below `/v1`; all else passes through it untouched."""

    @web.middleware
    async def around(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path != "/v1" and not request.path.startswith("/v1/"):
            return await handler(request)
        started_s = clock.monotonic_s()
        request_id = _request_id(request, clock)
        request[_REQUEST_ID_KEY] = request_id
        response = await _answered(request, handler, request_id)
        response.headers.update(_HEADERS | {"X-Request-Id": request_id})
        duration_s = clock.monotonic_s() - started_s
        recorder.answered(request.get(_ROUTE_KEY), response.status, duration_s)
        _log.info(
            "admin.request",
            method=request.method,
            route=request.get(_ROUTE_KEY),
            status=response.status,
            duration_ms=round(duration_s * 1000),
            key=request.get(_KEY_ID_KEY),
            request_id=request_id,
        )
        return response

    return around


async def _answered(request: web.Request, handler: Handler, request_id: str) -> web.StreamResponse:
    try:
        return await handler(request)
    except web.HTTPException as exc:
        refusal = _of_http(exc)
    except asyncio.CancelledError:
        raise
    except Exception as exc:  # noqa: BLE001 whatever it is, the caller gets a problem, the log the rest
        refusal = refusal_of(exc)
        if refusal.status >= 500:
            _log.error("admin.failed", request_id=request_id, exc_info=exc)
    response = _json(refusal.status, refusal.problem(request_id), refusal.headers)
    response.content_type = CONTENT_TYPE
    return response


def _of_http(exc: web.HTTPException) -> Refusal:
    """Return what aiohttp itself refused: an unknown path, another method, too big a body."""
    headers = {name: exc.headers[name] for name in ("Allow",) if name in exc.headers}
    return Refusal(
        status=exc.status,
        word=_BY_STATUS.get(exc.status, "refused"),
        detail=exc.reason,
        headers=headers,
    )


def _json(status: int, body: BaseModel, headers: Mapping[str, str]) -> web.Response:
    return web.Response(
        status=status,
        body=body.model_dump_json(by_alias=True).encode(),
        content_type="application/json",
        headers=headers,
    )


def _request_id(request: web.Request, clock: Clock) -> str:
    given = request.headers.get("X-Request-Id", "")
    return given if _REQUEST_ID.fullmatch(given) else new_id(IdPrefix.REQUEST, clock.now_ms())
