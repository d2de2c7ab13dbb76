"""The seam between an attempt and the bytes on the wire: two transports fit behind it.

Every transport keeps the address guard (`egress.py` is asked on each way to a socket, and the
addresses it vetted are the ones dialled), verifies TLS for the name in the URL, follows no
redirect, keeps no cookie, asks no environment for a proxy, bounds what is read of an answer, keeps
connections for 30 s and repeats a request once or twice where a kept one turns out to be closed
before it answered.
"""

from __future__ import annotations

import errno
import socket
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol

from gateway.http1.connection import spelled

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from ssl import SSLContext

    from gateway.delivery.egress import Target
    from gateway.delivery.ranges import Address
    from gateway.http1.messages import Answer, Trail

TransportName = Literal["lean", "aiohttp"]

KEPT_S: Final = 30.0
"""How long an idle connection is kept."""


class Way(Protocol):
    """How requests get to one URL; made once and used for each."""

    async def post(self, headers: Mapping[str, str], body: bytes, answer: Answer) -> None:
        """Post, and fill in `answer` and its trail, as far as it comes.

        Args:
            headers: What only this request says.
            body: Sent as it is.
            answer: Holds what had come where this raises.

        Raises:
            Exception: No whole answer came; `faults.py` says what it means.
        """
        ...


class Transport(Protocol):
    """Whoever opens connections."""

    def way(self, target: Target, headers: Mapping[str, str], context: SSLContext | None) -> Way:
        """Return the way to `target`.

        Args:
            target: Passed the guard as far as it can without resolving.
            headers: Sent with every request, instead of the transport's own of the same name.
            context: Trust, and a certificate to show, other than the transport's.

        Raises:
            ValueError: A header can't be sent; the message doesn't repeat its value.
        """
        ...

    async def aclose(self) -> None:
        """Drop all connections."""
        ...


def guarded_socket(
    info: Any, is_forbidden: Callable[[Address], bool], trail: Trail | None
) -> socket.socket:
    """Return a socket for an address, judged once more where the connection is made.

    Args:
        info: As `getaddrinfo` gives it.
        is_forbidden: Judges the address.
        trail: Notes what is dialled.

    Raises:
        OSError: The address is forbidden.
    """
    family, kind, protocol, _, sockaddr = info
    address = ip_address(sockaddr[0])
    if is_forbidden(address):
        raise OSError(errno.EHOSTUNREACH, f"{address} is forbidden by the address guard")
    if trail is not None:
        trail.addresses.append(spelled(sockaddr) or "")
        trail.dialled_at_s = trail.now_s()
    return socket.socket(family, kind, protocol)
