"""Whom the examination is about: the applications and sellers that are looked at."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol

from gateway.findings import Finding, Level
from gateway.model import Application, Seller, SellerState


class People(Protocol):
    """Who is known: to the store, or where it can't be opened to the settings."""

    async def applications(self) -> Sequence[Application]:
        """Return all applications."""
        ...

    async def sellers(self) -> Sequence[Seller]:
        """Return all sellers, one for each region that one authorised."""
        ...


def application_named(application_id: str) -> str:
    """Return the subject of findings about an application."""
    return f"application {application_id}"


def seller_named(seller: Seller) -> str:
    """Return the subject of findings about a seller's authorisation."""
    return f"seller {seller.id} ({seller.region})"


def faulty(findings: Sequence[Finding]) -> Collection[str]:
    """Return the subjects of which a fault was found."""
    return {one.subject for one in findings if one.level is Level.FAULT}


def chosen(sellers: Sequence[Seller], most: int) -> Sequence[Seller]:
    """Return the sellers that are asked about, paused ones first; asking thousands takes hours."""
    return sorted(
        sellers, key=lambda one: (one.state is not SellerState.PAUSED, one.id, one.region)
    )[:most]
