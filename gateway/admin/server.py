"""The admin port: listens, and closes with a moment for requests in flight."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from aiohttp import web

from gateway.admin.reading import BODY_BYTES_MAX

_CLOSE_S: Final = 1.0


class AdminServer:
    """Serves routes on the admin port from `start` to `stop`."""

    def __init__(
        self,
        routes: Sequence[web.RouteDef],
        *,
        host: str,
        port: int,
        middlewares: Sequence[Any] = (),
    ) -> None:
        app = web.Application(client_max_size=BODY_BYTES_MAX, middlewares=middlewares)
        app.add_routes(routes)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=_CLOSE_S)
        self._host = host
        self._port = port

    @property
    def port(self) -> int:
        """The port that is listened on, known after `start`."""
        address = self._runner.addresses[0]
        port: int = address[1]
        return port

    async def start(self) -> None:
        """Begin to listen.

        Raises:
            OSError: The address is in use or not this machine's.
        """
        await self._runner.setup()
        await web.TCPSite(self._runner, self._host, self._port).start()

    async def stop(self) -> None:
        """End, with a second for requests in flight."""
        await self._runner.cleanup()
