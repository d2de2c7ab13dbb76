"""Check `endpoints`: can events be delivered? Asked by the address guard, and nothing is sent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from typing import TYPE_CHECKING, Final, Protocol

from gateway.delivery.egress import BlockedAddressError, ResolutionError
from gateway.doctor.kinds import found, well
from gateway.endpoints import EndpointState
from gateway.errors import DependencyError, InvalidInputError
from gateway.findings import Finding

if TYPE_CHECKING:
    from gateway.doctor.check import Before
    from gateway.doctor.store import StoreDoor
    from gateway.endpoints import Endpoint

_AT_ONCE: Final = 32


class Reacher(Protocol):
    """Who connects to endpoints.

    Attributes:
        proxied: Whether a proxy connects in our place, so that nothing can be tried here.
    """

    proxied: bool

    async def reach(self, endpoint: Endpoint) -> str:
        """Return the address that answered; behind a proxy, one that may be asked of it.

        Raises:
            BlockedAddressError: The address guard refuses it.
            InvalidInputError: It can't be used as it stands.
            ResolutionError: Its name has no address now.
            EndpointUnreachableError: Nobody answers there.
        """
        ...


class EndpointsCheck:
    """See the module."""

    name: str = "endpoints"
    needs: Sequence[str] = ("store",)

    def __init__(self, door: StoreDoor, reacher: Reacher) -> None:
        self._door = door
        self._reacher = reacher

    async def look(self, before: Before) -> AsyncGenerator[Finding]:  # noqa: ARG002 see `Check`
        """See `Check`."""
        store = await self._door.open()
        _, endpoints = await store.endpoints.all_with_secrets()
        if not endpoints:
            yield found("endpoint.none", "store", "holds no endpoint")
        for start in range(0, len(endpoints), _AT_ONCE):
            group = endpoints[start : start + _AT_ONCE]
            for one in await asyncio.gather(*(self._judged(endpoint) for endpoint in group)):
                yield one

    async def _judged(self, endpoint: Endpoint) -> Finding:
        subject = f"endpoint {endpoint.id}"
        if endpoint.state is EndpointState.DISABLED:
            what = f"is disabled ({endpoint.disabled_reason or 'no reason given'})"
            return found("endpoint.disabled", subject, what, endpoint=endpoint.id)
        if not endpoint.transport.pushes:
            return well("endpoints", subject, "is pulled")
        try:
            address = await self._reacher.reach(endpoint)
        except (DependencyError, InvalidInputError) as exc:
            return found(_kind(exc), subject, str(exc), endpoint=endpoint.id)
        how = "may be reached by the proxy" if self._reacher.proxied else "lets us connect"
        return well("endpoints", subject, f"{how} at {address}")


def _kind(exc: DependencyError | InvalidInputError) -> str:
    if isinstance(exc, ResolutionError):
        return "endpoint.unresolved"
    if isinstance(exc, BlockedAddressError):
        return "endpoint.blocked"
    return "endpoint.unusable" if isinstance(exc, InvalidInputError) else "endpoint.unreachable"
