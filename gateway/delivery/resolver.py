"""Names to addresses, and whose fault it is when there are none.

It decides between three failures that `getaddrinfo` mixes up: the name does not exist, the name's
own servers fail, or ours do (then nothing can be blamed on an endpoint). It judges no address: that
is `egress.py`.

A slow name holds one thread, however many attempts wait for it.
"""

from __future__ import annotations

import asyncio
import socket
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final, TypeAlias

from gateway.delivery.egress import ResolutionError
from gateway.delivery.faults import ErrorClass

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gateway.clock import Clock

GetAddrInfo: TypeAlias = "Callable[[str], Sequence[str]]"

_NO_SUCH_NAME: Final = frozenset(
    code
    for name in ("EAI_NONAME", "EAI_NODATA", "EAI_ADDRFAMILY")
    if (code := getattr(socket, name, None)) is not None
)
# The gateway needs this name anyway: where it can't be resolved, our name server is at fault.
_CANARY: Final = "api.amazon.com"
_EVIDENCE_S: Final = 10.0


def system_lookup(host: str) -> Sequence[str]:
    """Ask the operating system for every address of `host`; blocks."""
    infos = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)
    return list(dict.fromkeys(str(info[4][0]) for info in infos))


class SystemResolver:
    """Resolves through the operating system, within a time budget of its own.

    Args:
        clock: Tells how old the last sign of life of our name servers is.
        budget_s: Longest wait for one look-up.
        threads: Look-ups at once.
        canary: Name that resolves wherever our name servers work.
        ask: What does the blocking look-up.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        budget_s: float = 5.0,
        threads: int = 16,
        canary: str = _CANARY,
        ask: GetAddrInfo = system_lookup,
    ) -> None:
        self._clock = clock
        self._budget_s = budget_s
        self._canary = canary
        self._ask = ask
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="dns")
        self._running: dict[str, asyncio.Future[Sequence[str]]] = {}
        self._answered_s: float | None = None

    async def lookup(self, host: str) -> Sequence[str]:
        """Return every address of `host`.

        Raises:
            ResolutionError: There is none, or none can be had now; `error_class` says whose fault.
        """
        try:
            return await self._answer(host)
        except (OSError, UnicodeError, TimeoutError) as exc:
            if _is_definite(exc):
                raise ResolutionError(
                    f"{host} does not exist, or has no address", error_class=ErrorClass.DNS_NAME
                ) from exc
            if await self._works():
                raise ResolutionError(
                    f"the name servers of {host} don't answer", error_class=ErrorClass.DNS
                ) from exc
            raise ResolutionError(
                f"our name servers don't answer (asked for {host})", error_class=ErrorClass.OWN_DNS
            ) from exc

    def close(self) -> None:
        """Start no further look-up; those that run end by themselves."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def _answer(self, host: str) -> Sequence[str]:
        running = self._running.get(host)
        if running is None:
            running = asyncio.get_running_loop().run_in_executor(self._pool, self._ask, host)
            self._running[host] = running
            running.add_done_callback(lambda done: self._ended(host, done))
        # Shielded: the thread goes on anyway, and the next attempt joins it.
        async with asyncio.timeout(self._budget_s):
            return await asyncio.shield(running)

    def _ended(self, host: str, done: asyncio.Future[Sequence[str]]) -> None:
        self._running.pop(host, None)
        if done.cancelled():
            return
        fault = done.exception()
        if fault is None or _is_definite(fault):
            self._answered_s = self._clock.monotonic_s()

    async def _works(self) -> bool:
        """Whether our name servers answer anything at all."""
        if self._recently_answered():
            return True
        try:
            await self._answer(self._canary)
        except (OSError, UnicodeError, TimeoutError):
            return self._recently_answered()
        return True

    def _recently_answered(self) -> bool:
        if self._answered_s is None:
            return False
        return self._clock.monotonic_s() - self._answered_s <= _EVIDENCE_S


def _is_definite(fault: BaseException) -> bool:
    if isinstance(fault, socket.gaierror):
        return fault.errno in _NO_SUCH_NAME
    return isinstance(fault, UnicodeError)
