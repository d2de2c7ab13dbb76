"""Amazon's subscriptions as they were seen last, and how each seller's stand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from gateway.clock import Clock
from gateway.store.driver import Driver
from gateway.store.statements import Many, One, Plan, one_step

_PUT: Final = One(
    """
    INSERT INTO subscriptions (id, application_id, seller_id, type) VALUES ($1, $2, $3, $4)
    ON CONFLICT (id) DO UPDATE SET
      application_id = COALESCE(excluded.application_id, subscriptions.application_id),
      seller_id = excluded.seller_id, type = COALESCE(excluded.type, subscriptions.type)
    """
)
_ALL_GONE: Final = One(
    """
    UPDATE subscriptions SET gone_at_ms = $4
    WHERE seller_id = $1 AND region = $2 AND type = $3 AND gone_at_ms IS NULL
    """
)
_GONE: Final = One("UPDATE subscriptions SET gone_at_ms = $2 WHERE id = $1 AND gone_at_ms IS NULL")
_SEEN: Final = Many(
    """
    INSERT INTO subscriptions (id, application_id, seller_id, type, region, payload_version,
      destination_id, directive, managed_since_ms, seen_at_ms) {rows}
    ON CONFLICT (id) DO UPDATE SET application_id = excluded.application_id,
      seller_id = excluded.seller_id, type = excluded.type, region = excluded.region,
      payload_version = excluded.payload_version, destination_id = excluded.destination_id,
      directive = excluded.directive, seen_at_ms = excluded.seen_at_ms, gone_at_ms = NULL,
      managed_since_ms = COALESCE(subscriptions.managed_since_ms, excluded.managed_since_ms)
    """,
    ("text",) * 8 + ("bigint",) * 2,
)
_UNIT: Final = One(
    """
    INSERT INTO subscription_units
      (seller_id, region, type, digest, settled_at_ms, looked_at_ms, fault)
    VALUES ($1, $2, $3, $4, $5, $6, $7)
    ON CONFLICT (seller_id, region, type) DO UPDATE SET
      digest = CASE WHEN excluded.fault IS NULL THEN excluded.digest
        ELSE subscription_units.digest END,
      settled_at_ms = COALESCE(excluded.settled_at_ms, subscription_units.settled_at_ms),
      looked_at_ms = excluded.looked_at_ms, fault = excluded.fault,
      gap_since_ms = CASE WHEN excluded.fault IS NULL THEN NULL
        ELSE subscription_units.gap_since_ms END
    """
)
_GAP: Final = One(
    """
    INSERT INTO subscription_units (seller_id, region, type, digest, gap_since_ms)
    VALUES ($1, $2, $3, '', $4)
    ON CONFLICT (seller_id, region, type) DO UPDATE SET
      gap_since_ms = COALESCE(subscription_units.gap_since_ms, excluded.gap_since_ms)
    """
)
_UNITS: Final = One(
    """
    SELECT seller_id, region, type, digest, settled_at_ms, gap_since_ms, fault
    FROM subscription_units
    """
)
_UNSETTLED: Final = One(
    """
    SELECT s.id, s.tags FROM sellers AS s
    WHERE s.state = 'active' AND NOT EXISTS (
      SELECT 1 FROM subscription_units AS u
      WHERE u.seller_id = s.id AND u.region = s.region AND u.fault IS NULL
    )
    ORDER BY s.id, s.region
    """
)
_MANAGED: Final = One(
    """
    SELECT id, application_id, region, seller_id, type FROM subscriptions
    WHERE managed_since_ms IS NOT NULL AND gone_at_ms IS NULL
    """
)
_COLUMNS: Final = (
    "id, application_id, region, seller_id, type, payload_version, destination_id, directive, "
    "managed_since_ms, seen_at_ms"
)
_LIST: Final = One(
    f"""
    SELECT {_COLUMNS} FROM subscriptions
    WHERE id > $1 AND gone_at_ms IS NULL AND seller_id = COALESCE($2, seller_id)
      AND ($3 = '' OR type = $3)
    ORDER BY id LIMIT $4
    """  # noqa: S608 columns are ours
)
_FIND: Final = One(f"SELECT {_COLUMNS} FROM subscriptions WHERE id = $1")  # noqa: S608

UnitKey: TypeAlias = tuple[str, str, str]
"""Seller, region, type."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionView:
    """A subscription as it was seen last.

    Attributes:
        directive: JSON text; empty for none.
        managed_since_ms: None where nobody declared it.
        seen_at_ms: None where only its id is known.
    """

    id: str
    application_id: str | None
    region: str | None
    seller_id: str
    type: str | None
    payload_version: str | None
    destination_id: str | None
    directive: str | None
    managed_since_ms: int | None
    seen_at_ms: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What a look at one seller's subscriptions to a type came to.

    Attributes:
        digest: Of what is declared.
        seen: Those that Amazon has now; None where Amazon could not be asked.
        fault: Why it is not as declared; None where it is.
    """

    application_id: str
    region: str
    seller_id: str
    type: str
    digest: str
    seen: Sequence[SeenSubscription] | None = None
    fault: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenSubscription:
    """A subscription that Amazon has.

    Attributes:
        directive: JSON text; empty for none.
        managed: Whether it is declared.
    """

    id: str
    payload_version: str | None
    destination_id: str | None
    directive: str
    managed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitState:
    """How one seller's subscriptions to a type stood when they were looked at last."""

    digest: str
    settled_at_ms: int | None
    gap_since_ms: int | None
    fault: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownSide:
    """What is known of Amazon's side.

    Attributes:
        managed: Those that are declared: id → (application, region, seller, type).
    """

    managed: Mapping[str, tuple[str | None, str | None, str, str | None]] = field(
        default_factory=dict
    )
    units: Mapping[UnitKey, UnitState] = field(default_factory=dict)


