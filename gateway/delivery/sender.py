"""One signed POST to an endpoint, and what each answer means. It never touches the store.

| answer                             | error class           | what follows                     |
| ---------------------------------- | --------------------- | -------------------------------- |
| 2xx                                | none                  | delivered                        |
| 3xx                                | redirect              | never followed; on the schedule  |
| 410                                | gone                  | held; the endpoint is disabled   |
| 429                                | throttled             | on the schedule; the endpoint    |
| 502, 503, 504                      | unavailable           | rests: `Retry-After`, else 30 s  |
| other 4xx, 5xx                     | http_4xx, http_5xx    | on the schedule                  |
| no HTTP, other status, big headers | bad_answer            | on the schedule                  |
| deadline passed                    | timeout               | on the schedule                  |
| refused, unreachable               | connect               | on the schedule                  |
| closed or reset before an answer   | disconnected          | on the schedule                  |
| TLS fails                          | tls                   | on the schedule                  |
| certificate expired, not trusted   | tls_certificate       | on the schedule                  |
| name unknown; its servers fail     | dns_name; dns         | on the schedule                  |
| certificate of another name        | tls_name              | on the schedule, and shown as a  |
| forbidden address                  | blocked_address       | fault of the endpoint's          |
| bad URL, bad headers               | bad_url, bad_headers  | configuration                    |
| no signing key left                | no_secret             |                                  |
| its token server refuses us        | bad_credentials       |                                  |
| our name servers, our network      | own_dns, own_network  | not charged; again soon, at most |
| our proxy; a defect of ours        | own_proxy, own_fault  | 5 minutes later                  |

`Retry-After` of any failing status is honoured in full, up to 24 hours; where the schedule has
ended the delivery is dead. The status line decides: an answer whose body is too long, broken or
compressed is judged by it all the same, except that a 2xx must be complete (or as much of it as is
read, 16 KiB) within the deadline. A request on a kept-alive connection that turns out to be closed
is sent again at once, on the same deadline: the event's id makes that safe.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self, cast

import aiohttp
from yarl import URL

from gateway.delivery.answers import ANSWER_BYTES_MAX, decoded, retry_after_s
from gateway.delivery.dialling import Dial, PeerResponse, Proxy, current_dial, open_session
from gateway.delivery.egress import BlockedAddressError, EgressPolicy, Resolver, Target, check_url
from gateway.delivery.faults import ErrorClass, classify_exception, classify_status
from gateway.delivery.pins import Pins
from gateway.delivery.routes import Route, make_route
from gateway.delivery.tokens import Tokens
from gateway.delivery.verdict import Reply
from gateway.errors import InvalidInputError
from gateway.worker.deadlines import Deadlines

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from ssl import SSLContext
    from types import TracebackType

    from gateway.clock import Clock
    from gateway.endpoints import Endpoint

_RESENDS_MAX: Final = 2
_ERROR_CHARACTERS_MAX: Final = 500


@dataclass(slots=True)
class _Answer:
    """The answer to one request as far as it has come."""

    status: int | None = None
    retry_after: str | None = None
    body: bytes = b""
    peer: str | None = None
    signature: str | None = None


class Sender:
    """Makes attempts. An async context manager, which owns the connections.

    Args:
        policy: What may be dialled.
        resolver: Who turns names into addresses.
        clock: Time of signatures and durations.
        timeout_s: Deadline of a request to an endpoint that sets none.
        connections: Most requests in flight at once.
        user_agent: How the gateway names itself.
        ssl_context: Trust to use instead of the system's.
        ca_file: Authorities to trust beside the system's, where a client certificate is shown.
        proxy_url: HTTP proxy that every request goes through; None to go straight.
    """

    def __init__(  # noqa: PLR0913 one for each option
        self,
        policy: EgressPolicy,
        resolver: Resolver,
        clock: Clock,
        *,
        timeout_s: float = 15.0,
        connections: int = 256,
        user_agent: str = "spapi-event-gateway",
        ssl_context: SSLContext | None = None,
        ca_file: Path | None = None,
        proxy_url: str | None = None,
    ) -> None:
        self._policy = policy
        self._resolver = resolver
        self._clock = clock
        self._timeout_s = timeout_s
        self._deadlines = Deadlines()
        self._connections = connections
        self._user_agent = user_agent
        self._ssl_context = ssl_context
        self._ca_file = ca_file
        self._proxy = None if proxy_url is None else Proxy(URL(proxy_url))
        self._pins = Pins(policy, resolver, clock)
        self._tokens = Tokens(self._fetch, clock)
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = open_session(
            self._policy,
            self._resolver,
            headers={
                "Content-Type": "application/json",
                "User-Agent": self._user_agent,
                "Accept": "*/*",
                "Accept-Encoding": "identity",
            },
            connections=self._connections,
            ssl_context=self._ssl_context,
            proxy=self._proxy,
        )
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    def prepare(self, endpoint: Endpoint) -> Route:
        """Return the endpoint made ready; a fault in it is answered by each `send`."""
        return make_route(endpoint, self._policy, timeout_s=self._timeout_s, ca_file=self._ca_file)

    async def send(self, route: Route, *, event_id: str, body: bytes) -> Reply:
        """Make one attempt; every fault of it is in the reply.

        Raises:
            asyncio.CancelledError: The attempt was cut off; whether it arrived is unknown.
        """
        started_at_ms = self._clock.now_ms()
        started_s = self._clock.monotonic_s()
        dial, answer = Dial(self._clock.monotonic_s, started_s), _Answer()
        error_class: ErrorClass | None
        error: str | None
        try:
            if route.refused is not None:
                error_class, error = route.refused
            else:
                headers = _signed(route, event_id, body, started_at_ms)
                answer.signature = headers["webhook-signature"]
                with self._deadlines.limit(route.timeout_s):
                    await self._post(route, headers, body, dial, answer)
                error_class, error = _of_status(answer)
        except InvalidInputError as exc:
            is_blocked = isinstance(exc, BlockedAddressError)
            error_class = ErrorClass.BLOCKED_ADDRESS if is_blocked else ErrorClass.NO_SECRET
            error = str(exc)
        except Exception as exc:  # noqa: BLE001 whatever it was belongs into the attempt's record
            error_class, error = _of_fault(exc, answer, route)
        now_ms = self._clock.now_ms()
        return Reply(
            started_at_ms=started_at_ms,
            duration_ms=round((self._clock.monotonic_s() - started_s) * 1000),
            status=answer.status,
            error_class=error_class,
            error=error[:_ERROR_CHARACTERS_MAX] if error else None,
            answer=answer.body,
            address=answer.peer or dial.last,
            retry_after_s=retry_after_s(answer.retry_after, now_ms) if error_class else None,
            signature=answer.signature,
            timings=dial.timings(tls=route.is_tls),
        )

    async def _post(
        self, route: Route, headers: dict[str, str], body: bytes, dial: Dial, answer: _Answer
    ) -> None:
        """Send, and once more where a kept-alive connection was closed before it answered."""
        resends = 0
        if route.oauth2 is not None:
            headers["Authorization"] = f"Bearer {await self._tokens.get(route.oauth2)}"
        token = current_dial.set(dial)
        try:
            while True:
                try:
                    await self._exchange(route, headers, body, answer)
                except aiohttp.ClientConnectionError:
                    if not dial.reused or answer.status is not None or resends == _RESENDS_MAX:
                        raise
                    resends += 1
                else:
                    break
        finally:
            current_dial.reset(token)
        if answer.status == 401 and route.oauth2 is not None:
            self._tokens.forget(route.oauth2)

    async def _exchange(
        self, route: Route, headers: dict[str, str], body: bytes, answer: _Answer
    ) -> None:
        assert route.target is not None
        if self._proxy is None and route.ssl_context is None and self._session is not None:
            response = await self._session.post(
                route.target.url, data=body, headers=headers, allow_redirects=False
            )
        else:
            response = await self._request(route.target, headers, body, route.ssl_context)
        try:
            answer.status = response.status
            answer.retry_after = response.headers.get("Retry-After")
            answer.peer = cast("PeerResponse", response).peer
            if not response.content.at_eof():
                raw = await _first_bytes(response)
                answer.body = decoded(raw, response.headers.get("Content-Encoding"))
        finally:
            # Where more is to come, or a fault came between, the connection can't be used again.
            (response.release if response.content.at_eof() else response.close)()

    async def _request(
        self, target: Target, headers: Mapping[str, str], body: bytes, context: SSLContext | None
    ) -> aiohttp.ClientResponse:
        """Post, straight or by way of the proxy, to an address that passed the guard."""
        assert self._session is not None, "the sender is used outside its context"
        trusted: SSLContext | bool = True if context is None else context
        if self._proxy is None:
            return await self._session.post(
                target.url, data=body, headers=headers, allow_redirects=False, ssl=trusted
            )
        # The proxy gets the vetted address: a name it would look up itself, perhaps to another one.
        address = await self._pins.address(target)
        return await self._session.post(
            target.url.with_host(str(address)),
            data=body,
            headers={**headers, "Host": target.url.raw_authority},
            allow_redirects=False,
            ssl=trusted,
            server_hostname=target.host if target.url.scheme == "https" else None,
            proxy=self._proxy.url,
        )

    async def _fetch(self, url: str, headers: Mapping[str, str], body: bytes) -> tuple[int, bytes]:
        """Post to a token server, guarded as an endpoint is; return status and first bytes."""
        response = await self._request(check_url(url, self._policy), headers, body, None)
        try:
            return response.status, await _first_bytes(response)
        finally:
            (response.release if response.content.at_eof() else response.close)()


def _signed(route: Route, event_id: str, body: bytes, now_ms: int) -> dict[str, str]:
    assert route.signer is not None
    timestamp_s = now_ms // 1000
    return {
        **route.headers,
        "webhook-id": event_id,
        "webhook-timestamp": str(timestamp_s),
        "webhook-signature": route.signer.sign(
            event_id, timestamp_s=timestamp_s, body=body, now_ms=now_ms
        ),
    }


async def _first_bytes(response: aiohttp.ClientResponse) -> bytes:
    """Return what comes first of an answer's body, at most `ANSWER_BYTES_MAX`."""
    content = response.content
    chunks, left = [], ANSWER_BYTES_MAX
    while left > 0 and (chunk := await content.read(left)):
        chunks.append(chunk)
        left -= len(chunk)
    return b"".join(chunks)


def _of_status(answer: _Answer) -> tuple[ErrorClass | None, str | None]:
    assert answer.status is not None
    error_class = classify_status(answer.status)
    return error_class, None if error_class is None else f"answered {answer.status}"


def _of_fault(
    fault: Exception, answer: _Answer, route: Route
) -> tuple[ErrorClass | None, str | None]:
    """Judge a request that raised, perhaps after its status had come."""
    fault_class = classify_exception(fault)
    in_words = str(fault) or type(fault).__name__
    if fault_class is ErrorClass.TIMEOUT:
        in_words = f"not answered within {route.timeout_s:g} s"
    if answer.status is None:
        return fault_class, in_words
    error_class, error = _of_status(answer)
    if error_class is None and fault_class is ErrorClass.TIMEOUT:
        return fault_class, f"answered {answer.status}, but not wholly within {route.timeout_s:g} s"
    return error_class, f"{error or f'answered {answer.status}'}; the rest was cut off: {in_words}"
