"""Typed calls of the Application Management API 2023-11-30; grantless."""

from __future__ import annotations

from gateway.spapi.apis.views import Calls

_ROTATE = "applicationManagement.2023-11-30.rotateApplicationClientSecret"


class ApplicationManagement:
    """The Application Management API 2023-11-30."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    async def rotate_application_client_secret(self) -> None:
        """Have Amazon make a new client secret. Once a minute, burst 1; never repeated by itself.

        The secret comes in a notification, `APPLICATION_OAUTH_CLIENT_NEW_SECRET`; the old one works
        seven days more.

        Raises:
            SpApiError: The call failed; the subclass says what to do.
        """
        await self._calls.call(_ROTATE)
