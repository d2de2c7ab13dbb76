"""Which control route a request means."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.errors import InvalidInputError
from gateway.simulator.control.fields import Routes, parsed
from gateway.simulator.http import json_response

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aiohttp import web

PREFIX = "/_simulator"


class Control:
    """Answers the control routes.

    Attributes:
        routes: What answers each route, by method and path below `/_simulator`.
    """

    def __init__(self, groups: Sequence[Routes]) -> None:
        self.routes = {key: route for group in groups for key, route in group.items()}

    async def answer(self, request: web.BaseRequest) -> web.Response:
        """Return the answer to a control request; never raises for what the client sent."""
        path = request.path.removeprefix(PREFIX).rstrip("/")
        route = self.routes.get((request.method, path))
        if route is None:
            known = ", ".join(f"{method} {PREFIX}{path}" for method, path in self.routes)
            return json_response({"error": f"no such route; known are {known}"}, status=404)
        try:
            return json_response(route(parsed(await request.read())))
        except InvalidInputError as exc:
            return json_response({"error": str(exc)}, status=400)