class Subscriptions:
    """See the module."""

    def __init__(self, driver: Driver, clock: Clock) -> None:
        self._driver = driver
        self._clock = clock

    async def put(
        self,
        subscription_id: str,
        *,
        seller_id: str,
        application_id: str | None = None,
        notification_type: str | None = None,
    ) -> None:
        """Add a subscription, or replace what is given of it."""
        params = (subscription_id, application_id, seller_id, notification_type)
        await self._driver.write(lambda: one_step(_PUT(*params)))

    async def known(self) -> KnownSide:
        """Return what is known of all sellers."""
        return await self._driver.read(_known)

    async def unsettled_sellers(self) -> Mapping[str, str]:
        """Return the sellers that are not paused and have a region where nothing is in order.

        Each with a text that changes with its tags, by which it may be wanted elsewhere.
        """
        found: dict[str, str] = {}
        for seller_id, tags in await self._driver.read(lambda: one_step(_UNSETTLED())):
            found[seller_id] = found.get(seller_id, "") + tags
        return found

    async def looked(self, look: Look) -> None:
        """Note what a look came to; what it did not find of the seller and type is gone."""
        now_ms = self._clock.now_ms()
        await self._driver.write(lambda: _looked(look, now_ms))

    async def gap_begins(self, seller_id: str, region: str, notification_type: str) -> int:
        """Note that nothing will arrive for a while; return since when, the earliest it was noted.

        It ends with the look that finds everything as declared.
        """
        now_ms = self._clock.now_ms()
        params = (seller_id, region, notification_type, now_ms)
        await self._driver.write(lambda: one_step(_GAP(*params)))
        return now_ms

    async def gone(self, subscription_id: str) -> None:
        """Note that a subscription was deleted."""
        params = (subscription_id, self._clock.now_ms())
        await self._driver.write(lambda: one_step(_GONE(*params)))

    async def find(self, subscription_id: str) -> SubscriptionView | None:
        """Return a subscription, gone ones too, or None."""
        rows = await self._driver.read(lambda: one_step(_FIND(subscription_id)))
        return _view(rows[0]) if rows else None

    async def list(
        self,
        *,
        after: str | None = None,
        limit: int = 50,
        seller_id: str | None = None,
        notification_type: str | None = None,
    ) -> Sequence[SubscriptionView]:
        """Return subscriptions that are not gone; `after` is the id of the last one before."""
        params = (after or "", seller_id, notification_type or "", limit)
        return [_view(row) for row in await self._driver.read(lambda: one_step(_LIST(*params)))]


def _known() -> Plan[KnownSide]:
    managed = yield _MANAGED()
    units = yield _UNITS()
    return KnownSide(
        managed={row[0]: (row[1], row[2], row[3], row[4]) for row in managed},
        units={
            (row[0], row[1], row[2]): UnitState(
                digest=row[3], settled_at_ms=row[4], gap_since_ms=row[5], fault=row[6]
            )
            for row in units
        },
    )


def _looked(look: Look, now_ms: int) -> Plan[None]:
    unit = (look.seller_id, look.region, look.type)
    if look.seen is not None:
        yield _ALL_GONE(*unit, now_ms)
        rows = [
            (
                one.id,
                look.application_id,
                look.seller_id,
                look.type,
                look.region,
                one.payload_version,
                one.destination_id,
                one.directive,
                now_ms if one.managed else None,
                now_ms,
            )
            for one in look.seen
        ]
        if rows:
            yield _SEEN(rows)
    settled_at_ms = now_ms if look.fault is None else None
    yield _UNIT(*unit, look.digest, settled_at_ms, now_ms, look.fault)


def _view(row: Sequence[Any]) -> SubscriptionView:
    return SubscriptionView(
        id=row[0],
        application_id=row[1],
        region=row[2],
        seller_id=row[3],
        type=row[4],
        payload_version=row[5],
        destination_id=row[6],
        directive=row[7],
        managed_since_ms=row[8],
        seen_at_ms=row[9],
    )
