"""From a link to a refresh token: what a seller's browser is sent to, and what its answer is worth.

    start   a link, or a seller without one, is sent to consent at Amazon
    login   Amazon sends the seller to the login URI on its way; it is sent on
    finish  the answer: its state is used once, its code is exchanged, the seller is taken

The state ties the answer to the browser that began (it is in a cookie too), the application, and
the seller where one is awaited. Amazon signs nothing of its answer, `selling_partner_id` least of
all: anybody who authorises could write somebody else's. So a seller who is known is taken anew only
by a link that was made for it, or where the refresh token is the one at hand.

Sources: Amazon's pages "Website Authorization Workflow" and "Selling Partner Appstore Authorization
Workflow".
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Protocol

import structlog

from gateway.authorisations import Verdict
from gateway.clock import Clock
from gateway.errors import (
    AuthorisationRefusedError,
    SpApiAuthorizationError,
    SpApiError,
    SpApiRetryableError,
)
from gateway.model import Seller
from gateway.onboarding.consoles import (
    confirm_url,
    confirmed_solution,
    consent_url,
    console_url,
    region_of,
)
from gateway.onboarding.tickets import Intent, State, Tickets
from gateway.spapi.regions import MARKETPLACES

START_PATH: Final = "/oauth/start"
CALLBACK_PATH: Final = "/oauth/callback"

_SELLER_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")
# Amazon's code lives five minutes; a fault that lasts longer than this needs a new one.
_PAUSES_S: Final = (0.5, 2.0, 5.0)

_log: structlog.stdlib.BoundLogger = structlog.get_logger("gateway.onboarding")


class Codes(Protocol):
    """Who exchanges codes."""

    async def redeem(self, application_id: str, code: str, *, redirect_uri: str) -> str:
        """Return the refresh token that a code is good for.

        Raises:
            SpApiAuthorizationError: The code, or the application, is refused.
            SpApiRetryableError: No answer now.
        """
        ...


class Looks(Protocol):
    """Who asks Amazon where a seller sells."""

    async def look(self, seller: Seller, region: str | None) -> Verdict:
        """Return what Amazon says; see `Lookout`."""
        ...


class Book(Protocol):
    """Where sellers are kept."""

    async def use_state(self, state_id: str, *, expires_at_ms: int) -> bool:
        """Take a state; return whether it had not come back before."""
        ...

    async def of(self, seller_id: str) -> Sequence[Seller]:
        """Return a seller's authorisations."""
        ...

    async def authorise(self, seller: Seller, *, tags: Sequence[str], state_id: str) -> Seller:
        """Take an authorisation, with an entry of the audit log; return the seller as it is now."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Solution:
    """An application that sellers can authorise.

    Attributes:
        id: What it is called here.
        solution_id: Its id in Amazon's console.
        draft: Whether it is not listed yet.
        vendor: Whether vendors authorise it.
    """

    id: str
    solution_id: str
    draft: bool = False
    vendor: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowOptions:
    """What a deployment chose.

    Attributes:
        public_url: How browsers reach this gateway.
        open: Whether sellers may come without a link.
        consent_url: In place of Amazon's consoles, or None.
        state_ttl_s: How long a seller may take.
    """

    public_url: str
    open: bool = False
    consent_url: str | None = None
    state_ttl_s: float = 1800.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Onward:
    """Where a browser is sent, and the state that it keeps as a cookie."""

    url: str
    state: str


class Flow:
    """See the module."""

    def __init__(
        self,
        *,
        solutions: Sequence[Solution],
        tickets: Tickets,
        codes: Codes,
        looks: Looks,
        book: Book,
        clock: Clock,
        options: FlowOptions,
    ) -> None:
        self._solutions: Mapping[str, Solution] = {one.id: one for one in solutions}
        self._tickets = tickets
        self._codes = codes
        self._looks = looks
        self._book = book
        self._clock = clock
        self._options = options
        self._base = options.public_url.rstrip("/")

    def start(self, link: str | None, wanted: Mapping[str, str]) -> Onward:
        """Send a browser to consent.

        Args:
            link: What the link carries, or None for a seller who comes without one.
            wanted: Without a link: `application` and `marketplace`, where they are given.

        Raises:
            AuthorisationRefusedError: The link is `forged` or `expired`; one is needed (`closed`);
                or there is no such application or marketplace (`unknown`).
        """
        intent = self._uninvited(wanted) if link is None else self._tickets.read_link(link)
        solution = self._solution(intent.application_id)
        console = console_url(
            region=intent.region,
            marketplace_id=intent.marketplace_id,
            vendor=solution.vendor,
            instead=self._options.consent_url,
        )
        state = self._tickets.state(intent, ttl_s=self._options.state_ttl_s)
        url = consent_url(
            console,
            solution_id=solution.solution_id,
            state=state,
            redirect_uri=f"{self._base}{CALLBACK_PATH}",
            draft=solution.draft,
        )
        return Onward(url=url, state=state)

    def login(
        self, callback_uri: str, amazon_state: str, *, draft: bool, cookie: str | None
    ) -> Onward:
        """Send a browser on that Amazon sent to the login URI.

        Args:
            callback_uri: `amazon_callback_uri`.
            amazon_state: `amazon_state`.
            draft: Whether Amazon said `version=beta`.
            cookie: The state of the browser that began here, where it did.

        Raises:
            AuthorisationRefusedError: The address is not Amazon's (`forged`), or of no application
                of ours (`unknown`); or a link is needed (`closed`).
        """
        named = confirmed_solution(callback_uri, instead=self._options.consent_url)
        if named is None:
            raise AuthorisationRefusedError("forged", "amazon_callback_uri is not Amazon's")
        solution = next((one for one in self._solutions.values() if one.solution_id == named), None)
        if solution is None:
            raise AuthorisationRefusedError("unknown", "there is no such application here")
        state = self._begun(cookie, solution)
        if state is None:
            self._check_open()
            region = None if self._options.consent_url else region_of(callback_uri)
            intent = Intent(application_id=solution.id, region=region)
            state = self._tickets.state(intent, ttl_s=self._options.state_ttl_s)
        url = confirm_url(
            callback_uri,
            amazon_state=amazon_state,
            state=state,
            redirect_uri=f"{self._base}{CALLBACK_PATH}",
            draft=draft or solution.draft,
        )
        return Onward(url=url, state=state)

    async def finish(
        self, state: str, *, code: str | None, seller_id: str, cookie: str | None
    ) -> Seller:
        """Take what a browser brings back from Amazon; return the seller as it is now.

        One whom an operator paused stays paused.

        Raises:
            AuthorisationRefusedError: See the reasons below; nothing was taken.
            StoreUnavailableError: Nothing was taken; the seller begins again.
        """
        came = self._checked(state, code, seller_id, cookie)
        intent = came.intent
        if not await self._book.use_state(came.id, expires_at_ms=came.expires_at_ms):
            raise AuthorisationRefusedError(
                "replayed", "this answer of Amazon's was used before; if that worked, all is well"
            )
        token = await self._redeemed(intent.application_id, code or "")
        known = await self._book.of(seller_id)
        _check_known(intent, seller_id, token, known)
        seller = Seller(
            id=seller_id,
            application_id=intent.application_id,
            region=intent.region or "",
            refresh_token=token,
        )
        seller = await self._placed(seller, intent)
        seller = await self._book.authorise(seller, tags=intent.tags, state_id=came.id)
        _log.info(
            "onboarding.authorised",
            seller_id=seller.id,
            region=seller.region,
            application_id=seller.application_id,
            known=bool(known),
            state=seller.state.value,
        )
        return seller

    def _checked(self, state: str, code: str | None, seller_id: str, cookie: str | None) -> State:
        came = self._tickets.read_state(state)
        self._solution(came.intent.application_id)
        if cookie is None or not hmac.compare_digest(cookie.encode(), state.encode()):
            raise AuthorisationRefusedError(
                "other-browser", "another browser than this one began the authorisation"
            )
        if not code:
            raise AuthorisationRefusedError("declined", "Amazon sent no authorisation")
        if _SELLER_ID.fullmatch(seller_id) is None:
            raise AuthorisationRefusedError("malformed", "selling_partner_id is none")
        if came.intent.seller_id not in {None, seller_id}:
            raise AuthorisationRefusedError(
                "other-seller", "the link was made for another seller than the one who signed in"
            )
        return came

    async def _redeemed(self, application_id: str, code: str) -> str:
        redirect_uri = f"{self._base}{CALLBACK_PATH}"
        for pause_s in (*_PAUSES_S, None):
            try:
                return await self._codes.redeem(application_id, code, redirect_uri=redirect_uri)
            except SpApiRetryableError as exc:
                if pause_s is None:
                    raise AuthorisationRefusedError(
                        "unavailable", "Login with Amazon gives no answer now"
                    ) from exc
                await self._clock.sleep(pause_s)
            except SpApiError as exc:
                _log.warning("onboarding.code_refused", error=str(exc))
                of_code = isinstance(exc, SpApiAuthorizationError) and exc.code == "invalid_grant"
                reason = "code" if of_code else "application"
                raise AuthorisationRefusedError(
                    reason,
                    "Login with Amazon says that the code has expired or was used"
                    if of_code
                    else "Login with Amazon refuses the application's credentials",
                ) from exc
        raise AssertionError("the last round returns or raises")

    async def _placed(self, seller: Seller, intent: Intent) -> Seller:
        """Return the seller in the region that Amazon says, or else in the awaited one."""
        try:
            verdict = await self._looks.look(seller, intent.region)
        except SpApiError as exc:
            _log.warning("onboarding.not_looked", seller_id=seller.id, error=str(exc))
            return replace(seller, region=intent.region or "na")
        if verdict.elsewhere:
            _log.warning(
                "onboarding.other_region",
                seller_id=seller.id,
                region=verdict.region,
                awaited=intent.region,
            )
        return replace(seller, region=verdict.region, marketplace_ids=verdict.marketplace_ids)

    def _uninvited(self, wanted: Mapping[str, str]) -> Intent:
        self._check_open()
        application_id = wanted.get("application")
        if application_id is None and len(self._solutions) == 1:
            (application_id,) = self._solutions
        place = MARKETPLACES.get(wanted.get("marketplace", ""))
        if application_id is None or (place is None and "marketplace" in wanted):
            raise AuthorisationRefusedError("unknown", "say which application, and which shop")
        return Intent(
            application_id=application_id,
            region=place.region.value if place else None,
            marketplace_id=place.id if place else None,
        )

    def _begun(self, cookie: str | None, solution: Solution) -> str | None:
        """Return the state that a browser began with, where it is still good for this."""
        if cookie is None:
            return None
        try:
            begun = self._tickets.read_state(cookie)
        except AuthorisationRefusedError:
            return None
        return cookie if begun.intent.application_id == solution.id else None

    def _solution(self, application_id: str) -> Solution:
        found = self._solutions.get(application_id)
        if found is None:
            raise AuthorisationRefusedError("unknown", "there is no such application here")
        return found

    def _check_open(self) -> None:
        if not self._options.open:
            raise AuthorisationRefusedError(
                "closed", "a link from the gateway's operator is needed"
            )


def _check_known(intent: Intent, seller_id: str, token: str, known: Sequence[Seller]) -> None:
    if not known or intent.seller_id == seller_id:
        return
    if any(one.refresh_token == token for one in known):
        return
    raise AuthorisationRefusedError(
        "known", "the seller is known already, and needs a link that was made for it"
    )
