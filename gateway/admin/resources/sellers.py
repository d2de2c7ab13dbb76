"""Sellers over HTTP: listed in pages, added, tagged, paused, and led to Amazon's consent by links.

A refresh token goes in and never comes out. For operators.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import Field, SecretStr, StringConstraints

from gateway.access import Scope
from gateway.admin.api import Api
from gateway.admin.audit import entry
from gateway.admin.fields import NO_CONTROLS, Given, Line, Shown, Time, Word
from gateway.admin.paging import Page, PageQuery, page_of
from gateway.admin.routes import Call, Route
from gateway.admin.showing import shown
from gateway.authorisations import ends_at_ms
from gateway.clock import rfc3339
from gateway.errors import InvalidInputError, NotFoundError
from gateway.model import PausedBy, Seller, SellerState
from gateway.onboarding.consoles import marketplace_named
from gateway.onboarding.tickets import intent_of
from gateway.store.sellers import SellerFilter, SellerView

_LINK_DAYS_MAX: Final = 365
_DAY_S: Final = 86_400.0
_MARKETPLACES_MAX: Final = 50
_TAGS_MAX: Final = 50

SellerId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,64}$")]
RegionName = Literal["na", "eu", "fe"]
Tag = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=NO_CONTROLS)]
Tags = Annotated[list[Tag], Field(max_length=_TAGS_MAX)]
Marketplaces = Annotated[list[Word], Field(max_length=_MARKETPLACES_MAX)]


class SellerShown(Shown):
    """What a seller authorised for one region."""

    id: str
    region: RegionName
    application_id: str
    state: SellerState
    paused_reason: str | None
    paused_by: PausedBy | None = Field(
        description="The gateway's pause ends with a new authorisation, an operator's when resumed."
    )
    marketplace_ids: list[str]
    tags: list[str]
    authorised_at: Time | None = Field(description="Null where nobody said.")
    authorised_until: Time | None = Field(description="365 days later.")
    checked_at: Time | None = Field(description="When Amazon was last asked where it sells.")
    check_fault: str | None = Field(description="What Amazon says that differs.")


class SellerDetail(Shown):
    """A seller's authorisations, one for each region."""

    id: str
    authorisations: list[SellerShown]


class SellersQuery(PageQuery):
    """Which sellers."""

    application_id: Word | None = None
    region: RegionName | None = None
    state: SellerState | None = None
    tag: Tag | None = None


class NewSeller(Given):
    """An authorisation to be added; one of the same seller and region is replaced."""

    id: SellerId
    region: RegionName
    application_id: Word = Field(description="One of those in the settings.")
    refresh_token: Annotated[SecretStr, Field(min_length=1, max_length=4_096)]
    marketplace_ids: Marketplaces = Field(default=[], description="Amazon is asked without any.")
    tags: Tags = Field(default=[], description="Words to choose it by.")


class SellerChange(Given):
    """What is to be another way."""

    region: RegionName | None = Field(default=None, description="Only there; left out for all.")
    add_tags: Tags = Field(default=[])
    remove_tags: Tags = Field(default=[])
    marketplace_ids: Marketplaces | None = None


class RemovalQuery(Given):
    """What of a seller is to be forgotten."""

    region: RegionName | None = Field(default=None, description="Only there; left out for all.")
    leave_subscriptions: bool = Field(
        default=False, description="Even where Amazon would go on sending for it."
    )


class Pause(Given):
    """Why no call is to be made."""

    reason: Line = Field(default="by the operator", description="Shown beside the seller.")


class LinkWanted(Given):
    """Whom a link is for."""

    application_id: Word | None = Field(
        default=None, description="May be left out where there is one."
    )
    marketplace: Word | None = Field(
        default=None, description="Where the seller signs in: Amazon's id, or a country as DE."
    )
    region: RegionName | None = Field(default=None, description="Where no marketplace is given.")
    seller_id: SellerId | None = Field(
        default=None, description="Only for this seller, who is known; left out for new ones."
    )
    tags: Tags = Field(default=[], description="What the seller is found by afterwards.")
    days: float = Field(default=7, gt=0, le=_LINK_DAYS_MAX, allow_inf_nan=False)


