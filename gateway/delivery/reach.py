"""Can an endpoint be reached? A connection that is opened and closed, with nothing sent over it.

It goes by the address guard as an attempt does: names are resolved and vetted together, and the
addresses that were vetted are the ones dialled. The certificate is verified as for an attempt.
"""

from __future__ import annotations

import asyncio
import ssl
from typing import TYPE_CHECKING, Final

from gateway.delivery.egress import BlockedAddressError, vet
from gateway.delivery.faults import ErrorClass
from gateway.errors import DependencyError, InvalidInputError

if TYPE_CHECKING:
    from gateway.delivery.egress import EgressPolicy, Resolver, Target
    from gateway.delivery.routes import Route

_WITHIN_S: Final = 10.0


class EndpointUnreachableError(DependencyError):
    """Nobody answers there, or not with a certificate that is trusted."""


def usable(route: Route) -> Target:
    """Return what a route leads to.

    Raises:
        BlockedAddressError: The address guard refuses it.
        InvalidInputError: It can't be used as it stands.
    """
    if route.target is not None and route.refused is None:
        return route.target
    error_class, why = route.refused or (ErrorClass.BAD_URL, "url: it can't be used")
    if error_class is ErrorClass.BLOCKED_ADDRESS:
        raise BlockedAddressError(why)
    raise InvalidInputError(why)


async def reach(
    route: Route, policy: EgressPolicy, resolver: Resolver, *, trust: ssl.SSLContext | None = None
) -> str:
    """Return the address that answered.

    Args:
        route: The endpoint made ready.
        policy: What may be dialled.
        resolver: Who turns names into addresses.
        trust: Whom to trust instead of the system's authorities, without a client certificate.

    Raises:
        BlockedAddressError: One of its addresses is forbidden.
        InvalidInputError: The endpoint can't be used as it stands.
        ResolutionError: Its name has no address, or none can be had now.
        EndpointUnreachableError: No address let us connect.
    """
    target, why = usable(route), "it has no address"
    context = None
    if route.is_tls:
        context = route.ssl_context or trust or ssl.create_default_context()
    for address in await vet(target, policy, resolver):
        try:
            async with asyncio.timeout(min(route.timeout_s, _WITHIN_S)):
                _, writer = await asyncio.open_connection(
                    str(address),
                    target.port,
                    ssl=context,
                    server_hostname=target.host if context else None,
                )
        except (OSError, TimeoutError) as exc:  # a fault of TLS is an OSError too
            why = f"{address}: {str(exc) or type(exc).__name__}"
        else:
            writer.transport.abort()
            return f"{address}"
    raise EndpointUnreachableError(f"can't be connected to: {why}")
