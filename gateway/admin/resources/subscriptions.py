"""Amazon's subscriptions and destinations over HTTP: as they were seen last, and as declared.

Nothing here calls Amazon: a running gateway does, and may be asked to at once. For operators.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any, Final

from pydantic import Field

from gateway.access import Scope
from gateway.admin.api import Api
from gateway.admin.audit import entry
from gateway.admin.fields import Shown, Time, Word
from gateway.admin.paging import Page, PageQuery, page_asked, page_of
from gateway.admin.routes import Call, Route
from gateway.admin.showing import shown
from gateway.clock import rfc3339
from gateway.errors import ConflictError
from gateway.store.subscriptions import SubscriptionView
from gateway.subscriptions.standing import Standing, UnitStanding, standings


class SubscriptionShown(Shown):
    """A subscription that Amazon has, as it was seen last."""

    id: str = Field(description="Amazon's.")
    application_id: str | None
    region: str | None
    seller_id: str
    type: str | None
    payload_version: str | None
    destination_id: str | None
    directive: dict[str, Any] | None = Field(description="Amazon's processingDirective.")
    managed_since: Time | None = Field(description="Null where nobody declared it.")
    seen_at: Time | None


class StandingShown(Shown):
    """What is declared for a seller and type, and how it stands."""

    application_id: str
    region: str
    seller_id: str
    type: str
    destinations: list[str] = Field(description="By their names in the settings.")
    standing: Standing = Field(
        description="settled, pending (the next run makes it so), faulty (it could not)."
    )
    reason: str | None
    settled_at: Time | None = Field(description="When it was found or made as declared last.")
    gap_since: Time | None = Field(description="Set while nothing arrives.")


class ReconcileAsked(Shown):
    """A run that a running gateway will make."""

    asked_at: Time


class DestinationShown(Shown):
    """A destination as it was seen last, or one that is declared and does not exist."""

    id: str = Field(description="Amazon's; `missing.…` of one that does not exist.")
    application_id: str
    region: str
    name: str | None = Field(description="Its name at Amazon.")
    kind: str | None = Field(description="sqs, eventBridge, or what Amazon calls it.")
    place: str | None = Field(description="ARN of the queue, or account and region of the bus.")
    declared: str | None = Field(description="Its name in the settings.")
    fault: str | None = Field(description="Why it does not exist.")
    seen_at: Time


class SubscriptionsQuery(PageQuery):
    """Which subscriptions."""

    seller_id: Word | None = None
    type: Word | None = None


class PlanQuery(SubscriptionsQuery):
    """Which of what is declared."""

    standing: Standing | None = None


async def _list(api: Api, call: Call) -> Page[SubscriptionShown]:
    query = call.query(SubscriptionsQuery)
    return await page_of(
        query.cursor,
        query.limit,
        lambda after, limit: api.store.subscriptions.list(
            after=after, limit=limit, seller_id=query.seller_id, notification_type=query.type
        ),
        _shown,
        lambda one: one.id,
    )


def _shown(one: SubscriptionView) -> SubscriptionShown:
    return shown(SubscriptionShown, one, directive=json.loads(one.directive or "{}") or None)


async def _plan(api: Api, call: Call) -> Page[StandingShown]:
    query = call.query(PlanQuery)
    known = await api.store.subscriptions.known()
    sellers = [
        one for one in await api.store.sellers.sellers() if query.seller_id in {None, one.id}
    ]
    # Those of thousands of sellers take a moment, which nobody else must wait for.
    every = await asyncio.to_thread(standings, api.amazon.declared, sellers, known)

    async def fetch(after: str | None, limit: int) -> list[UnitStanding]:
        chosen = (
            one
            for one in every
            if (after is None or one.cursor > after)
            and query.type in {None, one.unit.type}
            and query.standing in {None, one.standing}
        )
        return [one for one, _ in zip(chosen, range(limit), strict=False)]

    return await page_of(query.cursor, query.limit, fetch, _standing_shown, lambda one: one.cursor)


def _standing_shown(one: UnitStanding) -> StandingShown:
    return shown(
        StandingShown,
        one,
        application_id=one.unit.application_id,
        region=one.unit.region,
        seller_id=one.unit.seller_id,
        type=one.unit.type,
    )


async def _reconcile(api: Api, call: Call) -> ReconcileAsked:
    if not api.amazon.reconciles:
        raise ConflictError(
            "no gateway keeps subscriptions as declared here: declare some, and set "
            "reconcile.every_s to more than 0"
        )
    noted = entry(api, call, "subscription.reconcile", "subscriptions")
    asked_ms = await api.store.changing(noted).subscription_runs.ask()
    return ReconcileAsked(asked_at=rfc3339(asked_ms))


async def _destinations(api: Api, call: Call) -> Page[DestinationShown]:
    cursor, limit = page_asked(call)
    return await page_of(
        cursor,
        limit,
        lambda after, most: api.store.destinations.list(after=after, limit=most),
        lambda one: shown(DestinationShown, one),
        lambda one: one.cursor,
    )


ROUTES: Final = (
    Route(
        method="GET",
        path="/v1/subscriptions",
        name="list_subscriptions",
        tag="amazon",
        summary="List Amazon's subscriptions as they were seen last",
        scope=Scope.READ,
        operators_only=True,
        query=SubscriptionsQuery,
        answer=Page[SubscriptionShown],
        handler=_list,
    ),
    Route(
        method="GET",
        path="/v1/subscriptions/plan",
        name="plan_subscriptions",
        tag="amazon",
        summary="Show what is declared for each seller and type, and how it stands",
        scope=Scope.READ,
        operators_only=True,
        query=PlanQuery,
        answer=Page[StandingShown],
        handler=_plan,
    ),
    Route(
        method="POST",
        path="/v1/subscriptions/reconcile",
        name="reconcile_subscriptions",
        tag="amazon",
        summary="Have a running gateway make Amazon's side as declared, at once",
        scope=Scope.ADMIN,
        operators_only=True,
        answer=ReconcileAsked,
        status=202,
        refusals=frozenset({409}),
        handler=_reconcile,
    ),
    Route(
        method="GET",
        path="/v1/destinations",
        name="list_destinations",
        tag="amazon",
        summary="List Amazon's destinations as they were seen last, and those that are missing",
        scope=Scope.READ,
        operators_only=True,
        query=PageQuery,
        answer=Page[DestinationShown],
        handler=_destinations,
    ),
)
