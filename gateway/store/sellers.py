"""Applications and sellers, their secrets sealed."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from gateway.clock import Clock
from gateway.errors import NotFoundError
from gateway.model import Application, PausedBy, Seller, SellerState
from gateway.operational import OperationalEvent
from gateway.store.client_secrets import COLUMNS as APPLICATION_COLUMNS
from gateway.store.client_secrets import application_of, give
from gateway.store.driver import Driver, Sealer
from gateway.store.inbox import HANDLINGS_TOPIC
from gateway.store.leaving import remove
from gateway.store.publishing import Publisher
from gateway.store.seller_rows import COLUMNS, find, given, put, replaced, seller_of
from gateway.store.signals import SELLERS_TOPIC
from gateway.store.statements import One, Plan, Row, Signal, one_step

_APPLICATIONS: Final = One(f"SELECT {APPLICATION_COLUMNS} FROM applications ORDER BY id")  # noqa: S608
_APPLICATION: Final = One(f"SELECT {APPLICATION_COLUMNS} FROM applications WHERE id = $1")  # noqa: S608

_SELLERS: Final = One(f"SELECT {COLUMNS} FROM sellers ORDER BY id, region")  # noqa: S608
_SELLERS_OF: Final = One(
    f"SELECT {COLUMNS} FROM sellers WHERE id = $1 ORDER BY region"  # noqa: S608
)
_VIEW_COLUMNS: Final = (
    "id, region, application_id, state, paused_reason, marketplace_ids, tags, authorised_at_ms, "
    "checked_at_ms, check_fault, CASE WHEN state = 'paused' THEN COALESCE(paused_by, 'gateway') END"
)
_LIST: Final = One(
    f"""
    SELECT {_VIEW_COLUMNS} FROM sellers
    WHERE (id, region) > ($1, $2) AND id = COALESCE($3, id)
      AND application_id = COALESCE($4, application_id) AND region = COALESCE($5, region)
      AND state = COALESCE($6, state) AND tags LIKE $7 ESCAPE '!'
    ORDER BY id, region LIMIT $8
    """  # noqa: S608 columns are ours
)
_STATES: Final = One(
    """
    SELECT region, application_id, state, paused_by FROM sellers
    WHERE id = $1 AND region = COALESCE($2, region) ORDER BY region {lock}
    """
)
_SET_STATE: Final = One(
    """
    UPDATE sellers SET state = $3, paused_reason = $4, paused_by = $5
    WHERE id = $1 AND region = COALESCE($2, region)
    """
)
_RELEASE: Final = One(
    """
    UPDATE handlings SET due_at_ms = $2
    WHERE lane = $1 AND state = 'pending' AND readiness = 1 AND due_at_ms > $2
      AND error LIKE 'SellerPausedError:%'
    """
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SellerFilter:
    """Which authorisations a list is of; None for any."""

    seller_id: str | None = None
    application_id: str | None = None
    region: str | None = None
    state: str | None = None
    tag: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SellerView:
    """An authorisation as it is shown, without its refresh token."""

    id: str
    region: str
    application_id: str
    state: str
    paused_reason: str | None
    paused_by: str | None
    marketplace_ids: Sequence[str]
    tags: Sequence[str]
    authorised_at_ms: int | None
    checked_at_ms: int | None
    check_fault: str | None

    @property
    def cursor(self) -> str:
        """What a list goes on behind."""
        return f"{self.id}:{self.region}"


class Sellers:
    """See the module."""

    def __init__(
        self, driver: Driver, *, sealer: Sealer, clock: Clock, publisher: Publisher
    ) -> None:
        self._driver = driver
        self._sealer = sealer
        self._clock = clock
        self._publisher = publisher

    async def put_application(self, application: Application) -> None:
        """Add an application, or replace the one with its id.

        A client secret that was given before doesn't replace one that Amazon has sent since.
        """
        await self._driver.write(lambda: give(application, self._sealer))

    async def applications(self) -> Sequence[Application]:
        """Return all applications.

        Raises:
            SealError: A client secret can't be opened.
        """
        rows = await self._driver.read(lambda: one_step(_APPLICATIONS()))
        return [application_of(row, self._sealer) for row in rows]

    async def application(self, application_id: str) -> Application | None:
        """Return an application, or None.

        Raises:
            SealError: Its client secret can't be opened.
        """
        rows = await self._driver.read(lambda: one_step(_APPLICATION(application_id)))
        return application_of(rows[0], self._sealer) if rows else None

    async def put_seller(self, seller: Seller) -> None:
        """Add a seller's authorisation for a region, or replace it.

        A paused one stays paused unless its refresh token changes, as a new authorisation ends a
        pause that the gateway made; an operator's own holds until it is resumed.

        Raises:
            SealError: The refresh token at hand can't be opened.
        """
        await self._driver.write(lambda: self._put(seller))

    async def give_seller(self, seller: Seller) -> None:
        """Take over what the settings say of a seller; a token that they said before is no news.

        Raises:
            SealError: The refresh token at hand can't be opened.
        """
        await self._driver.write(lambda: self._give(seller))

    async def change(
        self,
        seller_id: str,
        *,
        region: str | None = None,
        tag: Collection[str] = (),
        untag: Collection[str] = (),
        marketplace_ids: Sequence[str] | None = None,
    ) -> None:
        """Change tags and marketplaces of a seller, in one region or in all of them.

        Raises:
            NotFoundError: There is no such authorisation.
        """

        def changed(seller: Seller) -> Seller:
            tags = (set(seller.tags) | set(tag)) - set(untag)
            places = seller.marketplace_ids if marketplace_ids is None else marketplace_ids
            return replace(seller, tags=tuple(sorted(tags)), marketplace_ids=tuple(places))

        if not await self._driver.write(lambda: self._change(seller_id, region, changed)):
            raise NotFoundError(f"there is no seller {seller_id}")

    async def sellers(self) -> Sequence[Seller]:
        """Return all sellers, one for each region they authorised.

        Raises:
            SealError: A refresh token can't be opened.
        """
        rows = await self._driver.read(lambda: one_step(_SELLERS()))
        return [seller_of(row, self._sealer) for row in rows]

    async def of(self, seller_id: str) -> Sequence[Seller]:
        """Return a seller's authorisations, one for each region.

        Raises:
            SealError: A refresh token can't be opened.
        """
        rows = await self._driver.read(lambda: one_step(_SELLERS_OF(seller_id)))
        return [seller_of(row, self._sealer) for row in rows]

    async def seller(self, seller_id: str, region: str | None = None) -> Seller | None:
        """Return a seller's authorisation for `region`, or its first one, or None.

        Raises:
            SealError: The refresh token can't be opened.
        """
        found = [s for s in await self.of(seller_id) if region in (None, s.region)]
        return found[0] if found else None

    async def list(
        self, wanted: SellerFilter | None = None, *, after: str | None = None, limit: int = 50
    ) -> Sequence[SellerView]:
        """Return authorisations without their tokens; `after` is the cursor of the last one."""
        wanted = wanted or SellerFilter()
        seller_id, _, region = (after or "").rpartition(":")
        params = (
            seller_id,
            region,
            wanted.seller_id,
            wanted.application_id,
            wanted.region,
            wanted.state,
            "%" if wanted.tag is None else f"%{_like(json.dumps(wanted.tag))}%",
            limit,
        )
        return [_view(row) for row in await self._driver.read(lambda: one_step(_LIST(*params)))]

    async def pause(
        self,
        seller_id: str,
        reason: str,
        *,
        region: str | None = None,
        by: PausedBy = PausedBy.GATEWAY,
    ) -> None:
        """Let no follow-up calls be made for a seller, in one region or in all of them.

        A pause of an operator's takes the place of the gateway's, and never the other way round.
        Operators are told by an event `seller.paused` for each authorisation that was active.

        Raises:
            NotFoundError: There is no such seller.
        """
        now_ms = self._clock.now_ms()
        if not await self._driver.write(lambda: self._pause(seller_id, region, reason, by, now_ms)):
            raise NotFoundError(f"there is no seller {seller_id}")

    async def resume(self, seller_id: str) -> None:
        """Let follow-up calls be made again, in every region; what waited for it is due at once.

        Raises:
            NotFoundError: There is no such seller.
        """
        now_ms = self._clock.now_ms()
        if not await self._driver.write(lambda: _resume(seller_id, now_ms)):
            raise NotFoundError(f"there is no seller {seller_id}")

    async def remove(
        self, seller_id: str, *, region: str | None = None, leave_subscriptions: bool = False
    ) -> None:
        """Forget a seller's authorisation for a region, or all of them; see `leaving`.

        What waits for its calls is tried on its schedule, and ends as dead.

        Raises:
            NotFoundError: There is no such seller.
            ConflictError: It has subscriptions at Amazon, and they are not to be left there.
        """
        if not await self._driver.write(
            lambda: remove(seller_id, region, leave_subscriptions=leave_subscriptions)
        ):
            raise NotFoundError(f"there is no seller {seller_id}")

    def _put(self, seller: Seller) -> Plan[None]:
        known = yield from find(seller.id, seller.region, self._sealer)
        wanted = replaced(known, seller)
        yield from put(wanted, self._sealer)
        yield from release(wanted.seller, self._clock.now_ms())

    def _give(self, seller: Seller) -> Plan[None]:
        known = yield from find(seller.id, seller.region, self._sealer)
        told = given(known, seller)
        if told != known:
            yield from put(told, self._sealer)
            yield from release(told.seller, self._clock.now_ms())

    def _change(self, seller_id: str, region: str | None, changed: Any) -> Plan[bool]:
        found = yield _STATES(seller_id, region)
        for row in found:
            known = yield from find(seller_id, row[0], self._sealer)
            if known is not None:
                yield from put(replaced(known, changed(known.seller)), self._sealer)
        return bool(found)

    def _pause(
        self, seller_id: str, region: str | None, reason: str, by: PausedBy, now_ms: int
    ) -> Plan[bool]:
        found = yield _STATES(seller_id, region)
        for row in found:
            held = row[2] == SellerState.PAUSED.value and row[3] == PausedBy.OPERATOR.value
            if by is PausedBy.OPERATOR or not held:
                yield _SET_STATE(seller_id, row[0], SellerState.PAUSED.value, reason, by.value)
        news = [
            paused_event(seller_id, row[0], row[1], reason)
            for row in found
            if row[2] != SellerState.PAUSED.value
        ]
        yield from self._publisher.announce(news, now_ms)
        return bool(found)


def paused_event(seller_id: str, region: str, application_id: str, reason: str) -> OperationalEvent:
    """Return what operators are told of a pause."""
    return OperationalEvent(
        type="seller.paused",
        data={
            "seller": seller_id,
            "region": region,
            "application": application_id,
            "reason": reason,
        },
        seller_id=seller_id,
    )


def release(seller: Seller, now_ms: int) -> Plan[None]:
    """Make due what waits for a seller to be resumed, where it is not paused."""
    if seller.state is not SellerState.PAUSED:
        yield _RELEASE(seller.id, now_ms)
        yield Signal(HANDLINGS_TOPIC)()


def _resume(seller_id: str, now_ms: int) -> Plan[bool]:
    found = yield _STATES(seller_id, None)
    yield _SET_STATE(seller_id, None, SellerState.ACTIVE.value, None, None)
    yield _RELEASE(seller_id, now_ms)
    yield Signal(SELLERS_TOPIC)()
    yield Signal(HANDLINGS_TOPIC)()
    return bool(found)


def _view(row: Row) -> SellerView:
    return SellerView(
        id=row[0],
        region=row[1],
        application_id=row[2],
        state=row[3],
        paused_reason=row[4],
        marketplace_ids=tuple(json.loads(row[5])),
        tags=tuple(json.loads(row[6])),
        authorised_at_ms=row[7],
        checked_at_ms=row[8],
        check_fault=row[9],
        paused_by=row[10],
    )


def _like(text: str) -> str:
    """Return `text` as it stands in a pattern of LIKE."""
    return text.replace("!", "!!").replace("%", "!%").replace("_", "!_")
