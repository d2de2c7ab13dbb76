"""Login with Amazon (LWA): which access token a call carries.

It decides how a token is asked for, by a seller's refresh token or by the application's own name,
and what Amazon's refusals mean. `tokens` keeps them. It never decides whether a call is repeated.

A refused refresh token (`invalid_grant`) pauses the seller, so that nobody hammers Amazon with it.

Sources: Amazon's pages "Connect to the SP-API" and "Authorize with LWA".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode

import orjson
import structlog

from gateway.clock import Clock
from gateway.errors import (
    GatewayError,
    SecretExpiredError,
    SpApiAuthorizationError,
    SpApiError,
    SpApiRequestError,
    SpApiRetryableError,
)
from gateway.model import Application, Seller
from gateway.spapi.directory import SellerDirectory
from gateway.spapi.skew import ClockSkew
from gateway.spapi.tokens import AccessToken, Issued, TokenCache, TokenOwner
from gateway.spapi.transport import Request, Response, Transport

LWA_ENDPOINT = "https://api.amazon.com/auth/o2/token"
"""Amazon's token endpoint, one for all regions."""

ALSO_BY_SELLER = frozenset({"notifications.v1.deleteSubscriptionById"})
"""Grantless operations that Amazon refuses for some objects, and then takes a seller's token.

deleteSubscriptionById is documented as grantless, but subscriptions of some notification types are
answered with 403 unless the seller's own token comes with it.
"""

OPERATION = "lwa.token"
"""What errors of this module name as their operation."""

_log: structlog.stdlib.BoundLogger = structlog.get_logger("gateway.spapi")

_ADVICE = {
    "invalid_grant": "the seller revoked the authorisation or it is over a year old: "
    "have the seller authorise the application again",
    "invalid_client": "client_id or client_secret of the application is wrong",
    "unauthorized_client": "the application may not ask for this token: the refresh token belongs "
    "to another application, or grantless operations are not open to it",
    "invalid_scope": "Amazon grants this application no such scope: grantless operations need a "
    "role that has them",
}
_EXPIRED_SECRET = "the application's client secret has expired: rotate it and store the new one"  # noqa: S105


