"""The page on which a seller authorises an application: here it consents at once.

Seller Central sends the seller's browser back to the application with a code that is good once and
for five minutes. Source: Amazon's page "Website Authorization Workflow".
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit

from aiohttp import web

if TYPE_CHECKING:
    from gateway.simulator.spapi.accounts import Accounts

CONSENT_PATH = "/apps/authorize/consent"


class Consent:
    """Answers the consent page; `seller` in the query says who looks at it, else the first one."""

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts

    def answer(self, request: web.BaseRequest) -> web.Response:
        """Send the browser back with a code, or say what is wrong with the link."""
        query = request.query
        known = {application.id for application in self._accounts.applications}
        if query.get("application_id") not in known:
            return _wrong("application_id is not that of a listed application")
        back = query.get("redirect_uri", "")
        if urlsplit(back).scheme not in {"http", "https"}:
            return _wrong("redirect_uri takes the URL that the application waits at")
        seller = self._accounts.named(query.get("seller", self._accounts.sellers[0].id))
        if seller is None:
            return _wrong("seller is not that of a listed seller")
        told = {
            "state": query.get("state", ""),
            "selling_partner_id": seller.id,
            "spapi_oauth_code": self._accounts.consent(query["application_id"], seller),
        }
        joint = "&" if urlsplit(back).query else "?"
        return web.Response(status=302, headers={"Location": back + joint + urlencode(told)})


def _wrong(what: str) -> web.Response:
    return web.Response(status=400, text=f"{what}\n")
