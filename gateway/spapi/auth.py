"""Login with Amazon (LWA): which access token a call carries.

It decides when a token is asked for, kept and given up. Tokens belong to one (application, seller,
region) or to one (application, scope) and are never lent across. One request is in flight for each,
however many calls wait; a token is renewed by the first call that meets it late in its life, while
the others go on with the old one. It never decides whether a call is repeated.

A refused refresh token (`invalid_grant`) pauses the seller, so that nobody hammers Amazon with it.

Sources: Amazon's pages "Connect to the SP-API" and "Authorize with LWA".
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import orjson
import structlog

from gateway.clock import Clock
from gateway.errors import (
    GatewayError,
    SpApiAuthorizationError,
    SpApiError,
    SpApiRequestError,
    SpApiRetryableError,
)
from gateway.model import Application, Seller
from gateway.spapi.directory import SellerDirectory
from gateway.spapi.singleflight import SingleFlight
from gateway.spapi.transport import Request, Response, Transport

LWA_ENDPOINT = "https://api.amazon.com/auth/o2/token"
"""Amazon's token endpoint, one for all regions."""

OPERATION = "lwa.token"
"""What errors of this module name as their operation."""

_DEFAULT_LIFE_S = 3600.0
_LATE_S = 300.0  # from here on one call renews, the others don't wait for it
_LAST_S = 60.0  # from here on every call waits for the new token
_REFUSAL_PAUSE_S = 60.0  # a token this young that is refused is not the token's fault
_RENEWAL_PAUSE_S = 10.0  # between early renewals that fail
_KEPT = 50_000

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


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenOwner:
    """What a token is good for: a seller's calls in a region, or one grantless scope."""

    application_id: str
    seller_id: str | None = None
    region: str | None = None
    scope: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AccessToken:
    """A token and when it ages, on the monotonic clock in seconds.

    Attributes:
        grant: Refresh token it came from; another one makes it void.
        forced: Whether it replaced one that Amazon had refused.
    """

    owner: TokenOwner
    value: str = field(repr=False)
    grant: str = field(repr=False)
    born_s: float
    late_s: float
    last_s: float
    forced: bool = False


class LwaTokens:
    """Access tokens, kept in memory only."""

    def __init__(
        self,
        *,
        transport: Transport,
        directory: SellerDirectory,
        clock: Clock,
        endpoint: str = LWA_ENDPOINT,
    ) -> None:
        self._transport = transport
        self._directory = directory
        self._clock = clock
        self._endpoint = endpoint
        self._tokens: OrderedDict[TokenOwner, AccessToken] = OrderedDict()
        self._refused: set[TokenOwner] = set()
        self._not_before_s: dict[TokenOwner, float] = {}
        self._flights: SingleFlight[TokenOwner, AccessToken] = SingleFlight()

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
        return await self._get(owner, form, grant=seller.refresh_token)

    async def for_application(self, application_id: str, scope: str) -> AccessToken:
        """Return a token for grantless operations of `scope`.

        Raises:
            SpApiAuthorizationError: Amazon refuses the application or the scope.
            SpApiRetryableError: No token now.
        """
        owner = TokenOwner(application_id=application_id, scope=scope)
        return await self._get(owner, {"grant_type": "client_credentials", "scope": scope})

    def refuse(self, token: AccessToken, *, expired: bool) -> bool:
        """Take note that Amazon refused `token`; return whether another is worth a try.

        It is not where the token itself is fresh from a refusal: then the fault lies elsewhere (a
        missing role, the wrong region), and asking on would only load Amazon.

        Args:
            token: What the refused call carried.
            expired: Whether Amazon said that it is the token's age.
        """
        if self._tokens.get(token.owner) is not token:
            return True
        young = self._clock.monotonic_s() - token.born_s < _REFUSAL_PAUSE_S
        if token.forced and young and not expired:
            return False
        del self._tokens[token.owner]
        self._refused.add(token.owner)
        return True

    async def _get(
        self, owner: TokenOwner, form: Mapping[str, str], *, grant: str = ""
    ) -> AccessToken:
        kept = self._tokens.get(owner)
        now_s = self._clock.monotonic_s()
        usable = kept is not None and kept.grant == grant and now_s < kept.last_s
        if not usable or kept is None:
            return await self._flights.run(owner, lambda: self._fetch(owner, form, grant))
        waits = now_s < self._not_before_s.get(owner, kept.late_s)
        if waits or self._flights.flying(owner):
            return kept
        try:
            return await self._flights.run(owner, lambda: self._fetch(owner, form, grant))
        except SpApiRetryableError:
            self._not_before_s[owner] = self._clock.monotonic_s() + _RENEWAL_PAUSE_S
            return kept

    async def _fetch(self, owner: TokenOwner, form: Mapping[str, str], grant: str) -> AccessToken:
        application = await self._directory.application(owner.application_id)
        born_s = self._clock.monotonic_s()
        response = await self._transport.send(self._request(application, owner, form))
        answer = _json_object(response)
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
        life_s = _life_s(answer.get("expires_in"))
        token = AccessToken(
            owner=owner,
            value=value,
            grant=grant,
            born_s=born_s,
            late_s=born_s + life_s - min(_LATE_S, life_s / 4),
            last_s=born_s + life_s - min(_LAST_S, life_s / 10),
            forced=owner in self._refused,
        )
        self._keep(token)
        return token

    def _keep(self, token: AccessToken) -> None:
        self._refused.discard(token.owner)
        self._not_before_s.pop(token.owner, None)
        self._tokens[token.owner] = token
        self._tokens.move_to_end(token.owner)
        if len(self._tokens) > _KEPT:
            self._tokens.popitem(last=False)

    def _request(
        self, application: Application, owner: TokenOwner, form: Mapping[str, str]
    ) -> Request:
        fields = {
            **form,
            "client_id": application.client_id,
            "client_secret": application.client_secret,
        }
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
            self._tokens.pop(owner, None)
            await self._pause(owner.seller_id, f"{code}: {advice}")
        return SpApiAuthorizationError(f"{who} {code}: {advice}", **facts)

    async def _pause(self, seller_id: str, reason: str) -> None:
        try:
            await self._directory.pause(seller_id, reason)
        except GatewayError as exc:
            # The refusal matters more to the caller; the next call will try to pause again.
            _log.warning("seller.pause_failed", seller_id=seller_id, error=str(exc))


def _name(owner: TokenOwner) -> str:
    if owner.seller_id:
        return f"seller {owner.seller_id} ({owner.region}) of application {owner.application_id}"
    return f"application {owner.application_id}, scope {owner.scope}"


def _json_object(response: Response) -> Mapping[str, Any]:
    try:
        data = orjson.loads(response.body)
    except orjson.JSONDecodeError:
        return {}
    return data if isinstance(data, dict) else {}


def _secret_expired(answer: Mapping[str, Any]) -> bool:
    """Tell whether Amazon says "The LWA secret token you provided has expired."."""
    text = " ".join(str(value) for value in answer.values()).lower()
    return "secret" in text and "expired" in text


def _life_s(value: object) -> float:
    try:
        life_s = float(value)  # type: ignore[arg-type]  # whatever Amazon sent; checked right here
    except (TypeError, ValueError):
        return _DEFAULT_LIFE_S
    return life_s if 0 < life_s <= 24 * 3600 else _DEFAULT_LIFE_S