class LwaTokens:
    """Access tokens of Login with Amazon.

    Attributes:
        cache: Where they are kept, in memory only.
    """

    def __init__(
        self,
        *,
        transport: Transport,
        directory: SellerDirectory,
        clock: Clock,
        endpoint: str = LWA_ENDPOINT,
        on_skew: Callable[[float], None] = lambda ahead_s: None,  # noqa: ARG005 nobody asks
    ) -> None:
        """Bind what tokens are asked with.

        Args:
            transport: Sends the requests.
            directory: Knows applications, and pauses sellers.
            clock: For the tokens' lives.
            endpoint: Whole URL of Amazon's token endpoint.
            on_skew: Told how many seconds this machine's clock is ahead of Amazon's.
        """
        self.cache = TokenCache(clock)
        self._clock = clock
        self._transport = transport
        self._directory = directory
        self._endpoint = endpoint
        self._skew = ClockSkew(clock, on_skew)

    async def for_seller(self, seller: Seller) -> AccessToken:
        """Return a token for the seller's own calls.

        Raises:
            SpApiAuthorizationError: Amazon refuses the refresh token or the application.
            SpApiRetryableError: No token now.
        """
        owner = TokenOwner(
            application_id=seller.application_id, seller_id=seller.id, region=seller.region
        )
        form = {"grant_type": "refresh_token", "refresh_token": seller.refresh_token}
        return await self.cache.get(owner, seller.refresh_token, lambda: self._issue(owner, form))

    async def for_application(self, application_id: str, scope: str) -> AccessToken:
        """Return a token for grantless operations of `scope`.

        Raises:
            SpApiAuthorizationError: Amazon refuses the application or the scope.
            SpApiRetryableError: No token now.
        """
        owner = TokenOwner(application_id=application_id, scope=scope)
        form = {"grant_type": "client_credentials", "scope": scope}
        return await self.cache.get(owner, "", lambda: self._issue(owner, form))

    async def redeem(self, application_id: str, code: str, *, redirect_uri: str) -> str:
        """Return the refresh token that a seller's authorisation code is good for, once.

        Args:
            application_id: Whom the seller authorised.
            code: `spapi_oauth_code`, which Amazon takes for five minutes.
            redirect_uri: Where the code came to.

        Raises:
            NotFoundError: There is no such application.
            SpApiAuthorizationError: The code has expired or was used (`invalid_grant`), or the
                application is refused.
            SpApiRetryableError: No answer now.
        """
        owner = TokenOwner(application_id=application_id)
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri}
        response, answer = await self._answered(owner, form)
        if response.status != 200:
            raise await self._refusal(owner, response, answer)
        token = answer.get("refresh_token")
        if not isinstance(token, str) or not token:
            raise SpApiRetryableError(
                f"Login with Amazon's answer for {_name(owner)} holds no refresh token",
                operation=OPERATION,
                status=response.status,
            )
        return token

    async def _issue(self, owner: TokenOwner, form: Mapping[str, str]) -> Issued:
        response, answer = await self._answered(owner, form)
        if response.status != 200:
            raise await self._refusal(owner, response, answer)
        value = answer.get("access_token")
        if not isinstance(value, str) or not value:
            raise SpApiRetryableError(
                f"Login with Amazon's answer for {_name(owner)} holds no access token; try later",
                operation=OPERATION,
                seller_id=owner.seller_id,
                status=response.status,
            )
        return Issued(value=value, life=answer.get("expires_in"))

    async def _answered(
        self, owner: TokenOwner, form: Mapping[str, str]
    ) -> tuple[Response, Mapping[str, Any]]:
        application = await self._directory.application(owner.application_id)
        response, answer = await self._asked(application, owner, form, application.client_secret)
        if _secret_refused(response, answer) and (old := self._old_secret(application)):
            # A secret that was rotated a moment ago may be unknown to some of Amazon's hosts.
            response, answer = await self._asked(application, owner, form, old)
        return response, answer

    async def _asked(
        self, application: Application, owner: TokenOwner, form: Mapping[str, str], secret: str
    ) -> tuple[Response, Mapping[str, Any]]:
        fields = {**form, "client_id": application.client_id, "client_secret": secret}
        response = await self._transport.send(self._request(owner, fields))
        self._skew.note(response.headers.get("Date"))
        return response, _json_object(response)

    def _old_secret(self, application: Application) -> str | None:
        """Return the secret before the present one while it works."""
        ends_ms = application.old_expires_at_ms
        dead = ends_ms is not None and ends_ms <= self._clock.now_ms()
        return None if dead else application.old_client_secret

    def _request(self, owner: TokenOwner, fields: Mapping[str, str]) -> Request:
        return Request(
            operation=OPERATION,
            seller_id=owner.seller_id,
            method="POST",
            url=self._endpoint,
            headers={
                "content-type": "application/x-www-form-urlencoded;charset=UTF-8",
                "accept": "application/json",
            },
            body=urlencode(fields).encode(),
        )

    async def _refusal(
        self, owner: TokenOwner, response: Response, answer: Mapping[str, Any]
    ) -> SpApiError:
        code = str(answer.get("error") or "") or None
        facts: dict[str, Any] = {
            "operation": OPERATION,
            "seller_id": owner.seller_id,
            "status": response.status,
            "code": code,
            "request_id": response.request_id,
        }
        who = f"Login with Amazon gives no token for {_name(owner)}: status {response.status}"
        if response.status == 429 or response.status >= 500:
            return SpApiRetryableError(f"{who}; try later", **facts)
        advice = _EXPIRED_SECRET if _secret_expired(answer) else _ADVICE.get(code or "")
        if advice is None:
            return SpApiRequestError(f"{who} {code or 'without a code'}", **facts)
        if code == "invalid_grant" and owner.seller_id and advice is not _EXPIRED_SECRET:
            self.cache.forget(owner)
            await self._pause(owner.seller_id, owner.region or "", f"{code}: {advice}")
        kind = SecretExpiredError if advice is _EXPIRED_SECRET else SpApiAuthorizationError
        return kind(f"{who} {code}: {advice}", **facts)

    async def _pause(self, seller_id: str, region: str, reason: str) -> None:
        try:
            await self._directory.pause(seller_id, region, reason)
        except GatewayError as exc:
            # The refusal matters more to the caller; the next call will try to pause again.
            _log.warning("seller.pause_failed", seller_id=seller_id, error=str(exc))


def _name(owner: TokenOwner) -> str:
    if owner.seller_id:
        return f"seller {owner.seller_id} ({owner.region}) of application {owner.application_id}"
    of = f", scope {owner.scope}" if owner.scope else ""
    return f"application {owner.application_id}{of}"


def _json_object(response: Response) -> Mapping[str, Any]:
    try:
        data = orjson.loads(response.body)
    except orjson.JSONDecodeError:
        return {}
    return data if isinstance(data, dict) else {}


def _secret_refused(response: Response, answer: Mapping[str, Any]) -> bool:
    return response.status in {400, 401} and answer.get("error") == "invalid_client"


def _secret_expired(answer: Mapping[str, Any]) -> bool:
    """Tell whether Amazon says "The LWA secret token you provided has expired."."""
    text = " ".join(str(value) for value in answer.values()).lower()
    return "secret" in text and "expired" in text