class LinkShown(Shown):
    """Where the seller's browser begins; for whoever has it."""

    url: str
    application_id: str
    region: RegionName | None
    seller_id: str | None
    expires_at: Time


async def _list(api: Api, call: Call) -> Page[SellerShown]:
    query = call.query(SellersQuery)
    wanted = SellerFilter(
        application_id=query.application_id,
        region=query.region,
        state=query.state.value if query.state else None,
        tag=query.tag,
    )
    return await page_of(
        query.cursor,
        query.limit,
        lambda after, limit: api.store.sellers.list(wanted, after=after, limit=limit),
        _shown,
        lambda one: one.cursor,
    )


async def _show(api: Api, call: Call) -> SellerDetail:
    return await _detail(api, call.path["seller_id"])


async def _add(api: Api, call: Call) -> SellerDetail:
    given = call.body(NewSeller)
    if await api.store.sellers.application(given.application_id) is None:
        raise InvalidInputError(f"application_id: there is no {given.application_id!r}")
    told = given.model_dump(exclude={"id", "refresh_token"})
    noted = entry(
        api,
        call,
        "seller.add",
        given.id,
        changes={name: {"from": None, "to": value} for name, value in told.items() if value},
    )
    seller = Seller(
        id=given.id,
        region=given.region,
        application_id=given.application_id,
        refresh_token=given.refresh_token.get_secret_value(),
        marketplace_ids=tuple(given.marketplace_ids),
        tags=tuple(sorted(set(given.tags))),
    )
    await api.store.changing(noted).sellers.put_seller(seller)
    return await _detail(api, given.id)


async def _update(api: Api, call: Call) -> SellerDetail:
    seller_id, given = call.path["seller_id"], call.body(SellerChange)
    told = given.model_dump(exclude_defaults=True)
    noted = entry(
        api,
        call,
        "seller.update",
        seller_id,
        changes={name: {"from": None, "to": value} for name, value in told.items()},
    )
    await api.store.changing(noted).sellers.change(
        seller_id,
        region=given.region,
        tag=given.add_tags,
        untag=given.remove_tags,
        marketplace_ids=given.marketplace_ids,
    )
    return await _detail(api, seller_id)


async def _remove(api: Api, call: Call) -> SellerDetail:
    seller_id, query = call.path["seller_id"], call.query(RemovalQuery)
    removed = await _detail(api, seller_id)
    changes = {"region": {"from": query.region, "to": None}} if query.region else {}
    noted = entry(api, call, "seller.remove", seller_id, changes=changes)
    await api.store.changing(noted).sellers.remove(
        seller_id, region=query.region, leave_subscriptions=query.leave_subscriptions
    )
    gone = [one for one in removed.authorisations if query.region in {None, one.region}]
    return SellerDetail(id=seller_id, authorisations=gone)


async def _pause(api: Api, call: Call) -> SellerDetail:
    seller_id, reason = call.path["seller_id"], call.body(Pause).reason
    changes = {"paused_reason": {"from": None, "to": reason}}
    noted = entry(api, call, "seller.pause", seller_id, changes=changes)
    await api.store.changing(noted).sellers.pause(seller_id, reason, by=PausedBy.OPERATOR)
    return await _detail(api, seller_id)


async def _resume(api: Api, call: Call) -> SellerDetail:
    seller_id = call.path["seller_id"]
    noted = entry(api, call, "seller.resume", seller_id)
    await api.store.changing(noted).sellers.resume(seller_id)
    return await _detail(api, seller_id)


