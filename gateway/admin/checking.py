"""Endpoints judged and tested as deliveries are sent: by the same rules, guard and code path."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import orjson

from gateway.admin.api import TestResult
from gateway.clock import rfc3339
from gateway.delivery.egress import ResolutionError, check_url, vet
from gateway.delivery.feeding import check_pulled
from gateway.delivery.headers import check_headers
from gateway.delivery.sender import Sender
from gateway.model import IdPrefix, new_id

if TYPE_CHECKING:
    from gateway.clock import Clock
    from gateway.delivery.egress import EgressPolicy, Resolver
    from gateway.endpoints import Endpoint

_EVENT_TYPE: Final = "endpoint.test"


class GuardedEndpoints:
    """See the module.

    Args:
        sender: Makes the tests' requests.
    """

    def __init__(
        self, policy: EgressPolicy, resolver: Resolver, sender: Sender, clock: Clock
    ) -> None:
        self._policy = policy
        self._resolver = resolver
        self._sender = sender
        self._clock = clock

    async def check(self, endpoint: Endpoint) -> None:
        """See `EndpointChecks`; a name that has no address yet is no fault."""
        check_headers(endpoint.headers)
        if not endpoint.transport.pushes:
            check_pulled(endpoint)
            return
        try:
            await vet(check_url(endpoint.url, self._policy), self._policy, self._resolver)
        except ResolutionError:
            return

    async def test(self, endpoint: Endpoint) -> TestResult:
        """See `EndpointChecks`."""
        now_ms = self._clock.now_ms()
        event_id = new_id(IdPrefix.EVENT, now_ms)
        body = orjson.dumps(
            {"type": _EVENT_TYPE, "timestamp": rfc3339(now_ms), "data": {"endpoint": endpoint.id}}
        )
        reply = await self._sender.send(
            self._sender.prepare(endpoint), event_id=event_id, body=body
        )
        return TestResult(
            event_id=event_id,
            delivered=reply.error_class is None,
            status=reply.status,
            error_class=reply.error_class,
            error=reply.error,
            duration_ms=reply.duration_ms,
            address=reply.address,
            answer=reply.answer,
        )
