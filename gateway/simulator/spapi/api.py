"""The operations over HTTP: token, region, usage plan, faults, then the answer.

The order of the checks is Amazon's as far as it shows from outside. A call counts from the moment
its token, region and operation are known to be good. What each operation answers is said by the
modules of `gateway.simulator.apis`; a catalogued operation that none of them serves is answered by
the static cases of Amazon's models, where a checkout of them is at hand.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from gateway.errors import InvalidInputError
from gateway.simulator.spapi import wire
from gateway.simulator.spapi.accounts import REGIONS, Grant, TokenState
from gateway.simulator.spapi.answers import (
    RATE_HEADER,
    RATE_HEADER_STATUSES,
    RefusalError,
    bad_input,
    denied,
    not_found,
    over_quota,
    refuse,
    respond,
)
from gateway.simulator.spapi.call import Answer, Call
from gateway.simulator.spapi.faults import Fault, SpApiFaults, parse_fault
from gateway.simulator.spapi.operations import Routes
from gateway.simulator.spapi.usage import SANDBOX, Caller, Usage

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from aiohttp import web

    from gateway.simulator.spapi.accounts import Accounts
    from gateway.simulator.spapi.call import Answering
    from gateway.spapi.catalog import Catalog, Operation

TOKEN_HEADER = "x-amz-access-token"  # noqa: S105 a header's name
FAULT_HEADER = "x-simulator-fault"
_MAX_USER_AGENT = 500
_TOKEN_DETAILS: Mapping[TokenState, str] = MappingProxyType(
    {
        TokenState.MISSING: "The request has no access token.",
        TokenState.UNKNOWN: "The access token is malformed, was withdrawn, or is not ours.",
        TokenState.EXPIRED: "The access token you provided has expired.",
    }
)


# Amazon lets these be called with the seller's token too: some types refuse the grantless one.
_EITHER_TOKEN = frozenset({"getSubscriptionById", "deleteSubscriptionById"})


class SpApi:
    """The local SP-API behind one handler.

    Args:
        accounts: Whose tokens are good.
        catalog: Every operation, and those that Amazon removed.
        answers: What answers each operation that is served, by full name.
        fallback: What answers the other ones.
        usage: Who has calls left.
        faults: What goes wrong on request.
        base_url: Where whoever sent a request reaches the simulator; links begin so.
    """

    def __init__(
        self,
        *,
        accounts: Accounts,
        catalog: Catalog,
        answers: Mapping[str, Answering],
        fallback: Answering,
        usage: Usage,
        faults: SpApiFaults,
        base_url: Callable[[web.BaseRequest], str],
    ) -> None:
        self._accounts = accounts
        self._usage = usage
        self._faults = faults
        self._base_url = base_url
        self._routes = Routes(catalog.operations)
        self._removed = Routes(catalog.removed)
        self._answers = dict(answers)
        self._fallback = fallback

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """Return the answer to one request; never raises for what the client sent."""
        try:
            fault = _asked_fault(request)
            call = await self._admit(request)
        except RefusalError as exc:
            return refuse(exc)
        self._usage.came(call.caller)
        response: web.StreamResponse
        if not self._usage.take(call.caller, call.operation):
            fault, response = None, refuse(over_quota())
        else:
            fault = fault or self._faults.strike(
                operation=call.operation.name, seller=call.caller.seller
            )
            response = await self._answer(request, call, fault)
        self._usage.answered(
            call.caller, wire.NO_STATUS if wire.answers_nothing(fault) else response.status
        )
        return response

    # ── admission ────────────────────────────────────────────────────────────────────────────────

    async def _admit(self, request: web.BaseRequest) -> Call:
        """Return what is called and by whom.

        Raises:
            RefusalError: The headers, the token or the region are wrong, or nothing is there.
        """
        sandbox, (region, path) = split_base(request.rel_url.raw_path)
        if not 0 < len(request.headers.get("User-Agent", "")) <= _MAX_USER_AGENT:
            raise bad_input(f"A user-agent of 1 to {_MAX_USER_AGENT} characters is needed.")
        state, grant = self._accounts.grant(request.headers.get(TOKEN_HEADER))
        if grant is None:
            raise denied(_TOKEN_DETAILS[state])
        home = grant.seller.region if grant.seller is not None else ""
        if region and home and region != home:
            raise denied(f"The seller has not authorised the application in {region}.")
        found = self._routes.find(request.method, path)
        if found is None:
            raise self._nothing_there(request.method, path)
        operation, arguments = found
        seller_id = grant.seller.id if grant.seller is not None else None
        shown_region = region or home or REGIONS[0]
        return Call(
            operation=operation,
            path=path,
            arguments=arguments,
            query=request.query,
            body=await request.read(),
            grant=grant,
            base_url=self._base_url(request),
            sandbox=sandbox,
            caller=Caller(
                grant.application,
                seller_id,
                f"{SANDBOX}-{shown_region}" if sandbox else shown_region,
                operation.name,
            ),
        )

    def _nothing_there(self, method: str, path: str) -> RefusalError:
        removed = self._removed.find(method, path)
        if removed is None:
            return not_found("operation", f"The Selling Partner API has no {method} {path}.")
        gone, _ = removed
        return not_found("operation", f"{gone.name} was removed on {gone.removed}.")

    # ── answering ────────────────────────────────────────────────────────────────────────────────

    async def _answer(
        self, request: web.BaseRequest, call: Call, fault: Fault | None
    ) -> web.StreamResponse:
        if fault is not None and (early := await wire.instead(request, fault)) is not None:
            return early
        try:
            _check_token(call.operation, call.grant)
            answer = self._answering(call)(call)
            response = respond(answer.status, answer.body)
            response.headers.update(answer.headers)
        except RefusalError as exc:
            response = refuse(exc)
        if response.status in RATE_HEADER_STATUSES:
            plan = self._usage.plan(call.operation, call.caller.region)
            response.headers[RATE_HEADER] = f"{plan.rate_per_s:g}"
        return response if fault is None else await wire.on_top(request, response, fault)

    def _answering(self, call: Call) -> Answering:
        """Return what answers a call: in a sandbox only what exists nowhere else is played."""
        if call.sandbox and not call.operation.sandbox_only:
            return self._fallback
        return self._answers.get(call.operation.name, self._fallback)


def unserved(call: Call) -> Answer:
    """Refuse an operation that the simulator knows and does not play.

    Raises:
        RefusalError: Always.
    """
    raise RefusalError(
        501,
        "NotImplemented",
        f"The local SP-API knows {call.operation.name} and does not play it.",
        "Start it with --models DIR, a checkout of amzn/selling-partner-api-models, and it answers "
        "with the static sandbox cases that Amazon's model of the operation holds.",
    )


def split_base(path: str) -> tuple[bool, tuple[str, str]]:
    """Return whether a path is a sandbox's, and what `split_region` returns of the rest."""
    first, _, rest = path.removeprefix("/").partition("/")
    return (True, split_region("/" + rest)) if first == SANDBOX else (False, split_region(path))


def split_region(path: str) -> tuple[str, str]:
    """Return the region that a path begins with, or an empty string, and the path without it."""
    first, _, rest = path.removeprefix("/").partition("/")
    return (first, "/" + rest) if first in REGIONS else ("", path)


def _check_token(operation: Operation, grant: Grant) -> None:
    """Let a token through that is of the kind and scope that the operation takes.

    Raises:
        RefusalError: It is of another.
    """
    if grant.seller is not None:
        if operation.scope is not None and operation.id not in _EITHER_TOKEN:
            raise denied(f"The operation is grantless: it needs a token of {operation.scope}.")
    elif operation.scope is None:
        raise denied("The operation needs a seller's token; this one is grantless.")
    elif operation.scope not in (grant.scope or "").split():
        raise denied(f"The operation needs a token of {operation.scope}.")


def _asked_fault(request: web.BaseRequest) -> Fault | None:
    text = request.headers.get(FAULT_HEADER)
    if text is None:
        return None
    try:
        return parse_fault(text)
    except InvalidInputError as exc:
        raise bad_input(f"{FAULT_HEADER}: {exc}") from exc
