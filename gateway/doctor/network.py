"""Checks `network` and `regions`: do Amazon's hosts answer, and do our clock and theirs agree?

One request to each, without credentials: any answer will do, and its `Date` is compared.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Final

import aiohttp
import yarl

from gateway.doctor.kinds import found, well
from gateway.findings import Finding
from gateway.spapi.proxies import Proxies

if TYPE_CHECKING:
    from gateway.clock import Clock
    from gateway.doctor.check import Before

_FAULT_S: Final = 300.0
"""SQS and all of AWS refuse signatures that are older or newer by more ("Signing AWS requests")."""

_WARNING_S: Final = 60.0
_WITHIN_S: Final = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """A host that must answer.

    Attributes:
        kind: Of the finding where it doesn't; None where another check tells.
    """

    name: str
    url: str
    kind: str | None = None


Hosts = Callable[[], Awaitable[Sequence[Host]]]
"""Who must answer; told when the check is run."""


class NetworkCheck:
    """See the module."""

    needs: Sequence[str] = ()

    def __init__(
        self, name: str, hosts: Hosts, session: aiohttp.ClientSession, clock: Clock
    ) -> None:
        self.name = name
        self._hosts = hosts
        self._session = session
        self._clock = clock
        self._proxies = Proxies()

    async def look(self, before: Before) -> AsyncGenerator[Finding]:  # noqa: ARG002 see `Check`
        """See `Check`."""
        hosts = await self._hosts()
        answers = await asyncio.gather(*(self._asked(host) for host in hosts))
        skews: list[tuple[float, str]] = []
        for host, (fault, ahead_s) in zip(hosts, answers, strict=True):
            if fault is not None and host.kind is not None:
                yield found(host.kind, host.name, f"does not answer at {host.url}: {fault}")
            elif fault is None:
                yield well(self.name, host.name, f"answers at {host.url}")
            if ahead_s is not None:
                skews.append((ahead_s, host.name))
        if skews:
            yield _of_skew(*max(skews, key=lambda one: abs(one[0])))

    async def _asked(self, host: Host) -> tuple[str | None, float | None]:
        """Return why it does not answer, and how many seconds our clock is ahead of its."""
        limit = aiohttp.ClientTimeout(total=_WITHIN_S)
        try:
            async with self._session.get(
                host.url,
                timeout=limit,
                allow_redirects=False,
                proxy=self._proxies.of(yarl.URL(host.url)),
            ) as answer:
                return None, self._ahead_s(answer.headers.get("Date"))
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as exc:
            return str(exc) or type(exc).__name__, None

    def _ahead_s(self, date: str | None) -> float | None:
        try:
            theirs_s = parsedate_to_datetime(date or "").timestamp()
        except (ValueError, TypeError, OverflowError):
            return None
        return self._clock.now_ms() / 1000 - theirs_s


def _of_skew(ahead_s: float, host: str) -> Finding:
    side = "ahead of" if ahead_s > 0 else "behind"
    what = f"is {abs(ahead_s):.0f} s {side} that of {host}"
    if abs(ahead_s) >= _FAULT_S:
        return found("clock.wrong", "clock", what)
    if abs(ahead_s) >= _WARNING_S:
        return found("clock.skewed", "clock", what)
    return well("clock", "clock", f"agrees with that of {host}")
