"""Authorisations of sellers: how long they last, and what Amazon says of where they sell. Pure.

A seller's authorisation of a public application ends after 365 days. Amazon tells nobody; this
decides when operators are warned. Source: Amazon's page "Authorize Public Applications".
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

LASTS_DAYS: Final = 365
"""How long an authorisation lasts."""

WARNED_DAYS: Final = (30, 14, 3)
"""How many days before its end it is warned of, each once."""

DAY_MS: Final = 86_400_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """An authorisation that ends soon, or has ended."""

    seller_id: str
    region: str
    application_id: str
    ends_at_ms: int
    days_left: int


LinkOf: TypeAlias = Callable[[Ending], str | None]
"""Returns the link by which the seller authorises again; None where there can be none."""


def ends_at_ms(authorised_at_ms: int) -> int:
    """Return when an authorisation ends."""
    return authorised_at_ms + LASTS_DAYS * DAY_MS


def days_left(authorised_at_ms: int, now_ms: int) -> int:
    """Return how many days an authorisation lasts still, begun ones counted whole; 0 at its end."""
    return max(0, -((now_ms - ends_at_ms(authorised_at_ms)) // DAY_MS))


def due_warning(authorised_at_ms: int, warned_days: int | None, now_ms: int) -> int | None:
    """Return which of `WARNED_DAYS` is due now, or None.

    Of several that were missed only the latest is due: one event says all there is to say.

    Args:
        authorised_at_ms: When the seller authorised.
        warned_days: The last one that was told, or None.
        now_ms: Time.
    """
    left = days_left(authorised_at_ms, now_ms)
    passed = [days for days in WARNED_DAYS if left <= days]
    if not passed or (warned_days is not None and warned_days <= passed[-1]):
        return None
    return passed[-1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a look at Amazon's side means for an authorisation.

    Attributes:
        region: The region that it is for.
        marketplace_ids: Where the seller sells.
        fault: What differs from what was declared, or None.
        elsewhere: Whether it is for another region than the declared one.
    """

    region: str
    marketplace_ids: Sequence[str] = ()
    fault: str | None = None
    elsewhere: bool = False


Seen: TypeAlias = Mapping[str, Collection[str] | None]
"""By region: the marketplaces that the seller takes part in, or None where Amazon refused."""


def judge(region: str | None, declared: Sequence[str], seen: Seen) -> Verdict:
    """Return what was seen of a seller means.

    Amazon refuses with 403 both the wrong region and a missing role; only that another region
    answers tells the two apart.

    Args:
        region: The declared region; None where none was.
        declared: Marketplace ids that were declared; empty for whatever Amazon says.
        seen: Of the declared region, and of the others where that one was refused.
    """
    there = seen.get(region) if region is not None else None
    if region is not None and there is not None:
        return Verdict(
            region=region, marketplace_ids=sorted(there), fault=_missing(region, declared, there)
        )
    for other, found in seen.items():
        if found is not None:
            fault = None if region is None else _wrong(region, other)
            return Verdict(
                region=other,
                marketplace_ids=sorted(found),
                fault=fault,
                elsewhere=region is not None,
            )
    return Verdict(region=region or "na", marketplace_ids=tuple(declared), fault=_NO_ROLE)


_NO_ROLE: Final = (
    "Amazon refuses getMarketplaceParticipations in every region, so region and marketplaces could "
    "not be checked: the application lacks the role Selling Partner Insights"
)


def _missing(region: str, declared: Sequence[str], there: Collection[str]) -> str | None:
    if not there:
        return f"Amazon says that the seller takes part in no marketplace of region {region}"
    absent = sorted(set(declared) - set(there))
    if absent:
        known = ", ".join(sorted(there))
        return (
            f"Amazon says that the seller does not take part in {', '.join(absent)}, but in {known}"
        )
    return None


def _wrong(region: str, other: str) -> str:
    return (
        f"wrong region: the authorisation is for {other}, not for {region}; add the seller in "
        f"{other}, or have it authorise again for {region}"
    )
