"""Endpoints judged and tested as deliveries are sent: by the same rules, guard and code path."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.admin.api import TestResult
from gateway.delivery.checks import vet_endpoint
from gateway.delivery.sender import Sender
from gateway.delivery.trial import try_endpoint

if TYPE_CHECKING:
    from gateway.clock import Clock
    from gateway.delivery.egress import EgressPolicy, Resolver
    from gateway.endpoints import Endpoint


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
        await vet_endpoint(endpoint, self._policy, self._resolver)

    async def test(self, endpoint: Endpoint) -> TestResult:
        """See `EndpointChecks`."""
        event_id, reply = await try_endpoint(self._sender, endpoint, self._clock)
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
