"""Sellers whose time has come are checked, and each outcome is noted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from gateway.authorisations import Verdict
from gateway.errors import SpApiAuthorizationError, SpApiError, SpApiRetryableError
from gateway.model import Seller
from gateway.onboarding.chores import Checks
from tests.support.clock import FakeClock

NEW = Seller(id="A1", application_id="main", region="eu", refresh_token="Atzr|1")
OLD = Seller(id="A2", application_id="main", region="eu", refresh_token="Atzr|2", checked_at_ms=5)
DAY_MS = 86_400_000
GOOD = Verdict(region="eu", marketplace_ids=("M1",))


@dataclass
class Sellers:
    """Stands for the store, and for Amazon."""

    due: list[Seller]
    says: Verdict | SpApiError = GOOD
    again_ms: dict[str, int] = field(default_factory=dict)
    noted: dict[str, Verdict] = field(default_factory=dict)
    new: list[Seller] = field(default_factory=list)

    async def claim_checks(self, *, limit: int, lease_ms: int) -> Sequence[Seller]:
        return self.due[:limit]

    async def check_again(self, seller: Seller, *, at_ms: int) -> None:
        self.again_ms[seller.id] = at_ms

    async def checked(self, seller: Seller, verdict: Verdict, *, again_at_ms: int) -> bool:
        self.noted[seller.id] = verdict
        self.again_ms[seller.id] = again_at_ms
        return True

    async def look(self, seller: Seller, region: str | None) -> Verdict:
        assert region == seller.region
        if isinstance(self.says, SpApiError):
            raise self.says
        return self.says

    async def on_new(self, seller: Seller) -> None:
        self.new.append(seller)


async def checked(sellers: Sellers) -> int:
    clock = FakeClock()
    await Checks(sellers, sellers, clock, every_s=86_400, on_new=sellers.on_new)()
    return clock.now_ms()


async def test_who_is_new_is_worked_for_at_once() -> None:
    sellers = Sellers([NEW, OLD])
    now_ms = await checked(sellers)
    assert sellers.noted == {"A1": GOOD, "A2": GOOD}
    assert sellers.again_ms == {"A1": now_ms + DAY_MS, "A2": now_ms + DAY_MS}
    assert [(one.id, one.marketplace_ids) for one in sellers.new] == [("A1", ("M1",))]


async def test_nothing_is_begun_for_one_whose_region_is_wrong() -> None:
    wrong = Verdict(region="na", fault="wrong region", elsewhere=True)
    sellers = Sellers([NEW], wrong)
    await checked(sellers)
    assert sellers.noted == {"A1": wrong}
    assert sellers.new == []


@pytest.mark.parametrize(
    ("error", "wait_ms"), [(SpApiRetryableError, 300_000), (SpApiAuthorizationError, DAY_MS)]
)
async def test_what_can_not_be_asked_is_asked_again(error: type[SpApiError], wait_ms: int) -> None:
    sellers = Sellers([NEW], error("no", operation="getMarketplaceParticipations"))
    now_ms = await checked(sellers)
    assert (sellers.noted, sellers.new) == ({}, [])
    assert sellers.again_ms == {"A1": now_ms + wait_ms}
