"""Applications and sellers, their secrets sealed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

from gateway.clock import Clock
from gateway.errors import NotFoundError
from gateway.model import Application, Seller, SellerState
from gateway.operational import OperationalEvent
from gateway.store.client_secrets import COLUMNS, application_of, give
from gateway.store.driver import Driver, Sealer
from gateway.store.publishing import Publisher
from gateway.store.statements import One, Plan, Row

_APPLICATIONS: Final = One(f"SELECT {COLUMNS} FROM applications ORDER BY id")  # noqa: S608
_APPLICATION: Final = One(f"SELECT {COLUMNS} FROM applications WHERE id = $1")  # noqa: S608

_SELLER_COLUMNS: Final = (
    "id, region, application_id, sealed_refresh_token, marketplace_ids, state, paused_reason"
)
_PUT_SELLER: Final = One(
    f"""
    INSERT INTO sellers ({_SELLER_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7)
    ON CONFLICT (id, region) DO UPDATE SET application_id = excluded.application_id,
      sealed_refresh_token = excluded.sealed_refresh_token,
      marketplace_ids = excluded.marketplace_ids, state = excluded.state,
      paused_reason = excluded.paused_reason
    """  # noqa: S608 columns are ours
)
_SELLERS: Final = One(f"SELECT {_SELLER_COLUMNS} FROM sellers ORDER BY id, region")  # noqa: S608
_SELLERS_OF: Final = One(
    f"SELECT {_SELLER_COLUMNS} FROM sellers WHERE id = $1 ORDER BY region"  # noqa: S608
)
_STATES: Final = One(
    """
    SELECT region, application_id, state FROM sellers
    WHERE id = $1 AND region = COALESCE($2, region) ORDER BY region {lock}
    """
)
_SET_STATE: Final = One(
    """
    UPDATE sellers SET state = $3, paused_reason = $4
    WHERE id = $1 AND region = COALESCE($2, region)
    """
)


def refresh_token_context(seller_id: str, region: str) -> str:
    """Return the context that a seller's refresh token is bound to."""
    return f"refresh_token:{seller_id}:{region}"


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
        rows = await self._driver.read(lambda: _rows(_APPLICATIONS))
        return [application_of(row, self._sealer) for row in rows]

    async def application(self, application_id: str) -> Application | None:
        """Return an application, or None.

        Raises:
            SealError: Its client secret can't be opened.
        """
        rows = await self._driver.read(lambda: _rows(_APPLICATION, application_id))
        return application_of(rows[0], self._sealer) if rows else None

    async def put_seller(self, seller: Seller) -> None:
        """Add a seller's authorisation for a region, or replace it.

        A paused one stays paused unless its refresh token changes, as a new authorisation is what
        lifts most pauses.

        Raises:
            SealError: The refresh token at hand can't be opened.
        """
        known = await self.seller(seller.id, seller.region)
        state, reason = seller.state, seller.paused_reason
        if known is not None and known.refresh_token == seller.refresh_token:
            state, reason = known.state, known.paused_reason
        sealed = self._sealer.seal(
            seller.refresh_token.encode(), context=refresh_token_context(seller.id, seller.region)
        )
        marketplaces = json.dumps(list(seller.marketplace_ids))
        params = (
            seller.id,
            seller.region,
            seller.application_id,
            sealed,
            marketplaces,
            state.value,
            reason,
        )
        await self._driver.write(lambda: _rows(_PUT_SELLER, *params))

    async def sellers(self) -> Sequence[Seller]:
        """Return all sellers, one for each region they authorised.

        Raises:
            SealError: A refresh token can't be opened.
        """
        rows = await self._driver.read(lambda: _rows(_SELLERS))
        return [self._seller(row) for row in rows]

    async def of(self, seller_id: str) -> Sequence[Seller]:
        """Return a seller's authorisations, one for each region.

        Raises:
            SealError: A refresh token can't be opened.
        """
        rows = await self._driver.read(lambda: _rows(_SELLERS_OF, seller_id))
        return [self._seller(row) for row in rows]

    async def seller(self, seller_id: str, region: str | None = None) -> Seller | None:
        """Return a seller's authorisation for `region`, or its first one, or None.

        Raises:
            SealError: The refresh token can't be opened.
        """
        found = [s for s in await self.of(seller_id) if region in (None, s.region)]
        return found[0] if found else None

    async def pause(self, seller_id: str, reason: str, *, region: str | None = None) -> None:
        """Let no follow-up calls be made for a seller, in one region or in all of them.

        Operators are told by an event `seller.paused` for each authorisation that was active.

        Raises:
            NotFoundError: There is no such seller.
        """
        now_ms = self._clock.now_ms()
        if not await self._driver.write(lambda: self._pause(seller_id, region, reason, now_ms)):
            raise NotFoundError(f"there is no seller {seller_id}")

    async def resume(self, seller_id: str) -> None:
        """Let follow-up calls be made again, in every region.

        Raises:
            NotFoundError: There is no such seller.
        """
        if not await self._driver.write(lambda: _resume(seller_id)):
            raise NotFoundError(f"there is no seller {seller_id}")

    def _pause(self, seller_id: str, region: str | None, reason: str, now_ms: int) -> Plan[bool]:
        found = yield _STATES(seller_id, region)
        yield _SET_STATE(seller_id, region, SellerState.PAUSED.value, reason)
        news = [
            OperationalEvent(
                type="seller.paused",
                data={
                    "seller": seller_id,
                    "region": row[0],
                    "application": row[1],
                    "reason": reason,
                },
                seller_id=seller_id,
            )
            for row in found
            if row[2] != SellerState.PAUSED.value
        ]
        yield from self._publisher.announce(news, now_ms)
        return bool(found)

    def _seller(self, row: Row) -> Seller:
        token = self._sealer.open(bytes(row[3]), context=refresh_token_context(row[0], row[1]))
        return Seller(
            id=row[0],
            region=row[1],
            application_id=row[2],
            refresh_token=token.decode(),
            marketplace_ids=tuple(json.loads(row[4])),
            state=SellerState(row[5]),
            paused_reason=row[6],
        )


def _resume(seller_id: str) -> Plan[bool]:
    found = yield _STATES(seller_id, None)
    yield _SET_STATE(seller_id, None, SellerState.ACTIVE.value, None)
    return bool(found)


def _rows(statement: One, *params: Any) -> Plan[Sequence[Row]]:
    return (yield statement(*params))
