"""Amazon's side made as declared, and kept so, against the local SP-API."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from gateway.errors import ConfigurationError, ConflictError
from gateway.model import UsagePlan
from gateway.simulator.server import Simulator
from gateway.simulator.spapi.accounts import Seller
from gateway.subscriptions.plan import ActionKind
from gateway.subscriptions.reconciling import Mode, Report, Scope
from tests.integration.subscriptions.world import (
    HEALTH,
    MAIN,
    NOTIFICATIONS,
    ORDERS,
    World,
    open_world,
)

PLANS = {name: UsagePlan(rate_per_s=1000, burst=10_000) for name in NOTIFICATIONS}
SELLERS = 12
LISTINGS = {"type": "LISTINGS_ITEM_STATUS_CHANGE", "destination": "bus"}


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with (
        Simulator(usage_plans=PLANS, strict=True) as simulator,
        open_world(tmp_path, simulator, sweep={"types": ["ORDER_CHANGE"]}) as opened,
    ):
        yield opened


def kinds(report: Report) -> dict[str, int]:
    counted: dict[str, int] = {}
    for outcome in report.outcomes:
        for one in outcome.done:
            counted[one.action.kind.value] = counted.get(one.action.kind.value, 0) + 1
    return counted


def faults(report: Report) -> list[str]:
    return [one.fault for one in report.outcomes if one.fault]


async def test_a_second_apply_changes_nothing(world: World) -> None:
    report = await world.run(ORDERS, HEALTH, LISTINGS)
    known = await world.store.destinations.list()
    assert {one.region for one in known} == {"na", "eu", "fe"}
    assert {(one.kind, one.declared, one.fault) for one in known} == {
        ("sqs", "main", None),
        ("eventBridge", "bus", None),
    }
    assert kinds(report) == {"create": 3 * SELLERS}
    assert report.through
    assert len(world.there()) == 3 * SELLERS
    places = {one.event_bridge for one in world.simulator.apis.destinations.all()}
    assert places == {True, False}
    created = world.calls("createSubscription")
    again = await world.run(ORDERS, HEALTH, LISTINGS)
    assert kinds(again) == {"leave": 3 * SELLERS}
    assert not any(one.drifted for one in again.outcomes)
    assert (world.calls("createSubscription"), world.calls("deleteSubscriptionById")) == (
        created,
        0,
    )


async def test_subscription_ids_are_known_as_the_sellers(world: World) -> None:
    await world.run(HEALTH)
    known = await world.store.subscriptions.list(limit=100)
    assert {(one.id, one.seller_id) for one in known} == {
        (one.id, one.seller) for one in world.there()
    }


async def test_a_plan_changes_nothing_and_says_what_an_apply_would(world: World) -> None:
    report = await world.run(ORDERS, mode=Mode.PLAN)
    assert kinds(report) == {"create": SELLERS}
    assert [one.action for one in report.destinations] == ["create"] * 3
    assert world.there() == []
    assert world.simulator.apis.destinations.all() == ()
    assert (await world.store.subscriptions.known()).units == {}


async def test_a_changed_filter_is_replaced_and_its_gap_swept(world: World) -> None:
    await world.run(ORDERS)
    before = {one.id for one in world.there()}
    changed = ORDERS | {"filter": {"order_change_types": ["BuyerRequestedChange"]}}
    planned = await world.run(changed, mode=Mode.PLAN)
    assert kinds(planned) == {"replace": SELLERS}
    assert all(one.action.gap for each in planned.outcomes for one in each.done)
    report = await world.run(changed)
    assert kinds(report) == {"replace": SELLERS}
    assert not before & {one.id for one in world.there()}
    assert {str(one.directive) for one in world.there()} == {
        str(
            {
                "eventFilter": {
                    "eventFilterType": "ORDER_CHANGE",
                    "orderChangeTypes": ["BuyerRequestedChange"],
                }
            }
        )
    }
    assert all(one.gap_ms is not None and one.swept for one in report.outcomes)
    assert not any(one.drifted for one in report.outcomes)  # the declaration changed, not Amazon
    asked = await world.store.jobs.list(job="sweep", limit=100)
    assert len(asked) == SELLERS
    assert kinds(await world.run(changed)) == {"leave": SELLERS}


async def test_another_expression_is_made_before_the_old_one_goes(world: World) -> None:
    one = HEALTH | {"filter_expression": "issueType == 'BuyBoxDisqualification'"}
    other = HEALTH | {"filter_expression": "issueType != 'BuyBoxDisqualification'"}
    await world.run(one)
    world.simulator.faults.add("status=400", operation="createSubscription", times=SELLERS)
    refused = await world.run(other)
    assert len(faults(refused)) == SELLERS
    assert len(world.there()) == SELLERS  # nothing was deleted for what was not made
    report = await world.run(other)
    assert kinds(report) == {"replace": SELLERS}
    assert all(each.gap_ms is None for each in report.outcomes)
    assert len(world.there()) == SELLERS


async def test_a_subscription_deleted_behind_our_back_comes_back(world: World) -> None:
    await world.run(ORDERS, HEALTH)
    lost = world.there("ORDER_CHANGE")[0]
    world.forget(lost.id)
    report = await world.run(ORDERS, HEALTH)
    assert kinds(report) == {"create": 1, "leave": 2 * SELLERS - 1}
    (mended,) = [one for one in report.outcomes if one.drifted]
    assert mended.task.unit.seller_id == lost.seller
    assert mended.swept
    assert mended.gap_ms is not None
    (back,) = [one for one in world.there("ORDER_CHANGE") if one.seller == lost.seller]
    assert back.id != lost.id
    known = await world.store.subscriptions.find(lost.id)
    assert known is not None
    assert known.seller_id == lost.seller  # what was sent for it before may still arrive


async def test_what_is_not_declared_is_named_and_goes_only_when_asked(world: World) -> None:
    await world.run(ORDERS, HEALTH)
    named = await world.run(HEALTH)
    assert kinds(named) == {"leave": SELLERS, "unmanaged": SELLERS}
    assert len(world.there()) == 2 * SELLERS
    pruned = await world.run(HEALTH, scope=Scope(prune=True))
    assert kinds(pruned) == {"leave": SELLERS, "delete": SELLERS}
    assert {one.type for one in world.there()} == {"PRICING_HEALTH"}


async def test_what_others_made_is_found_where_every_type_is_looked_at(world: World) -> None:
    await world.run(HEALTH)
    place = world.there()[0].destination
    seller = world.simulator.sellers[0]
    calls = world.client.for_seller(seller.id)
    await calls.notifications.create_subscription("TRANSACTION_UPDATE", place)
    scope = Scope(every_type=True, seller_ids=frozenset({seller.id}))
    report = await world.run(HEALTH, mode=Mode.PLAN, scope=scope)
    assert kinds(report) == {"leave": 1, "unmanaged": 1}
    (found,) = [
        one.action
        for each in report.outcomes
        for one in each.done
        if one.action.kind is ActionKind.UNMANAGED
    ]
    assert found.reason == "was never declared"


async def test_what_is_there_already_is_taken_over(world: World) -> None:
    await world.run(HEALTH)
    created = world.calls("createSubscription")
    for one in world.there():
        await world.store.subscriptions.gone(one.id)
    report = await world.run(HEALTH)
    assert kinds(report) == {"leave": SELLERS}
    assert world.calls("createSubscription") == created
    assert len((await world.store.subscriptions.known()).managed) == SELLERS


async def test_a_refusal_is_told_with_what_it_means_and_stops_nobody_else(world: World) -> None:
    refused, *others = world.simulator.sellers
    world.simulator.faults.add(
        "status=403", operation="createSubscription", seller=refused.id, times=2
    )
    report = await world.run(ORDERS)
    (fault,) = faults(report)
    assert "lacks the role for ORDER_CHANGE" in fault
    assert len(world.there()) == len(others)
    again = await world.run(ORDERS)
    assert faults(again) == []
    assert len(world.there()) == SELLERS


async def test_what_can_not_be_replaced_is_put_back(world: World) -> None:
    await world.run(ORDERS)
    world.simulator.faults.add("status=400", operation="createSubscription", times=SELLERS)
    changed = ORDERS | {"filter": {"order_change_types": ["DeliveryTipChange"]}}
    report = await world.run(changed, concurrency=1)
    # Each creation that was refused is followed by one that puts the old one back, of which the
    # faults strike every other.
    assert len(faults(report)) >= SELLERS // 2
    again = await world.run(changed)
    assert faults(again) == []
    assert {str(one.directive) for one in world.there()} == {
        str(
            {
                "eventFilter": {
                    "eventFilterType": "ORDER_CHANGE",
                    "orderChangeTypes": ["DeliveryTipChange"],
                }
            }
        )
    }


async def test_an_answer_that_was_lost_is_looked_for_and_nothing_made_twice(world: World) -> None:
    world.simulator.faults.add("status=500", operation="createSubscription", times=3)
    report = await world.run(ORDERS)
    assert faults(report) == []
    assert len(world.there()) == SELLERS


async def test_a_paused_seller_is_named_and_not_called(world: World) -> None:
    paused = world.simulator.sellers[0].id
    await world.store.sellers.pause(paused, "revoked")
    report = await world.run(ORDERS)
    (fault,) = faults(report)
    assert "paused" in fault
    assert len(world.there()) == SELLERS - 1


async def test_with_faults_in_the_declaration_nothing_is_called(world: World) -> None:
    with pytest.raises(ConfigurationError, match="without a filter"):
        await world.run({"type": "ORDER_CHANGE", "destination": "main"})
    with pytest.raises(ConfigurationError, match="no such seller"):
        await world.run(HEALTH | {"sellers": ["A9"]})
    assert world.simulator.calls == {}


async def test_two_never_go_through_at_once(world: World) -> None:
    begun = await world.store.subscription_runs.begin("replica-2", "d")
    assert begun is not None
    with pytest.raises(ConflictError, match="replica-2 goes through"):
        await world.run(HEALTH)
    assert world.there() == []
    assert kinds(await world.run(HEALTH, mode=Mode.PLAN)) == {"create": SELLERS}
    await world.store.subscription_runs.release("replica-2", through=False)
    assert kinds(await world.run(HEALTH)) == {"create": SELLERS}


async def test_a_destination_that_can_not_be_made_is_told_for_all_who_need_it(
    world: World,
) -> None:
    world.simulator.faults.add("status=400", operation="createDestination")
    report = await world.run(HEALTH)
    assert all('destination "main"' in fault for fault in faults(report))
    assert all("437568002678" in str(one.fault) for one in report.destinations)
    assert world.calls("createSubscription") == 0


FIVE: list[dict[str, Any]] = [
    ORDERS,
    {
        "type": [
            "PRICING_HEALTH",
            "TRANSACTION_UPDATE",
            "REPORT_PROCESSING_FINISHED",
            "FEED_PROCESSING_FINISHED",
        ],
        "destination": "main",
    },
]


async def test_an_interrupted_apply_of_many_goes_on_where_it_stopped(tmp_path: Path) -> None:
    """300 sellers, five types each, at Amazon's own plan of one call a second for each seller."""
    sellers = [
        Seller(id=f"A1MANY{number:05d}", region="eu", refresh_token=f"Atzr|many-{number}")
        for number in range(300)
    ]
    async with (
        Simulator(sellers=sellers, strict=True) as simulator,
        open_world(tmp_path, simulator, fast=False) as world,
    ):
        first = await world.run(
            *FIVE,
            destinations=[MAIN],
            concurrency=100,
            stopped=lambda: len(world.there()) >= 400,
        )
        made = len(world.there())
        assert not first.through
        assert 400 <= made < 600
        assert len(first.outcomes) == made
        second = await world.run(*FIVE, destinations=[MAIN], concurrency=100)
        assert second.through
        assert (second.total, second.passed_over) == (1500, made)
        assert kinds(second) == {"create": 1500 - made}
        assert len(world.there()) == 1500
        assert len({(one.seller, one.type) for one in world.there()}) == 1500
        assert world.calls("createSubscription") == 1500
        assert world.calls("getSubscriptions") == 1500
        assert world.throttled() == 0


async def test_a_look_that_only_tells_changes_nothing_and_keeps_what_it_saw(world: World) -> None:
    await world.run(ORDERS)
    lost = world.there()[0]
    world.forget(lost.id)
    told = await world.run(ORDERS, mode=Mode.TELL)
    (differs,) = [one for one in told.outcomes if one.fault]
    assert differs.fault == "differs from the declaration (create: there is none)"
    assert differs.news
    assert len(world.there()) == SELLERS - 1
    again = await world.run(ORDERS, mode=Mode.TELL)
    assert [one.news for one in again.outcomes if one.fault] == [False]
    mended = await world.run(ORDERS)
    assert kinds(mended) == {"create": 1, "leave": SELLERS - 1}
    assert len((await world.store.subscriptions.known()).managed) == SELLERS
