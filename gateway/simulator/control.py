"""The control routes under `/_simulator/`: look at counts, turn faults on and off.

GET                 /_simulator/calls           calls per application, seller, region, operation
GET, PUT, DELETE    /_simulator/sqs/faults      the knobs of the local SQS, by name
GET, POST, DELETE   /_simulator/spapi/faults    {"fault": "status=503", "operation": …,
"seller": …, "chance": …, "times": …}
POST                /_simulator/tokens/expire   {"seller": …}: end its tokens, or all of them
POST                /_simulator/sellers/revoke  {"seller": …}: it withdraws its authorisation
POST                /_simulator/sellers/restore {"seller": …}: it authorises again
GET                 /_simulator                 what the simulator is made of
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from gateway.errors import InvalidInputError
from gateway.simulator.http import json_response

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from aiohttp import web

    from gateway.simulator.spapi.accounts import Accounts
    from gateway.simulator.spapi.faults import SpApiFaults
    from gateway.simulator.spapi.lwa import Lwa
    from gateway.simulator.spapi.usage import Usage
    from gateway.simulator.sqs.faults import SqsFaults

PREFIX = "/_simulator"


class Control:
    """Answers the control routes."""

    def __init__(
        self,
        *,
        accounts: Accounts,
        lwa: Lwa,
        usage: Usage,
        spapi_faults: SpApiFaults,
        sqs_faults: SqsFaults,
        describe: Callable[[], Mapping[str, Any]],
    ) -> None:
        self._accounts = accounts
        self._lwa = lwa
        self._usage = usage
        self._spapi_faults = spapi_faults
        self._sqs_faults = sqs_faults
        self._routes: Mapping[tuple[str, str], Callable[[Mapping[str, Any]], object]] = {
            ("GET", ""): lambda _: describe(),
            ("GET", "/calls"): lambda _: self._calls(),
            ("GET", "/sqs/faults"): lambda _: sqs_faults.show(),
            ("PUT", "/sqs/faults"): self._turn,
            ("DELETE", "/sqs/faults"): lambda _: self._clear(sqs_faults),
            ("GET", "/spapi/faults"): lambda _: self._spapi_in_force(),
            ("POST", "/spapi/faults"): self._add,
            ("DELETE", "/spapi/faults"): lambda _: self._clear(spapi_faults),
            ("POST", "/tokens/expire"): self._expire,
            ("POST", "/sellers/revoke"): self._revoke,
            ("POST", "/sellers/restore"): self._restore,
        }

    async def answer(self, request: web.BaseRequest) -> web.Response:
        """Return the answer to a control request; never raises for what the client sent."""
        path = request.path.removeprefix(PREFIX).rstrip("/")
        route = self._routes.get((request.method, path))
        if route is None:
            known = ", ".join(f"{method} {PREFIX}{path}" for method, path in self._routes)
            return json_response({"error": f"no such route; known are {known}"}, status=404)
        try:
            return json_response(route(_parsed(await request.read())))
        except InvalidInputError as exc:
            return json_response({"error": str(exc)}, status=400)

    def _calls(self) -> object:
        return {"items": self._usage.show(), "lwa": self._lwa.calls}

    def _turn(self, body: Mapping[str, Any]) -> object:
        self._sqs_faults.turn(body)
        return self._sqs_faults.show()

    def _clear(self, faults: SqsFaults | SpApiFaults) -> object:
        faults.clear()
        return {}

    def _spapi_in_force(self) -> object:
        return {"items": self._spapi_faults.show()}

    def _add(self, body: Mapping[str, Any]) -> object:
        chance, times = body.get("chance", 1.0), body.get("times")
        if not isinstance(chance, int | float) or not isinstance(times, int | None):
            raise InvalidInputError("chance takes a number and times a whole one")
        self._spapi_faults.add(
            _text(body, "fault"),
            operation=body.get("operation"),
            seller=body.get("seller"),
            chance=chance,
            times=times,
        )
        return self._spapi_in_force()

    def _expire(self, body: Mapping[str, Any]) -> object:
        self._accounts.expire_tokens(_text(body, "seller") if "seller" in body else None)
        return {}

    def _revoke(self, body: Mapping[str, Any]) -> object:
        self._accounts.revoke(_text(body, "seller"))
        return {}

    def _restore(self, body: Mapping[str, Any]) -> object:
        self._accounts.restore(_text(body, "seller"))
        return {}


def _parsed(body: bytes) -> Mapping[str, Any]:
    try:
        fields = orjson.loads(body or b"{}")
    except orjson.JSONDecodeError as exc:
        raise InvalidInputError("the body is no JSON") from exc
    if not isinstance(fields, dict):
        raise InvalidInputError("the body must be a JSON object")
    return fields


def _text(body: Mapping[str, Any], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value:
        raise InvalidInputError(f"{name} takes a text")
    return value
