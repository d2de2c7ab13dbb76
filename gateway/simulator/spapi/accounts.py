"""Who may call: applications, sellers and tokens; decides what credentials and tokens are worth.

Credentials that it does not know are accepted too, unless it is strict: an application is then
named by its client id, and a seller is made up from the refresh token, the same one each time.
"""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateway.clock import Clock

REGIONS = ("na", "eu", "fe")
_SWEEP_EVERY = 1_000
_DAY_MS = 86_400_000
_CODE_LIFE_MS = 300_000
_SECRET_LIFE_MS = 180 * _DAY_MS
_OLD_SECRET_LIFE_MS = 7 * _DAY_MS


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """An application that sellers authorised.

    Attributes:
        draft: Whether it is not listed yet: sellers authorise it with `version=beta` only.
    """

    id: str
    client_id: str
    client_secret: str
    draft: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Seller:
    """A seller who authorised an application.

    Attributes:
        marketplaces: Marketplace ids the seller sells in, the main one first.
        applications: Ids of the applications that hold its refresh token; empty for any.
        region: `na`, `eu` or `fe`; empty for a made-up seller, who is at home in all of them.
    """

    id: str
    region: str
    refresh_token: str
    marketplaces: Sequence[str] = ("ATVPDKIKX0DER",)
    applications: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What an access token lets its bearer do.

    Attributes:
        seller: Whose data; None for a grantless token.
        scope: Scope of a grantless token.
        data_elements: Personal data that a restricted data token opens, by path.
        expires_at_ms: When it ends.
    """

    application: str
    seller: Seller | None
    scope: str | None
    expires_at_ms: int
    data_elements: Mapping[str, frozenset[str]] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSecret:
    """What a rotation made.

    Attributes:
        ends_at_ms: When the new secret ends.
        old_ends_at_ms: When the one before it ends.
    """

    client_id: str
    secret: str = field(repr=False)
    ends_at_ms: int
    old_ends_at_ms: int


class SecretState(StrEnum):
    """What a presented client secret is worth."""

    GOOD = "good"
    WRONG = "wrong"
    EXPIRED = "expired"


class TokenState(StrEnum):
    """What a presented token is worth."""

    GOOD = "good"
    MISSING = "missing"
    UNKNOWN = "unknown"
    EXPIRED = "expired"


class Accounts:
    """Applications and sellers, and the access tokens given out to them.

    Attributes:
        token_life_s: Seconds that a new access token lives.
    """

    def __init__(
        self,
        applications: Sequence[Application],
        sellers: Sequence[Seller],
        *,
        clock: Clock,
        strict: bool = False,
        token_life_s: int = 3_600,
    ) -> None:
        self.applications = tuple(applications)
        self.sellers = tuple(sellers)
        self.strict = strict
        self.token_life_s = token_life_s
        self._clock = clock
        self._by_client = {application.client_id: application for application in applications}
        self._by_refresh_token = {seller.refresh_token: seller for seller in sellers}
        self._old_secrets: dict[tuple[str, str], int] = {}
        self._codes: dict[str, tuple[str, Seller | None, int]] = {}
        self._revoked: set[str] = set()
        self._grants: dict[str, Grant] = {}
        self._issued = 0

    # ── credentials ──────────────────────────────────────────────────────────────────────────────

    def application(self, client_id: str, client_secret: str) -> Application | None:
        """Return the application of these credentials, or None where they are wrong."""
        known = self._by_client.get(client_id)
        if known is None and not self.strict and client_id and client_secret:
            return Application(id=client_id, client_id=client_id, client_secret=client_secret)
        if known is None or self.secret_state(client_id, client_secret) is not SecretState.GOOD:
            return None
        return known

    def secret_state(self, client_id: str, client_secret: str) -> SecretState:
        """Return what a secret of a listed application is worth."""
        known = self._by_client.get(client_id)
        if known is not None and known.client_secret == client_secret:
            return SecretState.GOOD
        ends_at_ms = self._old_secrets.get((client_id, client_secret))
        if ends_at_ms is None:
            return SecretState.WRONG
        return SecretState.GOOD if self._clock.now_ms() < ends_at_ms else SecretState.EXPIRED

    def rotate(self, application_id: str) -> NewSecret | None:
        """Give a listed application a new secret; the old one works for seven days more."""
        known = next((one for one in self.applications if one.id == application_id), None)
        if known is None:
            return None
        now_ms = self._clock.now_ms()
        secret = "amzn1.oa2-cs.v1." + os.urandom(32).hex()
        rotated = replace(known, client_secret=secret)
        self._old_secrets[known.client_id, known.client_secret] = now_ms + _OLD_SECRET_LIFE_MS
        self._by_client[known.client_id] = rotated
        self.applications = tuple(
            rotated if one.id == application_id else one for one in self.applications
        )
        return NewSecret(
            client_id=known.client_id,
            secret=secret,
            ends_at_ms=now_ms + _SECRET_LIFE_MS,
            old_ends_at_ms=now_ms + _OLD_SECRET_LIFE_MS,
        )

    def expire_secrets(self, client_id: str) -> None:
        """End the secrets that an application had before its present one."""
        for key in self._old_secrets:
            if key[0] == client_id:
                self._old_secrets[key] = self._clock.now_ms()

    def seller(self, application: Application, refresh_token: str) -> Seller | None:
        """Return the seller who gave the application this refresh token, or None."""
        known = self._by_refresh_token.get(refresh_token)
        if known is None and not self.strict and refresh_token:
            known = _made_up(refresh_token)
        if known is None or known.id in self._revoked:
            return None
        if known.applications and application.id not in known.applications:
            return None
        return known

    def named(self, seller_id: str) -> Seller | None:
        """Return a configured seller by id, or None."""
        return next((seller for seller in self.sellers if seller.id == seller_id), None)

    def consent(self, application_id: str, seller: Seller) -> str:
        """Let a seller authorise an application; return a code that is good once, for 5 minutes."""
        self.restore(seller.id)
        code = base64.urlsafe_b64encode(os.urandom(15)).decode()
        self._codes[code] = application_id, seller, self._clock.now_ms() + _CODE_LIFE_MS
        return code

    def redeem(self, application: Application, code: str) -> Seller | None:
        """Return the seller who gave a code, or None where it is worth nothing any more.

        The id of a configured seller is a code that never ends.
        """
        application_id, seller, ends_at_ms = self._codes.pop(code, ("", None, 0))
        if seller is None:
            seller = self.named(code)
            return seller and self.seller(application, seller.refresh_token)
        good = application_id == application.id and self._clock.now_ms() < ends_at_ms
        return self.seller(application, seller.refresh_token) if good else None

    def revoke(self, seller_id: str) -> None:
        """Let a seller withdraw its authorisation: no new tokens, and the old ones end."""
        self._revoked.add(seller_id)
        self.expire_tokens(seller_id)

    def restore(self, seller_id: str) -> None:
        """Let a seller authorise again with the same refresh token."""
        self._revoked.discard(seller_id)

    # ── tokens ───────────────────────────────────────────────────────────────────────────────────

    def issue(
        self, application: str, *, seller: Seller | None = None, scope: str | None = None
    ) -> str:
        """Return a new access token."""
        expires_at_ms = self._clock.now_ms() + self.token_life_s * 1_000
        grant = Grant(
            application=application, seller=seller, scope=scope, expires_at_ms=expires_at_ms
        )
        return self._keep("Atza|", grant)

    def restrict(self, grant: Grant, data_elements: Mapping[str, frozenset[str]]) -> str:
        """Return a restricted data token that opens personal data of the grant's seller."""
        expires_at_ms = self._clock.now_ms() + self.token_life_s * 1_000
        restricted = Grant(
            application=grant.application,
            seller=grant.seller,
            scope=grant.scope,
            expires_at_ms=expires_at_ms,
            data_elements=data_elements,
        )
        return self._keep("Atz.sprdt|", restricted)

    def grant(self, token: str | None) -> tuple[TokenState, Grant | None]:
        """Return what a token is worth; the grant comes only with a good one."""
        if not token:
            return TokenState.MISSING, None
        grant = self._grants.get(token)
        if grant is None:
            return TokenState.UNKNOWN, None
        if grant.expires_at_ms <= self._clock.now_ms():
            return TokenState.EXPIRED, None
        return TokenState.GOOD, grant

    def expire_tokens(self, seller_id: str | None = None) -> None:
        """End every access token, or those of one seller."""
        now_ms = self._clock.now_ms()
        for token, grant in self._grants.items():
            if seller_id is None or (grant.seller and grant.seller.id == seller_id):
                self._grants[token] = Grant(
                    application=grant.application,
                    seller=grant.seller,
                    scope=grant.scope,
                    expires_at_ms=min(grant.expires_at_ms, now_ms),
                    data_elements=grant.data_elements,
                )

    def _keep(self, prefix: str, grant: Grant) -> str:
        self._issued += 1
        if self._issued % _SWEEP_EVERY == 0:
            # A token stays known for as long again after its end, to be told apart as expired.
            horizon_ms = self._clock.now_ms() - self.token_life_s * 1_000
            self._grants = {
                token: kept
                for token, kept in self._grants.items()
                if kept.expires_at_ms > horizon_ms
            }
        token = prefix + base64.urlsafe_b64encode(os.urandom(48)).decode()
        self._grants[token] = grant
        return token


def _made_up(refresh_token: str) -> Seller:
    digest = base64.b32encode(hashlib.sha256(refresh_token.encode()).digest()).decode()
    return Seller(id="A" + digest[:13], region="", refresh_token=refresh_token)
