"""Typed calls of the Tokens API 2021-03-01: restricted data tokens.

Calls to restricted operations get their tokens by themselves; this is for passing one on to another
application.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import Field

from gateway.spapi.apis.views import Calls, View, found, given

_CREATE = "tokens.2021-03-01.createRestrictedDataToken"


class RestrictedDataToken(View):
    """A token that opens personal data of the resources it was asked for.

    Attributes:
        restricted_data_token: A credential: neither log nor publish it.
        expires_in: Seconds of life; Amazon gives 3600.
    """

    restricted_data_token: str = Field(repr=False, exclude=True)
    expires_in: int = 3600


class Tokens:
    """The Tokens API 2021-03-01."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    async def create_restricted_data_token(
        self, resources: Sequence[Mapping[str, Any]], *, target_application: str | None = None
    ) -> RestrictedDataToken:
        """Return a token for restricted resources. Once a second, burst 10.

        Args:
            resources: At most fifty of `{"method", "path", "dataElements"?}`; a path may be a
                template such as `/orders/v0/orders/{orderId}`, but not for getReportDocument.
            target_application: Application that will use it, where it is another one.

        Raises:
            SpApiError: The call failed; the subclass says what to do.
        """
        body = given(
            restrictedResources=[dict(resource) for resource in resources],
            targetApplication=target_application,
        )
        answer = await self._calls.call(_CREATE, body=body)
        return found(RestrictedDataToken.read(answer), operation=_CREATE, what="token")
