"""Vetted addresses for a while: what a proxy is told to connect to, instead of a name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gateway.delivery.egress import EgressPolicy, Resolver, Target, vet

if TYPE_CHECKING:
    from gateway.clock import Clock
    from gateway.delivery.ranges import Address

# As long as an idle connection is kept, which stays with its address too.
_KEPT_S: Final = 30.0
_KEPT_MOST: Final = 10_000


class Pins:
    """See the module."""

    def __init__(self, policy: EgressPolicy, resolver: Resolver, clock: Clock) -> None:
        self._policy = policy
        self._resolver = resolver
        self._clock = clock
        self._kept: dict[str, tuple[Address, float]] = {}

    async def address(self, target: Target) -> Address:
        """Return an address of the target's, IPv4 if there is one, all of which were vetted.

        Raises:
            BlockedAddressError: At least one of its addresses is forbidden.
            ResolutionError: The name has no address, or none can be had now.
        """
        now_s = self._clock.monotonic_s()
        kept = self._kept.get(target.host)
        if kept is not None and now_s < kept[1]:
            return kept[0]
        vetted = await vet(target, self._policy, self._resolver)
        address = min(vetted, key=lambda one: one.version)
        if len(self._kept) >= _KEPT_MOST:
            self._kept.clear()
        self._kept[target.host] = (address, now_s + _KEPT_S)
        return address
