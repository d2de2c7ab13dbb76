"""From an HTTP request to a `Call`: its query and body checked and bounded."""

from __future__ import annotations

import asyncio
import re
from typing import Final, get_origin

import orjson
from aiohttp import web
from pydantic import BaseModel, ValidationError

from gateway.access import ApiKey
from gateway.admin.problems import Refusal, invalid
from gateway.admin.routes import Call, Route
from gateway.errors import InvalidInputError

BODY_BYTES_MAX: Final = 1 << 20

_BODY_WITHIN_S: Final = 15.0
_IDEMPOTENCY_KEY: Final = re.compile(r"[\x21-\x7e]{1,255}")


async def read_call(request: web.Request, route: Route, key: ApiKey, request_id: str) -> Call:
    """Return what is asked for.

    Raises:
        Refusal: It is not of the route's form.
    """
    return Call(
        key=key,
        request_id=request_id,
        path={name: request.match_info[name] for name in route.parameters},
        query_given=_query(request, route),
        body_given=await _body(request, route),
        idempotency_key=_idempotency_key(request) if route.takes_idempotency_key else None,
        if_match=request.headers.get("If-Match") if route.takes_if_match else None,
    )


def _query(request: web.Request, route: Route) -> BaseModel:
    given: dict[str, object] = {}
    for name in request.query:
        values = request.query.getall(name)
        member = route.query.model_fields.get(name)
        if member is not None and get_origin(member.annotation) is tuple:
            given[name] = tuple(values)
        elif len(values) > 1:
            raise Refusal(status=422, word="invalid", detail=f"query.{name} is given twice")
        else:
            given[name] = values[0]
    try:
        return route.query.model_validate(given, strict=False)
    except ValidationError as exc:
        raise invalid(exc, "query") from None


async def _body(request: web.Request, route: Route) -> BaseModel | None:
    if route.body is None:
        return None
    if request.content_type != "application/json":
        raise Refusal(
            status=415, word="media-type", detail="the body has to be of type application/json"
        )
    try:
        async with asyncio.timeout(_BODY_WITHIN_S):
            raw = await request.read()
    except TimeoutError:
        raise Refusal(
            status=408, word="timeout", detail=f"the body took more than {_BODY_WITHIN_S:g} s"
        ) from None
    try:
        # pydantic would take NaN and repeat what it can't read; this is as strict as RFC 8259.
        orjson.loads(raw)
    except orjson.JSONDecodeError:
        raise Refusal(status=400, word="malformed", detail="the body is no JSON") from None
    try:
        return route.body.model_validate_json(raw)
    except ValidationError as exc:
        raise invalid(exc, "body") from None


def _idempotency_key(request: web.Request) -> str | None:
    given = request.headers.get("Idempotency-Key")
    if given is not None and not _IDEMPOTENCY_KEY.fullmatch(given):
        raise InvalidInputError(
            "Idempotency-Key: write 1 to 255 printable ASCII characters without spaces"
        )
    return given
