"""Who the sellers and applications are, as far as calls need to know.

It declares what the client asks of whoever keeps them; it asks at each call, so answers should come
from memory. It never changes a seller but to pause it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from gateway.model import Application, Seller
from gateway.spapi.regions import Region


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """On whose behalf a call is made: what Amazon counts usage plans by.

    Attributes:
        seller_id: None for a grantless call, which the application makes for itself.
    """

    application_id: str
    region: Region
    seller_id: str | None = None

    def __str__(self) -> str:
        who = f"seller {self.seller_id}" if self.seller_id else f"application {self.application_id}"
        return f"{who} ({self.region})"


class SellerDirectory(Protocol):
    """Sellers and applications with their credentials opened."""

    async def seller(self, seller_id: str, region: str | None = None) -> Seller:
        """Return a seller's authorisation; `region` chooses where it has several.

        Raises:
            NotFoundError: The seller has no such authorisation.
        """
        ...

    async def application(self, application_id: str) -> Application:
        """Return an application.

        Raises:
            NotFoundError: There is none of that id.
        """
        ...

    async def pause(self, seller_id: str, region: str, reason: str) -> None:
        """Stop follow-up calls for a seller in a region until an operator resumes it, and tell."""
        ...
