"""What is done for authorisations while a gateway runs, by one replica at a time each.

Sellers who are new, or authorised anew, are checked at once, all others each day. Ends of
authorisations are told of in time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Final, Protocol

import structlog

from gateway.authorisations import LinkOf, Verdict
from gateway.clock import Clock
from gateway.errors import SpApiAuthorizationError, SpApiError
from gateway.model import Seller
from gateway.onboarding.flow import Looks

_AT_ONCE: Final = 8
_BATCH: Final = 40
_LEASE_MS: Final = 300_000
_AGAIN_MS: Final = 300_000

_log: structlog.stdlib.BoundLogger = structlog.get_logger("gateway.onboarding")


class CheckStore(Protocol):
    """What the store knows of checks."""

    async def claim_checks(self, *, limit: int, lease_ms: int) -> Sequence[Seller]:
        """Return sellers that are to be checked, for the caller alone for a while."""
        ...

    async def check_again(self, seller: Seller, *, at_ms: int) -> None:
        """Note when a seller is to be checked next."""
        ...

    async def checked(self, seller: Seller, verdict: Verdict, *, again_at_ms: int) -> bool:
        """Note what Amazon says; return whether the seller may be worked for."""
        ...


class Checks:
    """Checks sellers whose time has come; call it again and again.

    Args:
        on_new: Called for each seller after its first good check since it authorised.
    """

    def __init__(
        self,
        store: CheckStore,
        looks: Looks,
        clock: Clock,
        *,
        every_s: float,
        on_new: Callable[[Seller], Awaitable[None]],
    ) -> None:
        self._store = store
        self._looks = looks
        self._clock = clock
        self._every_ms = round(every_s * 1000)
        self._on_new = on_new

    async def __call__(self) -> None:
        """Check those whose time has come, some at once.

        Raises:
            StoreUnavailableError: Some are checked later.
        """
        sellers = await self._store.claim_checks(limit=_BATCH, lease_ms=_LEASE_MS)
        for start in range(0, len(sellers), _AT_ONCE):
            await asyncio.gather(*(self._check(one) for one in sellers[start : start + _AT_ONCE]))

    async def _check(self, seller: Seller) -> None:
        now_ms = self._clock.now_ms()
        try:
            verdict = await self._looks.look(seller, seller.region)
        except SpApiError as exc:
            # A refused authorisation has paused the seller already; nobody has to ask again soon.
            refused = isinstance(exc, SpApiAuthorizationError)
            wait_ms = self._every_ms if refused else _AGAIN_MS
            await self._store.check_again(seller, at_ms=now_ms + wait_ms)
            _log.info("seller.not_checked", seller_id=seller.id, error=str(exc))
            return
        first = seller.checked_at_ms is None
        # Before the check is noted: what is asked for twice is done once.
        if first and not verdict.elsewhere:
            places = seller.marketplace_ids or verdict.marketplace_ids
            await self._on_new(replace(seller, marketplace_ids=places))
        await self._store.checked(seller, verdict, again_at_ms=now_ms + self._every_ms)
        log = _log.warning if verdict.fault else _log.info
        log(
            "seller.checked",
            seller_id=seller.id,
            region=seller.region,
            first=first,
            fault=verdict.fault,
        )


class Endings(Protocol):
    """Who tells of ends."""

    async def warn(self, link_of: LinkOf) -> int:
        """Tell operators of authorisations that end soon."""
        ...


class EndingNotices:
    """Tells of authorisations that end soon; call it again and again."""

    def __init__(self, endings: Endings, link_of: LinkOf) -> None:
        self._endings = endings
        self._link_of = link_of

    async def __call__(self) -> None:
        """Tell of what is due.

        Raises:
            StoreUnavailableError: It is told of later.
        """
        count = await self._endings.warn(self._link_of)
        if count:
            _log.warning("onboarding.ending", sellers=count)
