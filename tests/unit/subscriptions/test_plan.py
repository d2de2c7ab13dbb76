"""What is done about the difference between declared and actual."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.subscriptions.declaration import Unit, Wanted
from gateway.subscriptions.plan import Action, ActionKind, Existing, decide

PLACES = {"main": "dest-1", "other": "dest-2"}


def directive(*types: str) -> Mapping[str, Any]:
    return {"eventFilter": {"eventFilterType": "ORDER_CHANGE", "orderChangeTypes": list(types)}}


def wanted(
    filters: Mapping[str, Any] | None = None,
    *,
    version: str = "1.0",
    destination: str = "main",
    type_: str = "ORDER_CHANGE",
) -> Wanted:
    return Wanted(
        unit=Unit(application_id="app", region="eu", seller_id="A1", type=type_),
        payload_version=version,
        destination=destination,
        directive=filters,
    )


def existing(
    subscription_id: str = "s1",
    filters: Mapping[str, Any] | None = None,
    *,
    version: str | None = "1.0",
    destination: str = "dest-1",
    managed: bool = True,
) -> Existing:
    return Existing(
        id=subscription_id,
        payload_version=version,
        destination_id=destination,
        directive=filters,
        managed=managed,
    )


def expression(text: str) -> Mapping[str, Any]:
    return {"filterExpression": text}


def only(actions: Any) -> Action:
    (action,) = actions
    return action  # type: ignore[no-any-return]


def test_what_is_missing_is_created_and_what_is_right_is_left() -> None:
    assert only(decide([wanted()], [], PLACES)).kind is ActionKind.CREATE
    left = only(decide([wanted()], [existing(managed=False)], PLACES))
    assert left.kind is ActionKind.LEAVE
    assert not left.changes


def test_the_order_in_a_filter_means_nothing() -> None:
    action = only(
        decide([wanted(directive("a", "b"))], [existing("s1", directive("b", "a"))], PLACES)
    )
    assert action.kind is ActionKind.LEAVE


def test_another_filter_is_replaced_with_a_gap() -> None:
    action = only(decide([wanted(directive("a"))], [existing("s1", directive("b"))], PLACES))
    assert (action.kind, action.gap) == (ActionKind.REPLACE, True)
    assert [one.id for one in action.existing] == ["s1"]
    assert action.reason == "another filter"


def test_another_destination_is_replaced_whoever_made_it() -> None:
    there = existing(destination="dest-2", managed=False)
    action = only(decide([wanted()], [there], PLACES))
    assert (action.kind, action.gap) == (ActionKind.REPLACE, True)
    assert action.reason == "another destination"


def test_a_destination_that_is_not_there_yet_is_never_taken_for_the_same() -> None:
    action = only(decide([wanted(destination="new")], [existing()], PLACES))
    assert action.kind is ActionKind.REPLACE


def test_another_expression_or_version_is_made_before_the_old_one_goes() -> None:
    for old, new in (
        (existing("s1", expression("a == 1")), wanted(expression("a == 2"))),
        (existing("s1", version="1.0"), wanted(version="2.0")),
    ):
        action = only(decide([new], [old], PLACES))
        assert (action.kind, action.gap) == (ActionKind.REPLACE, False)


def test_somebody_elses_subscription_beside_ours_is_left_alone() -> None:
    theirs = existing("s1", expression("a == 1"), managed=False)
    created, named = decide([wanted(expression("a == 2"))], [theirs], PLACES)
    assert (created.kind, named.kind) == (ActionKind.CREATE, ActionKind.UNMANAGED)
    assert named.reason == "was never declared"


def test_a_subscription_without_expression_replaces_all_that_are_in_its_way() -> None:
    there = [existing("s1", expression("a == 1")), existing("s2", expression("a == 2"))]
    action = only(decide([wanted()], there, PLACES))
    assert (action.kind, action.gap) == (ActionKind.REPLACE, True)
    assert [one.id for one in action.existing] == ["s1", "s2"]


def test_what_is_not_declared_goes_only_when_asked() -> None:
    named = only(decide([], [existing()], PLACES))
    assert (named.kind, named.reason) == (ActionKind.UNMANAGED, "is no longer declared")
    assert only(decide([], [existing()], PLACES, prune=True)).kind is ActionKind.DELETE


def test_each_shipment_has_a_subscription_of_its_own() -> None:
    def tracking(number: str) -> Mapping[str, Any]:
        return {"eventFilter": {"trackingIdentifier": {"aftn": number}}}

    new = wanted(tracking("2"), type_="SHIPMENT_TRACKING_MILESTONE_CHANGED")
    created, named = decide([new], [existing("s1", tracking("1"))], PLACES)
    assert (created.kind, named.kind) == (ActionKind.CREATE, ActionKind.UNMANAGED)
