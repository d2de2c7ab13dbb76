"""Login with Amazon: turns credentials into access tokens, or into the errors of RFC 6749."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from gateway.simulator.http import json_response
from gateway.simulator.spapi.accounts import SecretState

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aiohttp import web

    from gateway.simulator.spapi.accounts import Accounts, Application

TOKEN_PATH = "/auth/o2/token"  # noqa: S105 a path
SCOPES = frozenset(
    {
        "sellingpartnerapi::notifications",
        "sellingpartnerapi::client_credential:rotation",
        "sellingpartnerapi::shipments:track",
        "sellingpartnerapi::migration",
    }
)
_NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}


class Lwa:
    """The token endpoint.

    Attributes:
        calls: Requests answered so far, by outcome: `issued` or the error's code.
    """

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts
        self.calls: dict[str, int] = {}

    async def answer(self, request: web.BaseRequest) -> web.Response:
        """Return the answer to a token request, form or JSON."""
        if request.method != "POST":
            return self._refuse(400, "invalid_request", "The token endpoint takes POST only.")
        fields = await _fields(request)
        if fields is None:
            return self._refuse(400, "invalid_request", "The body is neither a form nor JSON.")
        return self.token(fields)

    def token(self, fields: Mapping[str, Any]) -> web.Response:
        """Return the answer to a token request with these fields."""
        client_id = str(fields.get("client_id") or "")
        secret = str(fields.get("client_secret") or "")
        application = self._accounts.application(client_id, secret)
        if application is None:
            ended = self._accounts.secret_state(client_id, secret) is SecretState.EXPIRED
            return self._refuse(
                401,
                "invalid_client",
                "The LWA secret token you provided has expired."
                if ended
                else "Client authentication failed.",
            )
        match fields.get("grant_type"):
            case "refresh_token":
                return self._refreshed(application, str(fields.get("refresh_token") or ""))
            case "client_credentials":
                return self._grantless(application, str(fields.get("scope") or ""))
            case "authorization_code":
                return self._authorised(application, str(fields.get("code") or ""))
            case _:
                return self._refuse(
                    400, "unsupported_grant_type", "The grant type is not supported."
                )

    def _refreshed(self, application: Application, refresh_token: str) -> web.Response:
        seller = self._accounts.seller(application, refresh_token)
        if seller is None:
            return self._refuse(
                400, "invalid_grant", "The refresh token is not known, or was withdrawn."
            )
        return self._issue(
            self._accounts.issue(application.id, seller=seller), refresh_token=refresh_token
        )

    def _grantless(self, application: Application, scope: str) -> web.Response:
        if not scope or not set(scope.split()) <= SCOPES:
            return self._refuse(400, "invalid_scope", "The scope is not known.")
        return self._issue(self._accounts.issue(application.id, scope=scope))

    def _authorised(self, application: Application, code: str) -> web.Response:
        seller = self._accounts.redeem(application, code)
        if seller is None:
            return self._refuse(400, "invalid_grant", "The code is not known, or was used.")
        return self._issue(
            self._accounts.issue(application.id, seller=seller),
            refresh_token=seller.refresh_token,
        )

    def _issue(self, token: str, *, refresh_token: str | None = None) -> web.Response:
        self._count("issued")
        answer: dict[str, Any] = {
            "access_token": token,
            "token_type": "bearer",
            "expires_in": self._accounts.token_life_s,
        }
        if refresh_token is not None:
            answer["refresh_token"] = refresh_token
        return json_response(answer, headers=_NO_STORE)

    def _refuse(self, status: int, code: str, description: str) -> web.Response:
        self._count(code)
        return json_response(
            {"error": code, "error_description": description}, status=status, headers=_NO_STORE
        )

    def _count(self, outcome: str) -> None:
        self.calls[outcome] = self.calls.get(outcome, 0) + 1


async def _fields(request: web.BaseRequest) -> Mapping[str, Any] | None:
    if "json" not in request.content_type:
        return dict(await request.post())
    try:
        fields = orjson.loads(await request.read())
    except orjson.JSONDecodeError:
        return None
    return fields if isinstance(fields, dict) else None
