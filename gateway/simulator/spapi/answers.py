"""Answers and refusals of the local SP-API; decides their form, never when one is due."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from aiohttp import web

from gateway.errors import GatewayError
from gateway.simulator.http import json_response

if TYPE_CHECKING:
    from collections.abc import Mapping

RATE_HEADER = "x-amzn-RateLimit-Limit"
# The page "Usage Plans and Rate Limits" promises the header for no other status.
RATE_HEADER_STATUSES = frozenset({200, 201, 202, 204, 400, 404})


class RefusalError(GatewayError):
    """An answer other than success, with Amazon's error code."""

    def __init__(self, status: int, code: str, message: str, details: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.details = details

    def body(self) -> Mapping[str, Any]:
        """Return the error body in the shape of the public models."""
        return {"errors": [{"code": self.code, "message": str(self), "details": self.details}]}


def denied(details: str) -> RefusalError:
    """Return the refusal of a call that its token does not allow."""
    return RefusalError(403, "Unauthorized", "Access to requested resource is denied.", details)


def over_quota() -> RefusalError:
    """Return the refusal of a call beyond the usage plan."""
    return RefusalError(429, "QuotaExceeded", "You exceeded your quota for the requested resource.")


def not_found(what: str, details: str = "") -> RefusalError:
    """Return the refusal of a call for something that is not there."""
    return RefusalError(404, "NotFound", f"The requested {what} does not exist.", details)


def bad_input(message: str, details: str = "") -> RefusalError:
    """Return the refusal of a request that is wrong in itself."""
    return RefusalError(400, "InvalidInput", message, details)


def respond(status: int, body: object) -> web.Response:
    """Return a JSON answer with a request id; a body of None is no body at all."""
    headers = {"x-amzn-RequestId": str(uuid.uuid4())}
    if body is None:
        return web.Response(status=status, headers=headers)
    return json_response(body, status=status, headers=headers)


def refuse(refusal: RefusalError) -> web.Response:
    """Return a refusal as an answer."""
    return respond(refusal.status, refusal.body())
