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

from dataclasses import replace
from typing import TYPE_CHECKING, Final, Self

from yarl import URL

from gateway.delivery.aiohttp_transport import AiohttpTransport
from gateway.delivery.answers import ANSWER_BYTES_MAX, decoded, retry_after_s
from gateway.delivery.egress import BlockedAddressError, EgressPolicy, Resolver, check_url
from gateway.delivery.faults import ErrorClass, classify_exception, classify_status
from gateway.delivery.lean_transport import LeanTransport
from gateway.delivery.routes import Route, make_route
from gateway.delivery.tokens import Tokens
from gateway.delivery.verdict import Reply, Timings
from gateway.errors import InvalidInputError
from gateway.http1.messages import Answer, Trail
from gateway.worker.deadlines import Deadlines

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from ssl import SSLContext
    from types import TracebackType

    from gateway.clock import Clock
    from gateway.delivery.ways import Transport, TransportName
    from gateway.endpoints import Endpoint

_ERROR_CHARACTERS_MAX: Final = 500


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
        transport: Who puts requests on the wire; by way of a proxy it is always aiohttp.
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
        transport: TransportName = "lean",
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
        self._proxy_url = None if proxy_url is None else URL(proxy_url)
        self._transport_name = transport
        self._tokens = Tokens(self._fetch, clock)
        self._transport: Transport | None = None

    async def __aenter__(self) -> Self:
        self._transport = self._opened()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._transport is not None:
            await self._transport.aclose()
            self._transport = None

    def prepare(self, endpoint: Endpoint) -> Route:
        """Return the endpoint made ready; a fault in it is answered by each `send`."""
        assert self._transport is not None, "the sender is used outside its context"
        route = make_route(endpoint, self._policy, timeout_s=self._timeout_s, ca_file=self._ca_file)
        if route.target is None or route.refused is not None:
            return route
        try:
            way = self._transport.way(route.target, route.headers, route.ssl_context)
        except ValueError as exc:
            return replace(route, refused=(ErrorClass.BAD_HEADERS, str(exc)))
        return replace(route, way=way)

    async def send(self, route: Route, *, event_id: str, body: bytes) -> Reply:
        """Make one attempt; every fault of it is in the reply.

        Raises:
            asyncio.CancelledError: The attempt was cut off; whether it arrived is unknown.
        """
        started_at_ms = self._clock.now_ms()
        started_s = self._clock.monotonic_s()
        trail = Trail(self._clock.monotonic_s, started_s)
        answer = Answer(ANSWER_BYTES_MAX, trail)
        signature: str | None = None
        error_class: ErrorClass | None
        error: str | None
        try:
            if route.refused is not None:
                error_class, error = route.refused
            else:
                headers = _signed(route, event_id, body, started_at_ms)
                signature = headers["webhook-signature"]
                with self._deadlines.limit(route.timeout_s):
                    await self._post(route, headers, body, answer)
                error_class, error = _of_status(answer)
        except InvalidInputError as exc:
            is_blocked = isinstance(exc, BlockedAddressError)
            error_class = ErrorClass.BLOCKED_ADDRESS if is_blocked else ErrorClass.NO_SECRET
            error = str(exc)
        except Exception as exc:  # noqa: BLE001 whatever it was belongs into the attempt's record
            error_class, error = _of_fault(exc, answer, route)
        raw = answer.body
        return Reply(
            started_at_ms=started_at_ms,
            duration_ms=round((self._clock.monotonic_s() - started_s) * 1000),
            status=answer.status,
            error_class=error_class,
            error=error[:_ERROR_CHARACTERS_MAX] if error else None,
            answer=decoded(raw, answer.header(b"content-encoding")) if raw else b"",
            address=answer.peer or trail.last,
            retry_after_s=(
                retry_after_s(answer.header(b"retry-after"), self._clock.now_ms())
                if error_class
                else None
            ),
            signature=signature,
            timings=_timings(trail, tls=route.is_tls),
        )

    async def _post(
        self, route: Route, headers: dict[str, str], body: bytes, answer: Answer
    ) -> None:
        assert route.way is not None
        if route.oauth2 is not None:
            headers["Authorization"] = f"Bearer {await self._tokens.get(route.oauth2)}"
        await route.way.post(headers, body, answer)
        if answer.status == 401 and route.oauth2 is not None:
            self._tokens.forget(route.oauth2)

    async def _fetch(self, url: str, headers: Mapping[str, str], body: bytes) -> tuple[int, bytes]:
        """Post to a token server, guarded as an endpoint is; return status and first bytes."""
        assert self._transport is not None, "the sender is used outside its context"
        way = self._transport.way(check_url(url, self._policy), headers, None)
        answer = Answer(ANSWER_BYTES_MAX, Trail(self._clock.monotonic_s, self._clock.monotonic_s()))
        await way.post({}, body, answer)
        assert answer.status is not None
        return answer.status, answer.body

    def _opened(self) -> Transport:
        headers = {
            "Content-Type": "application/json",
            "User-Agent": self._user_agent,
            "Accept": "*/*",
            "Accept-Encoding": "identity",
        }
        if self._transport_name == "aiohttp" or self._proxy_url is not None:
            return AiohttpTransport(
                self._policy,
                self._resolver,
                self._clock,
                headers=headers,
                connections=self._connections,
                ssl_context=self._ssl_context,
                proxy_url=self._proxy_url,
            )
        return LeanTransport(
            self._policy,
            self._resolver,
            headers=headers,
            connections=self._connections,
            ssl_context=self._ssl_context,
        )


def _signed(route: Route, event_id: str, body: bytes, now_ms: int) -> dict[str, str]:
    assert route.signer is not None
    timestamp_s = now_ms // 1000
    return {
        "webhook-id": event_id,
        "webhook-timestamp": str(timestamp_s),
        "webhook-signature": route.signer.sign(
            event_id, timestamp_s=timestamp_s, body=body, now_ms=now_ms
        ),
    }


def _timings(trail: Trail, *, tls: bool) -> Timings:
    """Return where the time went, as far as it came."""
    if trail.reused and trail.dns_s is None:
        return Timings(first_byte_ms=_between_ms(trail.started_at_s, trail.answered_at_s))
    return Timings(
        dns_ms=None if trail.dns_s is None else round(trail.dns_s * 1000),
        connect_ms=_between_ms(trail.dialled_at_s, trail.connected_at_s),
        tls_ms=_between_ms(trail.connected_at_s, trail.ready_at_s) if tls else None,
        first_byte_ms=_between_ms(trail.ready_at_s, trail.answered_at_s),
    )


def _between_ms(start_s: float | None, end_s: float | None) -> int | None:
    return None if start_s is None or end_s is None else round((end_s - start_s) * 1000)


def _of_status(answer: Answer) -> tuple[ErrorClass | None, str | None]:
    assert answer.status is not None
    error_class = classify_status(answer.status)
    return error_class, None if error_class is None else f"answered {answer.status}"


def _of_fault(
    fault: Exception, answer: Answer, route: Route
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
