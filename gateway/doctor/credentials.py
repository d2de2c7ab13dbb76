"""Check `credentials`: does Login with Amazon take each application's client id and secret?

It asks for the token of grantless operations, which takes no seller.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from typing import TYPE_CHECKING, Final, Protocol

from gateway.doctor.kinds import found, well
from gateway.doctor.people import application_named
from gateway.errors import (
    SecretExpiredError,
    SpApiAuthorizationError,
    SpApiError,
    SpApiRetryableError,
)
from gateway.findings import Finding

if TYPE_CHECKING:
    from gateway.doctor.check import Before
    from gateway.doctor.people import People
    from gateway.model import Application

NOTIFICATIONS: Final = "sellingpartnerapi::notifications"


class ApplicationTokens(Protocol):
    """Who asks for an application's own tokens."""

    async def for_application(self, application_id: str, scope: str) -> object:
        """Return a token.

        Raises:
            SpApiError: There is none.
        """
        ...


class CredentialsCheck:
    """See the module."""

    name: str = "credentials"
    needs: Sequence[str] = ("network",)

    def __init__(self, people: People, tokens: ApplicationTokens) -> None:
        self._people = people
        self._tokens = tokens

    async def look(self, before: Before) -> AsyncGenerator[Finding]:  # noqa: ARG002 see `Check`
        """See `Check`."""
        applications = await self._people.applications()
        if not applications:
            yield found("credentials.none", "settings", "name no application")
        for one in applications:
            yield await self._judged(one)

    async def _judged(self, application: Application) -> Finding:
        subject = application_named(application.id)
        try:
            await self._tokens.for_application(application.id, NOTIFICATIONS)
        except SpApiError as exc:
            return found(_kind(exc), subject, f"gets no token: {exc}", application=application.id)
        return well("credentials", subject, "gets a token of its own for notifications")


def _kind(exc: SpApiError) -> str:
    if isinstance(exc, SpApiRetryableError):
        return "lwa.unreachable"
    if isinstance(exc, SecretExpiredError):
        return "credentials.secret_expired"
    if isinstance(exc, SpApiAuthorizationError) and exc.code == "invalid_client":
        return "credentials.refused"
    return "credentials.grantless_refused"
