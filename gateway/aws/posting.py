"""How the lean transport's requests travel: by our own HTTP client, or by aiohttp through a proxy.

A request is sent once: whether a failed one is repeated is decided by who knows what it does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from ssl import SSLContext
from typing import Final, NamedTuple, Protocol

from aiohttp import ClientError, ClientSession
from multidict import CIMultiDict
from yarl import URL

from gateway.aws.faults import no_answer
from gateway.http1.client import Client
from gateway.http1.dialling import OpenDialler
from gateway.http1.faults import BadAnswerError
from gateway.http1.messages import Answer, Origin, ending, field_lines, request_line

CONNECT_WITHIN_S: Final = 5.0
KEEP_ALIVE_S: Final = 30.0
# Ten messages of the largest kind, escaped.
_ANSWER_BYTES_MOST: Final = 64 * 1024 * 1024
# The number of pollers, and of batches at once, is the limit.
_CONNECTIONS: Final = 1_000


class Posted(NamedTuple):
    """An answer.

    Attributes:
        header: Returns a header's value by its name in lower case.
    """

    status: int
    header: Callable[[str], str | None]
    body: bytes


class Poster(Protocol):
    """Whoever posts to one endpoint."""

    async def post(self, headers: Mapping[str, str], body: bytes) -> Posted:
        """Return the whole answer, whatever its status.

        Raises:
            CallError: There is none.
        """
        ...

    async def aclose(self) -> None:
        """Close the connections it opened."""
        ...


class ClientPoster:
    """Posts by a client of its own, straight; to be made where an event loop runs.

    Args:
        endpoint: Scheme, host, port and path.
        host: As it is signed.
        context: Trust, for https.
    """

    def __init__(self, endpoint: str, *, host: str, context: SSLContext | None) -> None:
        url = URL(endpoint, encoded=True)
        self._origin = Origin(url.raw_host or "", url.port or 0, context)
        self._head = request_line("POST", url.raw_path_qs, host)
        self._client = Client(
            OpenDialler(within_s=CONNECT_WITHIN_S), connections=_CONNECTIONS, kept_s=KEEP_ALIVE_S
        )

    async def post(self, headers: Mapping[str, str], body: bytes) -> Posted:
        """See `Poster`."""
        named = [(name, value) for name, value in headers.items() if name.lower() != "host"]
        request = b"".join((self._head, field_lines(named), ending(len(body)), body))
        answer = Answer(_ANSWER_BYTES_MOST)
        try:
            await self._client.send(self._origin, request, answer, repeat=False)
        except (OSError, BadAnswerError) as exc:
            raise no_answer(exc) from exc
        assert answer.status is not None
        return Posted(answer.status, lambda name: answer.header(name.encode()), answer.body)

    async def aclose(self) -> None:
        """See `Poster`."""
        await self._client.aclose()


class SessionPoster:
    """Posts by an aiohttp session, by way of a proxy if need be."""

    def __init__(
        self, endpoint: str, session: ClientSession, *, owns: bool, proxy: str | None
    ) -> None:
        self._url = URL(endpoint, encoded=True)
        self._session = session
        self._owns = owns
        self._proxy = proxy

    async def post(self, headers: Mapping[str, str], body: bytes) -> Posted:
        """See `Poster`."""
        try:
            async with self._session.post(
                self._url,
                data=body,
                headers=CIMultiDict(headers),
                allow_redirects=False,
                proxy=self._proxy,
            ) as response:
                return Posted(response.status, response.headers.get, await response.read())
        except (ClientError, OSError) as exc:
            raise no_answer(exc) from exc

    async def aclose(self) -> None:
        """See `Poster`."""
        if self._owns:
            await self._session.close()