async def _link(api: Api, call: Call) -> LinkShown:
    wanted = call.body(LinkWanted)
    known = await api.store.sellers.of(wanted.seller_id) if wanted.seller_id else ()
    if wanted.seller_id and not known:
        raise NotFoundError(f"there is no seller {wanted.seller_id}")
    intent = intent_of(
        api.links.applications,
        known,
        application=wanted.application_id,
        place=marketplace_named(wanted.marketplace) if wanted.marketplace else None,
        region=wanted.region,
        tags=wanted.tags,
    )
    ttl_s = wanted.days * _DAY_S
    url = api.links.make(intent, ttl_s=ttl_s)
    if url is None:
        raise InvalidInputError("onboarding.public_url is not set in the settings")
    made = LinkShown(
        url=url,
        application_id=intent.application_id,
        region=intent.region,
        seller_id=intent.seller_id,
        expires_at=rfc3339(api.clock.now_ms() + round(ttl_s * 1000)),
    )
    told = made.model_dump(exclude={"url"}, exclude_none=True)
    changes = {name: {"from": None, "to": value} for name, value in told.items()}
    about = intent.seller_id or intent.application_id
    await api.store.audit.add(entry(api, call, "seller.link", about, changes=changes))
    return made


async def _detail(api: Api, seller_id: str) -> SellerDetail:
    found = await api.store.sellers.list(SellerFilter(seller_id=seller_id))
    if not found:
        raise NotFoundError(f"there is no seller {seller_id}")
    return SellerDetail(id=seller_id, authorisations=[_shown(one) for one in found])


def _shown(view: SellerView) -> SellerShown:
    at_ms = view.authorised_at_ms
    until = None if at_ms is None else rfc3339(ends_at_ms(at_ms))
    return shown(SellerShown, view, authorised_until=until)


ROUTES: Final = (
    Route(
        method="GET",
        path="/v1/sellers",
        name="list_sellers",
        tag="sellers",
        summary="List sellers, one for each region that they authorised",
        scope=Scope.READ,
        operators_only=True,
        query=SellersQuery,
        answer=Page[SellerShown],
        handler=_list,
    ),
    Route(
        method="POST",
        path="/v1/sellers",
        name="add_seller",
        tag="sellers",
        summary="Add a seller's authorisation, or replace the one of its region",
        scope=Scope.ADMIN,
        operators_only=True,
        body=NewSeller,
        answer=SellerDetail,
        status=201,
        handler=_add,
    ),
    Route(
        method="GET",
        path="/v1/sellers/{seller_id}",
        name="show_seller",
        tag="sellers",
        summary="Show a seller's authorisations",
        scope=Scope.READ,
        operators_only=True,
        answer=SellerDetail,
        handler=_show,
    ),
    Route(
        method="PATCH",
        path="/v1/sellers/{seller_id}",
        name="update_seller",
        tag="sellers",
        summary="Change a seller's tags and marketplaces",
        scope=Scope.WRITE,
        operators_only=True,
        body=SellerChange,
        answer=SellerDetail,
        handler=_update,
    ),
    Route(
        method="DELETE",
        path="/v1/sellers/{seller_id}",
        name="remove_seller",
        tag="sellers",
        summary="Forget a seller; one that stands in the settings comes back at the next start",
        scope=Scope.ADMIN,
        operators_only=True,
        query=RemovalQuery,
        answer=SellerDetail,
        refusals=frozenset({409}),
        handler=_remove,
    ),
    Route(
        method="POST",
        path="/v1/sellers/{seller_id}/pause",
        name="pause_seller",
        tag="sellers",
        summary="Make no follow-up calls for a seller until it is resumed",
        scope=Scope.WRITE,
        operators_only=True,
        body=Pause,
        answer=SellerDetail,
        handler=_pause,
    ),
    Route(
        method="POST",
        path="/v1/sellers/{seller_id}/resume",
        name="resume_seller",
        tag="sellers",
        summary="Make follow-up calls again; what waited is due at once",
        scope=Scope.WRITE,
        operators_only=True,
        answer=SellerDetail,
        handler=_resume,
    ),
    Route(
        method="POST",
        path="/v1/authorization-links",
        name="make_authorization_link",
        tag="sellers",
        summary="Make a link by which a seller authorises an application",
        scope=Scope.ADMIN,
        operators_only=True,
        body=LinkWanted,
        answer=LinkShown,
        status=201,
        refusals=frozenset({404}),
        handler=_link,
    ),
)
