"""The pages on which a seller authorises an application: here it consents at once.

Seller Central sends the seller's browser back to the application with a code that is good once and
for five minutes; with a login URI, by way of that and of the page that confirms. Sources: Amazon's
pages "Website Authorization Workflow" and "Selling Partner Appstore Authorization Workflow".
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit

from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway.simulator.spapi.accounts import Accounts, Application, Seller

PREFIX = "/apps/authorize/"
CONFIRM_PATH = PREFIX + "confirm/"


class Consent:
    """Answers both pages.

    `seller` in the query of the first says who looks at it, else the first one that is listed.
    Amazon knows an application's login URI from its registration; here the query names it as
    `login_uri`, for those who want to walk that way.
    """

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts
        self._confirming: dict[str, Seller] = {}

    def answer(self, request: web.BaseRequest) -> web.Response:
        """Send the browser back with a code, or on to the login URI, or say what is wrong."""
        if request.path.startswith(CONFIRM_PATH):
            return self._confirmed(request)
        query = request.query
        application = self._application(query.get("application_id"))
        if application is None:
            return _wrong("application_id is not that of a listed application")
        if application.draft and query.get("version") != "beta":
            return _wrong("the application is a draft: version takes beta")
        seller = self._accounts.named(query.get("seller", self._accounts.sellers[0].id))
        if seller is None:
            return _wrong("seller is not that of a listed seller")
        if "login_uri" in query:
            return self._to_login(request, application, seller)
        return self._back(query, application, seller)

    def _confirmed(self, request: web.BaseRequest) -> web.Response:
        application = self._application(request.path.removeprefix(CONFIRM_PATH))
        seller = self._confirming.pop(request.query.get("amazon_state", ""), None)
        if application is None or seller is None:
            return _wrong("amazon_state was not given out, or was used")
        if application.draft and request.query.get("version") != "beta":
            return _wrong("the application is a draft: version takes beta")
        return self._back(request.query, application, seller)

    def _application(self, application_id: str | None) -> Application | None:
        known = (one for one in self._accounts.applications if one.id == application_id)
        return next(known, None)

    def _to_login(
        self, request: web.BaseRequest, application: Application, seller: Seller
    ) -> web.Response:
        login = request.query["login_uri"]
        if urlsplit(login).scheme not in {"http", "https"}:
            return _wrong("login_uri takes the URL of the application's login page")
        amazon_state = secrets.token_urlsafe(12)
        self._confirming[amazon_state] = seller
        told = {
            "amazon_callback_uri": (
                f"{request.scheme}://{request.host}{CONFIRM_PATH}{application.id}"
            ),
            "amazon_state": amazon_state,
            "selling_partner_id": seller.id,
        }
        return _redirect(login, told | ({"version": "beta"} if application.draft else {}))

    def _back(
        self, query: Mapping[str, str], application: Application, seller: Seller
    ) -> web.Response:
        back = query.get("redirect_uri", "")
        if urlsplit(back).scheme not in {"http", "https"}:
            return _wrong("redirect_uri takes the URL that the application waits at")
        told = {
            "state": query.get("state", ""),
            "selling_partner_id": seller.id,
            "spapi_oauth_code": self._accounts.consent(application.id, seller),
        }
        return _redirect(back, told)


def _redirect(url: str, told: Mapping[str, str]) -> web.Response:
    joint = "&" if urlsplit(url).query else "?"
    return web.Response(status=302, headers={"Location": url + joint + urlencode(told)})


def _wrong(what: str) -> web.Response:
    return web.Response(status=400, text=f"{what}\n")
