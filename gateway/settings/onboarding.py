"""The settings about applications and sellers, and how sellers come."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr

from gateway.settings.table import Region, Table, Text
from gateway.settings.values import check_http_url

_HttpUrl = Annotated[str, AfterValidator(check_http_url)]

_HOUR = 3600.0
_DAY = 24 * _HOUR


class ApplicationSettings(Table):
    """An SP-API application, as Login with Amazon knows it."""

    id: Text = Field(description="Your name for it; sellers refer to it.")
    client_id: Text = Field(description="LWA client identifier, `amzn1.application-oa2-client.…`.")
    client_secret: SecretStr = Field(
        min_length=1, description="LWA client secret; or `client_secret_file`."
    )
    copy_secret_to: Text | None = Field(
        default=None,
        description="Name or ARN of a secret in AWS Secrets Manager; once Amazon has replaced the "
        "client secret, the new one is copied there.",
    )
    solution_id: Text | None = Field(
        default=None,
        description="Its id in Amazon's console, `amzn1.sp.solution.…`; needed for sellers to "
        "authorise it.",
    )
    draft: bool = Field(
        default=False, description="Whether it is a draft still: authorised with `version=beta`."
    )
    vendor: bool = Field(
        default=False, description="Whether vendors authorise it, at Vendor Central."
    )


class SellerSettings(Table):
    """One authorisation that a selling partner gave an application for a region."""

    id: Text = Field(description="Amazon's selling partner id, as it stands in payloads.")
    application: Text = Field(description="`id` of one of the applications.")
    region: Region = Field(description="`na`, `eu` or `fe`.")
    refresh_token: SecretStr = Field(
        min_length=1, description="LWA refresh token; or `refresh_token_file`."
    )
    marketplaces: tuple[Text, ...] = Field(
        default=(), description="Amazon's marketplace ids, such as `A1PA6795UKMFR9`."
    )
    subscription_ids: tuple[Text, ...] = Field(
        default=(),
        description="Amazon's subscription ids of this seller, for types that carry no seller.",
    )
    tags: tuple[Text, ...] = Field(
        default=(), description="Words that subscriptions and lists choose sellers by."
    )
    authorised_on: date | None = Field(
        default=None,
        description="Day on which the seller authorised a public application, so that its end "
        "after 365 days is warned of.",
    )


class OnboardingSettings(Table):
    """How sellers authorise your applications; off until `public_url` is set."""

    public_url: _HttpUrl | None = Field(
        default=None,
        description="How sellers' browsers reach the admin port's `/oauth/start` and "
        "`/oauth/callback`, such as `https://gateway.example`. `public_url/oauth/callback` is an "
        "OAuth redirect URI of your applications, `public_url/oauth/start` their login URI.",
    )
    open: bool = Field(
        default=False,
        description="Whether sellers may come without a link that you made, as from the Selling "
        "Partner Appstore. A seller who is known never can.",
    )
    done_url: _HttpUrl | None = Field(
        default=None,
        description="Where browsers go at the end, with `result` (and `reason`) in the query; a "
        "plain page unless set.",
    )
    consent_url: _HttpUrl | None = Field(
        default=None, description="In place of Seller Central: the address of a local SP-API."
    )
    state_ttl_s: float = Field(
        default=1800.0,
        ge=60,
        le=_DAY,
        description="How long a seller may take from the link's page to Amazon's answer.",
    )
    link_ttl_s: float = Field(
        default=7 * _DAY, ge=60, le=365 * _DAY, description="How long a link works."
    )
    check_every_s: float = Field(
        default=_DAY,
        ge=0,
        allow_inf_nan=False,
        description="How often Amazon is asked where each seller sells "
        "(getMarketplaceParticipations); new ones at once. 0 for never.",
    )
