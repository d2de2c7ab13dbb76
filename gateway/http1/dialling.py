"""Sockets to hosts that the operator, or Amazon, named: whatever their name resolves to is dialled.

What customers name is dialled by `gateway.delivery`, with its address guard.
"""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING, Final

from aiohappyeyeballs import start_connection

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from aiohappyeyeballs import AddrInfoType

    from gateway.http1.messages import Origin, Trail

_NEXT_ADDRESS_AFTER_S: Final = 0.25


async def connected(
    infos: Sequence[AddrInfoType], make_socket: Callable[[AddrInfoType], socket.socket]
) -> socket.socket:
    """Return a socket to the first address that answers, asked in turn (RFC 8305).

    Args:
        infos: Addresses as `getaddrinfo` gives them.
        make_socket: Makes the socket for one, or refuses to by an `OSError`.

    Raises:
        OSError: None could be connected.
    """
    return await start_connection(
        infos, happy_eyeballs_delay=_NEXT_ADDRESS_AFTER_S, socket_factory=make_socket
    )


class OpenDialler:
    """See `gateway.http1.client.Dialler`.

    Args:
        within_s: For look-up and connection together.
    """

    def __init__(self, *, within_s: float) -> None:
        self._within_s = within_s

    async def dial(self, origin: Origin, trail: Trail | None) -> socket.socket:
        """See `gateway.http1.client.Dialler`."""
        del trail  # nobody asks where the time of these requests goes
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(self._within_s):
            infos = await loop.getaddrinfo(origin.host, origin.port, type=socket.SOCK_STREAM)
            return await connected(infos, lambda info: socket.socket(*info[:3]))
