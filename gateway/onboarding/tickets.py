"""Links and states: what a browser carries from here to Amazon and back, and can't be made up.

Both are sealed with the key ring, each under a context of its own, so every replica can read them,
nobody else can make or alter one, and nothing is stored until one comes back. A link is for whoever
has it, for days. A state is for one browser, for minutes, and for one use, which the store counts.
"""

from __future__ import annotations

import base64
import binascii
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, Protocol

from gateway.clock import Clock
from gateway.errors import AuthorisationRefusedError, InvalidInputError, SealError
from gateway.model import Seller
from gateway.spapi.regions import Marketplace

_LINK: Final = "authorisation_link"
_STATE: Final = "authorisation_state"
_NONCE_BYTES: Final = 16
_MAX_CHARACTERS: Final = 4_000


class TicketSealer(Protocol):
    """Who seals."""

    def seal(self, plain: bytes, *, context: str) -> bytes:
        """Return `plain` sealed."""
        ...

    def open(self, sealed: bytes, *, context: str) -> bytes:
        """Return what was sealed; raises `SealError`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """What is to be authorised.

    Attributes:
        region: None where it is left to Amazon.
        marketplace_id: Where the seller signs in; decides the region.
        seller_id: Only by this seller, who is known; None for whoever comes and is not.
        tags: What the seller is found by afterwards.
    """

    application_id: str
    region: str | None = None
    marketplace_id: str | None = None
    seller_id: str | None = None
    tags: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """An intent on its way through a browser.

    Attributes:
        id: Counts its uses.
    """

    id: str
    intent: Intent
    expires_at_ms: int


def intent_of(
    applications: Sequence[str],
    known: Sequence[Seller],
    *,
    application: str | None,
    place: Marketplace | None,
    region: str | None,
    tags: Sequence[str],
) -> Intent:
    """Return what a person wants a link for. Pure.

    Args:
        applications: Those that sellers can authorise.
        known: The authorisations of the one seller that it is for; empty for new sellers.
        application: Which of them; the only one, or the seller's, unless given.
        place: Where the seller signs in.
        region: Its region, where no place is given; the seller's unless given.
        tags: What the seller is found by afterwards.

    Raises:
        InvalidInputError: It doesn't say which application or region, or contradicts itself.
    """
    if place is not None and region not in {None, place.region.value}:
        raise InvalidInputError(f"marketplace {place.id} is in region {place.region}, not {region}")
    region = place.region.value if place else region
    fitting = [
        one
        for one in known
        if region in {None, one.region} and application in {None, one.application_id}
    ]
    if region is None and len({one.region for one in fitting}) > 1:
        raise InvalidInputError("which region? The seller has authorised several")
    if application is None:
        of_seller = {one.application_id for one in fitting}
        choice = sorted(of_seller or applications)
        if len(choice) != 1:
            listed = ", ".join(choice) or "none has a solution_id in the settings"
            raise InvalidInputError(f"which application? {listed}")
        (application,) = choice
    if application not in applications:
        raise InvalidInputError(
            f"application {application!r} has no solution_id in the settings, or isn't there"
        )
    if region is None and not fitting:
        raise InvalidInputError("which marketplace or region?")
    return Intent(
        application_id=application,
        region=region or fitting[0].region,
        marketplace_id=place.id if place else None,
        seller_id=known[0].id if known else None,
        tags=tuple(sorted(set(tags))),
    )


class Tickets:
    """Makes links and states, and reads them."""

    def __init__(self, sealer: TicketSealer, clock: Clock) -> None:
        self._sealer = sealer
        self._clock = clock

    def link(self, intent: Intent, *, ttl_s: float) -> str:
        """Return what a link carries, good from now on for `ttl_s` seconds."""
        return self._made(_LINK, {"until": self._until(ttl_s), **asdict(intent)})

    def state(self, intent: Intent, *, ttl_s: float) -> str:
        """Return a new state for a browser that begins now."""
        nonce = secrets.token_urlsafe(_NONCE_BYTES)
        return self._made(_STATE, {"until": self._until(ttl_s), "id": nonce, **asdict(intent)})

    def read_link(self, token: str) -> Intent:
        """Return what a link is for.

        Raises:
            AuthorisationRefusedError: We never made it (`forged`), or its time is over (`expired`).
        """
        members = self._read(_LINK, token, "link")
        del members["until"]
        return Intent(**members)

    def read_state(self, token: str) -> State:
        """Return what a state is for.

        Raises:
            AuthorisationRefusedError: We never made it (`forged`), or its time is over (`expired`).
        """
        members = self._read(_STATE, token, "state")
        until_ms, nonce = members.pop("until"), members.pop("id")
        return State(id=nonce, intent=Intent(**members), expires_at_ms=until_ms)

    def _until(self, ttl_s: float) -> int:
        return self._clock.now_ms() + round(ttl_s * 1000)

    def _made(self, context: str, members: Mapping[str, Any]) -> str:
        plain = json.dumps(members, separators=(",", ":")).encode()
        sealed = self._sealer.seal(plain, context=context)
        return base64.urlsafe_b64encode(sealed).rstrip(b"=").decode()

    def _read(self, context: str, token: str, what: str) -> dict[str, Any]:
        try:
            token = token[:_MAX_CHARACTERS]  # one that is cut short can't be opened
            sealed = base64.b64decode(token + "=" * (-len(token) % 4), b"-_", validate=True)
            members: dict[str, Any] = json.loads(self._sealer.open(sealed, context=context))
        except (binascii.Error, ValueError, SealError):
            raise AuthorisationRefusedError("forged", f"the {what} was not made here") from None
        if members["until"] <= self._clock.now_ms():
            raise AuthorisationRefusedError("expired", f"the time of the {what} is over")
        members["tags"] = tuple(members["tags"])
        return members
