"""A simulator that runs already, reached through its control routes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import orjson
import typer
from aiohttp import ClientError, ClientSession, ClientTimeout

from gateway.errors import DependencyError, InvalidInputError

DEFAULT_URL = "http://127.0.0.1:9324"
_WITHIN_S = 30

At = Annotated[str, typer.Option("--at", help="Where the simulator is served.")]


class RunningSimulator:
    """Asks and tells a served simulator."""

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")

    async def ask(self, path: str) -> Mapping[str, Any]:
        """Return what a control route shows.

        Raises:
            DependencyError: Nothing is served there.
            InvalidInputError: The simulator refuses.
        """
        return await self._request("GET", path, None)

    async def tell(self, path: str, fields: Mapping[str, Any]) -> Mapping[str, Any]:
        """Send fields to a control route; return its answer. Raises as `ask` does."""
        return await self._request("POST", path, fields)

    async def clear(self, path: str) -> None:
        """Undo what a control route was told. Raises as `ask` does."""
        await self._request("DELETE", path, None)

    async def _request(
        self, method: str, path: str, fields: Mapping[str, Any] | None
    ) -> Mapping[str, Any]:
        url = f"{self._url}/_simulator{path}"
        body = None if fields is None else orjson.dumps(fields)
        timeout = ClientTimeout(total=_WITHIN_S)
        try:
            async with (
                ClientSession(timeout=timeout) as session,
                session.request(method, url, data=body) as answer,
            ):
                status, text = answer.status, await answer.read()
                told = orjson.loads(text)
        except (ClientError, TimeoutError, ValueError) as exc:
            raise DependencyError(
                f"no simulator answers at {self._url}: {exc}; start `gateway simulate serve`, or "
                "name it by --at"
            ) from exc
        if status >= 400:
            raise InvalidInputError(str(told.get("error", told)))
        return dict(told)
