"""`/oauth/start` and `/oauth/callback`: what sellers' browsers see of an authorisation.

No key is asked for, as whoever has a link is to come in; what a link, a state and a code are worth
is decided by `onboarding.flow`. Nothing secret stands in an answer, but for the redirect to Amazon
and the state's cookie, or in a line of the log. Pages can't be framed, cached, indexed or told of
in a referrer; Amazon asks for the last.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Final
from urllib.parse import urlencode, urlsplit

import structlog
from aiohttp import web

from gateway.errors import AuthorisationRefusedError, DependencyError
from gateway.model import SellerState
from gateway.onboarding.flow import CALLBACK_PATH, START_PATH, Flow, Onward

_log = structlog.get_logger("gateway.admin")

_COOKIE: Final = "spgw_authorisation"
_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
}
_AGAIN: Final = "Open the link that you were given once more."
_ASK: Final = "Ask whoever gave you this address for a link."
_TOLD: Final = {
    "forged": f"This address is not complete, or was changed. {_AGAIN}",
    "expired": f"This took too long. {_AGAIN}",
    "replayed": "This page was opened before. If it said that all is well then, it is; else open "
    "the link that you were given once more.",
    "other-browser": f"The authorisation was begun in another browser. {_AGAIN}",
    "declined": "Amazon says that the authorisation was not given. Nothing has changed.",
    "malformed": f"Amazon's answer is not complete. {_AGAIN}",
    "other-seller": "You are signed in at Amazon as another seller than the one that the link was "
    "made for. Sign out there, and open the link once more.",
    "code": f"Amazon's authorisation came too late, or was used before. {_AGAIN}",
    "application": "Amazon refuses this application at the moment. Its operator has been told why.",
    "unavailable": "Amazon, or this service, does not answer at the moment. Wait some minutes, and "
    "open the link once more.",
    "known": f"This seller is connected already. {_ASK}",
    "closed": f"A link is needed to connect a seller. {_ASK}",
    "unknown": f"There is no such application or shop here. {_ASK}",
}
_TAKEN: Final = "The authorisation was taken. You can close this page."
_TAKEN_PAUSED: Final = (
    "The authorisation was taken. Work for this seller is paused at the moment, until this "
    "service's operator resumes it. You can close this page."
)
_STATUSES: Final = {"unavailable": 503, "application": 502, "closed": 403, "known": 409}
_PAGE: Final = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width">
<h1>{title}</h1>
<p>{text}</p>
</html>
"""


class Authorising:
    """See the module.

    Args:
        flow: What is decided.
        public_url: How browsers reach this; decides whether cookies need HTTPS.
        state_ttl_s: How long the cookie is kept.
        done_url: Where browsers go at the end; None for a page of ours.
    """

    def __init__(
        self, flow: Flow, *, public_url: str, state_ttl_s: float, done_url: str | None
    ) -> None:
        self._flow = flow
        self._secure = urlsplit(public_url).scheme == "https"
        self._path = urlsplit(public_url).path.rstrip("/") + "/oauth"
        self._ttl_s = round(state_ttl_s)
        self._done_url = done_url

    def routes(self) -> Sequence[web.RouteDef]:
        """Return the routes to serve."""
        return [
            web.get(START_PATH, self._start, allow_head=False),
            web.get(CALLBACK_PATH, self._callback, allow_head=False),
        ]

    async def _start(self, request: web.Request) -> web.StreamResponse:
        query = request.query
        try:
            if "amazon_callback_uri" in query:
                onward = self._flow.login(
                    query["amazon_callback_uri"],
                    query.get("amazon_state", ""),
                    draft=query.get("version") == "beta",
                    cookie=request.cookies.get(_COOKIE),
                )
            else:
                onward = self._flow.start(query.get("link"), query)
        except AuthorisationRefusedError as exc:
            return self._refused(exc, page=True)
        return self._onward(onward)

    async def _callback(self, request: web.Request) -> web.StreamResponse:
        query = request.query
        try:
            seller = await self._flow.finish(
                query.get("state", ""),
                code=query.get("spapi_oauth_code"),
                seller_id=query.get("selling_partner_id", ""),
                cookie=request.cookies.get(_COOKIE),
            )
        except AuthorisationRefusedError as exc:
            return self._refused(exc)
        except DependencyError as exc:
            _log.error("onboarding.failed", error=str(exc))
            return self._refused(AuthorisationRefusedError("unavailable", str(exc)))
        paused = seller.state is SellerState.PAUSED
        response = self._ended(
            200,
            "Connected",
            _TAKEN_PAUSED if paused else _TAKEN,
            "authorised",
            reason="paused" if paused else None,
        )
        response.del_cookie(_COOKIE, path=self._path)
        return response

    def _onward(self, onward: Onward) -> web.Response:
        response = web.Response(status=302, headers=_HEADERS | {"Location": onward.url})
        response.set_cookie(
            _COOKIE,
            onward.state,
            max_age=self._ttl_s,
            path=self._path,
            httponly=True,
            secure=self._secure,
            samesite="Lax",  # Amazon sends the browser back from its own site
        )
        return response

    def _refused(self, exc: AuthorisationRefusedError, *, page: bool = False) -> web.Response:
        _log.warning("onboarding.refused", reason=exc.reason, error=str(exc))
        return self._ended(
            _STATUSES.get(exc.reason, 400),
            "Not connected",
            _TOLD[exc.reason],
            "refused",
            reason=exc.reason,
            page=page,
        )

    def _ended(
        self,
        status: int,
        title: str,
        text: str,
        result: str,
        *,
        reason: str | None = None,
        page: bool = False,
    ) -> web.Response:
        """Answer with a page, or send the browser to where the settings say it ends."""
        if self._done_url is None or page:
            body = _PAGE.format(title=escape(title), text=escape(text))
            return web.Response(
                status=status, text=body, content_type="text/html", headers=_HEADERS
            )
        told = urlencode({"result": result} | ({"reason": reason} if reason else {}))
        where = f"{self._done_url}?{told}"
        return web.Response(status=303, headers=_HEADERS | {"Location": where})
