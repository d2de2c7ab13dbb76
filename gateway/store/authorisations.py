"""Authorisations over their lives: taken once, checked against Amazon, warned of before they end.

Each is one transaction, so that of several replicas only one uses a state, checks a seller and
tells of an end.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Final

from gateway.authorisations import (
    DAY_MS,
    LASTS_DAYS,
    WARNED_DAYS,
    Ending,
    LinkOf,
    Verdict,
    days_left,
    due_warning,
    ends_at_ms,
)
from gateway.clock import Clock, rfc3339
from gateway.model import PausedBy, Seller, SellerState
from gateway.operational import OperationalEvent
from gateway.store.driver import Driver, Sealer
from gateway.store.publishing import Publisher
from gateway.store.seller_rows import COLUMNS, Kept, authorised, find, put, seller_of
from gateway.store.sellers import paused_event, release
from gateway.store.statements import Many, One, Plan, Row, one_step

_USE_STATE: Final = One(
    """
    INSERT INTO used_states (id, expires_at_ms) VALUES ($1, $2)
    ON CONFLICT (id) DO NOTHING RETURNING id
    """
)
_FORGET_STATES: Final = One("DELETE FROM used_states WHERE expires_at_ms <= $1")
_CHECK_DUE: Final = One(
    "SELECT 1 FROM sellers WHERE state = 'active' AND check_due_at_ms <= $1 LIMIT 1"
)
_CLAIM_CHECKS: Final = One(
    f"""
    WITH picked AS (
      SELECT id, region FROM sellers
      WHERE state = 'active' AND check_due_at_ms <= $1
      ORDER BY check_due_at_ms, id, region LIMIT $3 {{skip_locked}}
    )
    UPDATE sellers SET check_due_at_ms = $2
    WHERE (id, region) IN (SELECT id, region FROM picked) RETURNING {COLUMNS}
    """  # noqa: S608 columns are ours
)
_CHECK_AGAIN: Final = One("UPDATE sellers SET check_due_at_ms = $3 WHERE id = $1 AND region = $2")
_ENDING: Final = One(
    """
    SELECT id, region, application_id, authorised_at_ms, warned_days FROM sellers
    WHERE authorised_at_ms <= $1 AND (warned_days IS NULL OR warned_days > $2)
    ORDER BY id, region {lock}
    """
)
_WARNED: Final = Many(
    """
    WITH v(id, region, warned_days) AS ({rows})
    UPDATE sellers SET warned_days = v.warned_days FROM v
    WHERE sellers.id = v.id AND sellers.region = v.region
    """,
    ("text", "text", "bigint"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Authorised:
    """What an authorisation did.

    Attributes:
        seller: As it is now; still paused where an operator paused it.
        new: Whether the seller was not known in this region.
        was_paused: Whether no calls were made for it until now.
    """

    seller: Seller
    new: bool
    was_paused: bool


class Authorisations:
    """See the module."""

    def __init__(self, driver: Driver, sealer: Sealer, clock: Clock, publisher: Publisher) -> None:
        self._driver = driver
        self._sealer = sealer
        self._clock = clock
        self._publisher = publisher

    async def use_state(self, state_id: str, *, expires_at_ms: int) -> bool:
        """Take a state that came back; return whether it had not come back before.

        Raises:
            StoreUnavailableError: It is not taken.
        """
        now_ms = self._clock.now_ms()
        return await self._driver.write(lambda: _use_state(state_id, expires_at_ms, now_ms))

    async def authorise(self, seller: Seller, *, tags: Collection[str] = ()) -> Authorised:
        """Take a new authorisation: calls are made from now on, and what waited for it is due.

        A seller whom an operator paused stays paused, until an operator resumes it. Operators are
        told by an event `seller.authorised`. Tags are added to those at hand; marketplaces replace
        those at hand where any are given.

        Args:
            seller: With its new refresh token.
            tags: Words to be found by.

        Raises:
            StoreUnavailableError: Nothing was taken.
        """
        now_ms = self._clock.now_ms()
        return await self._driver.write(lambda: self._authorise(seller, tags, now_ms))

    async def claim_checks(self, *, limit: int, lease_ms: int) -> Sequence[Seller]:
        """Return sellers whose marketplaces are to be asked for, for the caller alone for a while.

        Raises:
            StoreUnavailableError: None is claimed.
        """
        now_ms = self._clock.now_ms()
        if not await self._driver.read(lambda: one_step(_CHECK_DUE(now_ms))):
            return ()
        params = (now_ms, now_ms + lease_ms, limit)
        rows = await self._driver.write(lambda: one_step(_CLAIM_CHECKS(*params)))
        return [seller_of(row, self._sealer) for row in rows]

    async def check_again(self, seller: Seller, *, at_ms: int) -> None:
        """Note when a seller is to be checked next, where it could not be now."""
        await self._driver.write(lambda: one_step(_CHECK_AGAIN(seller.id, seller.region, at_ms)))

    async def checked(self, seller: Seller, verdict: Verdict, *, again_at_ms: int) -> bool:
        """Note what Amazon says of a seller; return whether it may be worked for.

        Marketplaces are filled in where none were declared. One whose authorisation is for another
        region is paused, and operators are told; any other difference stands beside the seller.
        What was checked before the seller authorised anew says nothing, and changes nothing.
        """
        now_ms = self._clock.now_ms()
        return await self._driver.write(lambda: self._checked(seller, verdict, now_ms, again_at_ms))

    async def warn(self, link_of: LinkOf) -> int:
        """Tell operators of authorisations that end soon; return how many were told of.

        Each is told of 30, 14 and 3 days before its end, once, by an event
        `seller.authorisation_ending` with the link by which the seller authorises again.

        Raises:
            StoreUnavailableError: Nothing was told, and nothing is lost.
        """
        now_ms = self._clock.now_ms()
        return await self._driver.write(lambda: self._warn(link_of, now_ms))

    def _authorise(self, seller: Seller, tags: Collection[str], now_ms: int) -> Plan[Authorised]:
        known = yield from find(seller.id, seller.region, self._sealer)
        old = known.seller if known is not None else None
        taken = replace(
            authorised(old, seller),
            tags=tuple(sorted({*tags, *(old.tags if old else ())})),
            marketplace_ids=tuple(seller.marketplace_ids or (old.marketplace_ids if old else ())),
            authorised_at_ms=now_ms,
        )
        # With nothing noted of checks and warnings, so that both begin anew.
        yield from put(
            Kept(seller=taken, given_token=known.given_token if known else None), self._sealer
        )
        yield from release(taken, now_ms)
        yield from self._publisher.announce([_authorised_event(taken, new=old is None)], now_ms)
        paused = old is not None and old.state is SellerState.PAUSED
        return Authorised(seller=taken, new=old is None, was_paused=paused)

    def _checked(
        self, seller: Seller, verdict: Verdict, now_ms: int, again_at_ms: int
    ) -> Plan[bool]:
        known = yield from find(seller.id, seller.region, self._sealer)
        if known is None or known.seller.refresh_token != seller.refresh_token:
            return False
        now = known.seller
        paused = verdict.elsewhere and now.state is not SellerState.PAUSED
        after = replace(
            now,
            marketplace_ids=now.marketplace_ids or tuple(verdict.marketplace_ids),
            state=SellerState.PAUSED if verdict.elsewhere else now.state,
            paused_reason=verdict.fault if paused else now.paused_reason,
            paused_by=PausedBy.GATEWAY if paused else now.paused_by,
            checked_at_ms=now_ms,
            check_fault=verdict.fault,
        )
        yield from put(replace(known, seller=after, check_due_at_ms=again_at_ms), self._sealer)
        if paused:
            event = paused_event(now.id, now.region, now.application_id, verdict.fault or "")
            yield from self._publisher.announce([event], now_ms)
        return after.state is SellerState.ACTIVE

    def _warn(self, link_of: LinkOf, now_ms: int) -> Plan[int]:
        begins_ms = now_ms - (LASTS_DAYS - WARNED_DAYS[0]) * DAY_MS
        warned, news = [], []
        for row in (yield _ENDING(begins_ms, WARNED_DAYS[-1])):
            days = due_warning(row[3], row[4], now_ms)
            if days is None:
                continue
            warned.append((row[0], row[1], days))
            news.append(_ending_event(row, link_of, now_ms))
        if warned:
            yield _WARNED(warned)
            yield from self._publisher.announce(news, now_ms)
        return len(warned)


def _authorised_event(seller: Seller, *, new: bool) -> OperationalEvent:
    return OperationalEvent(
        type="seller.authorised",
        data={
            "seller": seller.id,
            "region": seller.region,
            "application": seller.application_id,
            "marketplaces": list(seller.marketplace_ids),
            "new": new,
            "paused": seller.state is SellerState.PAUSED,
        },
        seller_id=seller.id,
    )


def _ending_event(row: Row, link_of: LinkOf, now_ms: int) -> OperationalEvent:
    ending = Ending(
        seller_id=row[0],
        region=row[1],
        application_id=row[2],
        ends_at_ms=ends_at_ms(row[3]),
        days_left=days_left(row[3], now_ms),
    )
    return OperationalEvent(
        type="seller.authorisation_ending",
        data={
            "seller": ending.seller_id,
            "region": ending.region,
            "application": ending.application_id,
            "ends_at": rfc3339(ending.ends_at_ms),
            "days_left": ending.days_left,
            "link": link_of(ending),
        },
        seller_id=ending.seller_id,
    )


def _use_state(state_id: str, expires_at_ms: int, now_ms: int) -> Plan[bool]:
    yield _FORGET_STATES(now_ms)
    return bool((yield _USE_STATE(state_id, expires_at_ms)))
