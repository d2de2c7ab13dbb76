"""One HTTP request to Amazon by our own HTTP client; a host behind a proxy is left to aiohttp.

It keeps to what `transport.py` decides: no redirect followed, nothing repeated, one limit of time
and of size over the whole answer, unpacked.
"""

from __future__ import annotations

import ssl
import zlib
from typing import Final

import yarl
from multidict import CIMultiDict

from gateway.http1.client import Client
from gateway.http1.faults import BadAnswerError, ConnectError
from gateway.http1.messages import Answer, Origin, ending, field_lines, request_line
from gateway.spapi.proxies import Proxies
from gateway.spapi.transport import HttpTransport, Request, Response, fault, too_large
from gateway.worker.deadlines import Deadlines

# zlib's `wbits` that finds out by itself whether gzip or zlib frames the data.
_GZIP_OR_ZLIB: Final = 32 + zlib.MAX_WBITS


class LeanHttpTransport:
    """See `Transport`.

    Args:
        client: Carries the connections; somebody else closes it.
        other: Sends what goes by way of a proxy.
        agent: `user-agent` of every request.
        timeout_s: For one request from its start to the last byte of its answer.
        max_body_bytes: Largest answer taken, unpacked.
    """

    def __init__(
        self,
        client: Client,
        other: HttpTransport,
        *,
        agent: str,
        timeout_s: float = 30.0,
        max_body_bytes: int = 32 * 1024 * 1024,
    ) -> None:
        self._client = client
        self._other = other
        self._common = field_lines({"user-agent": agent, "accept-encoding": "gzip, deflate"})
        self._timeout_s = timeout_s
        self._max_body_bytes = max_body_bytes
        self._proxies = Proxies()
        self._deadlines = Deadlines()
        self._trust: ssl.SSLContext | None = None

    async def send(self, request: Request) -> Response:
        """See `Transport`."""
        url = yarl.URL(request.url, encoded=True)
        if self._proxies.of(url) is not None:
            return await self._other.send(request)
        answer = Answer(self._max_body_bytes)
        origin = Origin(url.raw_host or "", url.port or 0, self._context(url))
        try:
            with self._deadlines.limit(self._timeout_s):
                await self._client.send(origin, self._bytes(request, url), answer, repeat=False)
        except (ConnectError, ssl.SSLCertVerificationError) as exc:
            what = f"no connection ({type(exc).__name__})"
            raise fault(request, what, exc, sent=False) from exc
        except TimeoutError as exc:
            what = f"no whole answer within {self._timeout_s:g} s"
            raise fault(request, what, exc, sent=True) from exc
        except (OSError, BadAnswerError) as exc:
            what = f"the answer broke off ({type(exc).__name__})"
            raise fault(request, what, exc, sent=True) from exc
        return self._response(request, answer)

    def _bytes(self, request: Request, url: yarl.URL) -> bytes:
        host = url.host_port_subcomponent or ""
        body = request.body
        return b"".join(
            (
                request_line(request.method, url.raw_path_qs, host),
                self._common,
                field_lines(request.headers),
                b"\r\n" if body is None and request.method == "GET" else ending(len(body or b"")),
                body or b"",
            )
        )

    def _context(self, url: yarl.URL) -> ssl.SSLContext | None:
        if url.scheme != "https":
            return None
        if self._trust is None:
            self._trust = ssl.create_default_context()
        return self._trust

    def _response(self, request: Request, answer: Answer) -> Response:
        assert answer.status is not None
        headers = CIMultiDict(
            [(name.decode("latin-1"), value.decode("latin-1")) for name, value in answer.headers]
        )
        body = answer.body
        is_cut = answer.is_cut
        if body and headers.get("content-encoding", "").lower() in ("gzip", "deflate"):
            unpacker = zlib.decompressobj(_GZIP_OR_ZLIB)
            try:
                body = unpacker.decompress(body, self._max_body_bytes)
            except zlib.error as exc:
                raise fault(request, "the answer can't be unpacked", exc, sent=True) from exc
            is_cut = is_cut or bool(unpacker.unconsumed_tail)
        if is_cut:
            raise too_large(request, answer.status, headers, self._max_body_bytes)
        return Response(status=answer.status, headers=headers, body=body)
