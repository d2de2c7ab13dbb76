"""Events on to the developer's own server, as webhooks; each answer is told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import aiohttp

from gateway.cli.listen.sources import Pulled, Source
from gateway.clock import Clock
from gateway.errors import DependencyError

_AGAIN_S: Final = 1.0
_TIMEOUT_S: Final = 30.0
_SHOWN_CHARACTERS: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Forwarded:
    """What became of one event.

    Attributes:
        status: HTTP status; None where nobody answered.
        answer: The first part of the answer, or what went wrong.
        unheard: Whether nobody listens there.
    """

    event: Pulled
    status: int | None
    duration_ms: int
    answer: str
    unheard: bool = False

    @property
    def accepted(self) -> bool:
        """Whether a gateway would take it for delivered."""
        return self.status is not None and 200 <= self.status < 300


class Forwarder:
    """Posts events to one URL, without following redirects, as deliveries are posted."""

    def __init__(self, session: aiohttp.ClientSession, url: str, clock: Clock) -> None:
        self._session = session
        self._url = url
        self._clock = clock

    async def forward(self, event: Pulled) -> Forwarded:
        """Post one event; every fault is in what is returned."""
        started_s = self._clock.monotonic_s()
        headers = {**event.headers, "Content-Type": "application/json"}
        status, unheard = None, False
        try:
            async with self._session.post(
                self._url,
                data=event.body,
                headers=headers,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=_TIMEOUT_S),
            ) as answer:
                status = answer.status
                text = (await answer.content.read(_SHOWN_CHARACTERS)).decode("utf-8", "replace")
        except aiohttp.ClientConnectorError as exc:
            text, unheard = str(exc), True
        except (aiohttp.ClientError, TimeoutError) as exc:
            text = str(exc) or type(exc).__name__
        duration_ms = round((self._clock.monotonic_s() - started_s) * 1000)
        return Forwarded(
            event=event, status=status, duration_ms=duration_ms, answer=text, unheard=unheard
        )


class Listener:
    """Forwards what a source brings, one event after the other.

    What was answered is acknowledged, whatever the answer was: the developer sees it. Where nobody
    listens yet, the same event is tried until somebody does.

    Args:
        tell: Is told each answer.
        complain: Is told why nothing goes on, once each time.
    """

    def __init__(
        self,
        source: Source,
        forwarder: Forwarder,
        clock: Clock,
        *,
        tell: Callable[[Forwarded], None],
        complain: Callable[[str], None],
    ) -> None:
        self._source = source
        self._forwarder = forwarder
        self._clock = clock
        self._tell = tell
        self._complain = complain
        self.accepted = 0
        self.failed = 0

    async def run(self, *, most: int | None = None) -> None:
        """Go on until cancelled, or until `most` events were answered."""
        while most is None or self.accepted + self.failed < most:
            for event in await self._pull():
                await self._pass_on(event)
                if self.accepted + self.failed == most:
                    return

    async def _pull(self) -> list[Pulled]:
        complained = False
        while True:
            try:
                return list(await self._source.pull())
            except DependencyError as exc:
                if not complained:
                    self._complain(f"{exc}; trying again")
                complained = True
            await self._clock.sleep(_AGAIN_S)

    async def _pass_on(self, event: Pulled) -> None:
        forwarded = await self._forwarder.forward(event)
        if forwarded.unheard:
            self._complain(f"{forwarded.answer}; trying again")
        while forwarded.unheard:
            await self._clock.sleep(_AGAIN_S)
            forwarded = await self._forwarder.forward(event)
        self.accepted += forwarded.accepted
        self.failed += not forwarded.accepted
        self._tell(forwarded)
        await self._source.acknowledge(event.cursor)
