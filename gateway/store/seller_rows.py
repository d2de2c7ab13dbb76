"""How an authorisation is written and read: what replaces what, its secrets sealed.

It decides which refresh token counts: one that came by an authorisation or a command, until the
settings give another one than they gave before. Without that a restart would bring back a token
that was replaced since.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any, Final

from gateway.model import PausedBy, Seller, SellerState
from gateway.store.driver import Sealer
from gateway.store.signals import SELLERS_TOPIC
from gateway.store.statements import One, Plan, Row, Signal

COLUMNS: Final = (
    "id, region, application_id, sealed_refresh_token, marketplace_ids, state, paused_reason, "
    "tags, authorised_at_ms, checked_at_ms, check_fault, paused_by"
)
_FIND: Final = One(
    f"SELECT {COLUMNS}, sealed_given_token, warned_days, check_due_at_ms FROM sellers "  # noqa: S608 columns are ours
    "WHERE id = $1 AND region = $2 {lock}"
)
_PUT: Final = One(
    f"""
    INSERT INTO sellers ({COLUMNS}, sealed_given_token, warned_days, check_due_at_ms)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
    ON CONFLICT (id, region) DO UPDATE SET application_id = excluded.application_id,
      sealed_refresh_token = excluded.sealed_refresh_token,
      marketplace_ids = excluded.marketplace_ids, state = excluded.state,
      paused_reason = excluded.paused_reason, tags = excluded.tags,
      authorised_at_ms = excluded.authorised_at_ms, checked_at_ms = excluded.checked_at_ms,
      check_fault = excluded.check_fault, paused_by = excluded.paused_by,
      sealed_given_token = excluded.sealed_given_token,
      warned_days = excluded.warned_days, check_due_at_ms = excluded.check_due_at_ms
    """  # noqa: S608 columns are ours
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """An authorisation as it stands, with what only the store knows of it.

    Attributes:
        given_token: What the settings said last, or None.
        warned_days: The last warning before its end.
    """

    seller: Seller
    given_token: str | None = None
    warned_days: int | None = None
    check_due_at_ms: int = 0


def refresh_token_context(seller_id: str, region: str) -> str:
    """Return the context that a seller's refresh tokens are bound to."""
    return f"refresh_token:{seller_id}:{region}"


def seller_of(row: Row, sealer: Sealer) -> Seller:
    """Return the seller in a row of `COLUMNS`.

    Raises:
        SealError: The refresh token can't be opened.
    """
    return Seller(
        id=row[0],
        region=row[1],
        application_id=row[2],
        refresh_token=_opened(sealer, row, row[3]),
        marketplace_ids=tuple(json.loads(row[4])),
        state=SellerState(row[5]),
        paused_reason=row[6],
        tags=tuple(json.loads(row[7])),
        authorised_at_ms=row[8],
        checked_at_ms=row[9],
        check_fault=row[10],
        paused_by=_paused_by(row[5], row[11]),
    )


def find(seller_id: str, region: str, sealer: Sealer) -> Plan[Kept | None]:
    """Return an authorisation, locked until the transaction ends, or None."""
    rows = yield _FIND(seller_id, region)
    if not rows:
        return None
    row = rows[0]
    return Kept(
        seller=seller_of(row, sealer),
        given_token=None if row[12] is None else _opened(sealer, row, row[12]),
        warned_days=row[13],
        check_due_at_ms=row[14],
    )


def put(kept: Kept, sealer: Sealer) -> Plan[None]:
    """Write an authorisation whole, and wake who waits for sellers."""
    seller = kept.seller
    context = refresh_token_context(seller.id, seller.region)
    given = kept.given_token
    yield _PUT(
        seller.id,
        seller.region,
        seller.application_id,
        sealer.seal(seller.refresh_token.encode(), context=context),
        json.dumps(list(seller.marketplace_ids)),
        seller.state.value,
        seller.paused_reason,
        json.dumps(list(seller.tags)),
        seller.authorised_at_ms,
        seller.checked_at_ms,
        seller.check_fault,
        None if seller.paused_by is None else seller.paused_by.value,
        None if given is None else sealer.seal(given.encode(), context=context),
        kept.warned_days,
        kept.check_due_at_ms,
    )
    yield Signal(SELLERS_TOPIC)()


def authorised(old: Seller | None, seller: Seller) -> Seller:
    """Return a seller with a new authorisation, in place of the one at hand. Pure.

    It ends a pause that the gateway made, as what was refused is given anew. One that an operator
    made has a reason that Amazon knows nothing of, and holds until an operator resumes.
    """
    if old is None or old.paused_by is not PausedBy.OPERATOR:
        return seller
    return replace(
        seller, state=old.state, paused_reason=old.paused_reason, paused_by=old.paused_by
    )


def replaced(known: Kept | None, seller: Seller) -> Kept:
    """Return what comes of an authorisation that is added or replaced by hand. Pure.

    A paused one stays paused unless its refresh token changes, see `authorised`; what was known of
    the time and the marketplaces of the old authorisation holds no longer for a new one.
    """
    if known is None:
        return Kept(seller=seller)
    old = known.seller
    if old.refresh_token != seller.refresh_token:
        return Kept(seller=authorised(old, seller), given_token=known.given_token)
    at_ms = seller.authorised_at_ms
    renewed = at_ms is not None and at_ms != old.authorised_at_ms
    as_before = seller.marketplace_ids == old.marketplace_ids
    return Kept(
        seller=replace(
            seller,
            state=old.state,
            paused_reason=old.paused_reason,
            paused_by=old.paused_by,
            authorised_at_ms=old.authorised_at_ms if at_ms is None else at_ms,
            checked_at_ms=old.checked_at_ms,
            check_fault=old.check_fault,
        ),
        given_token=known.given_token,
        warned_days=None if renewed else known.warned_days,
        check_due_at_ms=known.check_due_at_ms if as_before else 0,
    )


def given(known: Kept | None, seller: Seller) -> Kept:
    """Return what comes of an authorisation that stands in the settings. Pure.

    Tags, marketplaces and the time of authorising that the settings leave out stay as they are.
    """
    if known is None:
        return Kept(seller=seller, given_token=seller.refresh_token)
    old = known.seller
    said_before = known.given_token == seller.refresh_token
    told = replace(
        seller,
        refresh_token=old.refresh_token if said_before else seller.refresh_token,
        marketplace_ids=tuple(seller.marketplace_ids) or tuple(old.marketplace_ids),
        tags=tuple(seller.tags) or tuple(old.tags),
        # The settings' date is of the token that they give.
        authorised_at_ms=(
            old.authorised_at_ms
            if said_before and old.refresh_token != seller.refresh_token
            else seller.authorised_at_ms
        ),
    )
    return replace(replaced(known, told), given_token=seller.refresh_token)


def _paused_by(state: str, paused_by: str | None) -> PausedBy | None:
    if state != SellerState.PAUSED.value:
        return None
    return PausedBy(paused_by) if paused_by is not None else PausedBy.GATEWAY


def _opened(sealer: Sealer, row: Row, sealed: Any) -> str:
    return sealer.open(bytes(sealed), context=refresh_token_context(row[0], row[1])).decode()
