"""The operations over HTTP: token, region, usage plan, faults, then the answer.

The order of the checks is Amazon's as far as it shows from outside. Unknown query keys are ignored.
A call counts from the moment its token, region and operation are known to be good.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from gateway.errors import InvalidInputError
from gateway.simulator.spapi import operations, wire
from gateway.simulator.spapi.accounts import REGIONS, Grant, Seller, TokenState
from gateway.simulator.spapi.answers import (
    RATE_HEADER,
    RATE_HEADER_STATUSES,
    RefusalError,
    bad_input,
    denied,
    over_quota,
    refuse,
    respond,
)
from gateway.simulator.spapi.faults import Fault, SpApiFaults, parse_fault
from gateway.simulator.spapi.order_views import INCLUDED_DATA, order_2026, order_v0
from gateway.simulator.spapi.restricted import asked_resources, opened_elements
from gateway.simulator.spapi.usage import Caller, Usage

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from aiohttp import web
    from multidict import MultiMapping

    from gateway.simulator.orders import Order, OrderBook
    from gateway.simulator.spapi.accounts import Accounts
    from gateway.simulator.spapi.operations import Operation

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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Call:
    """A call whose token, region and operation are known to be good."""

    operation: Operation
    path: str
    arguments: Mapping[str, str]
    query: MultiMapping[str]
    body: bytes
    grant: Grant
    caller: Caller


class SpApi:
    """The local SP-API behind one handler."""

    def __init__(
        self, accounts: Accounts, orders: OrderBook, *, usage: Usage, faults: SpApiFaults
    ) -> None:
        self._accounts = accounts
        self._orders = orders
        self._usage = usage
        self._faults = faults
        self._routes = operations.Routes()
        self._answers: Mapping[str, Callable[[_Call], Mapping[str, Any]]] = {
            operations.GET_ORDER.name: self._get_order,
            operations.GET_ORDER_V0.name: self._get_order_v0,
            operations.CREATE_RESTRICTED_DATA_TOKEN.name: self._create_restricted_data_token,
        }

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """Return the answer to one request; never raises for what the client sent."""
        try:
            fault = _asked_fault(request)
            call = await self._admit(request)
        except RefusalError as exc:
            return refuse(exc)
        self._usage.came(call.caller)
        response: web.StreamResponse
        if not self._usage.take(call.caller, self._usage.plan(call.operation)):
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

    async def _admit(self, request: web.BaseRequest) -> _Call:
        """Return what is called and by whom.

        Raises:
            RefusalError: The headers, the token or the region are wrong, or nothing is there.
        """
        region, path = split_region(request.path)
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
            raise RefusalError(
                501,
                "NotImplemented",
                f"The local SP-API does not serve {request.method} {path}.",
                "It serves " + ", ".join(served.name for served in operations.SERVED) + ".",
            )
        operation, arguments = found
        seller_id = grant.seller.id if grant.seller is not None else None
        return _Call(
            operation=operation,
            path=path,
            arguments=arguments,
            query=request.query,
            body=await request.read(),
            grant=grant,
            caller=Caller(
                grant.application, seller_id, region or home or REGIONS[0], operation.name
            ),
        )

    # ── answering ────────────────────────────────────────────────────────────────────────────────

    async def _answer(
        self, request: web.BaseRequest, call: _Call, fault: Fault | None
    ) -> web.StreamResponse:
        if fault is not None and (early := await wire.instead(request, fault)) is not None:
            return early
        try:
            response = respond(200, self._answers[call.operation.name](call))
        except RefusalError as exc:
            response = refuse(exc)
        if response.status in RATE_HEADER_STATUSES:
            response.headers[RATE_HEADER] = f"{self._usage.plan(call.operation).rate_per_s:g}"
        return response if fault is None else await wire.on_top(request, response, fault)

    def _get_order(self, call: _Call) -> Mapping[str, Any]:
        included = {
            name
            for text in call.query.getall("includedData", [])
            for name in text.split(",")
            if name
        }
        if unknown := included - INCLUDED_DATA:
            raise bad_input("includedData is invalid.", ", ".join(sorted(unknown)))
        return {"order": order_2026(self._order(call), included)}

    def _get_order_v0(self, call: _Call) -> Mapping[str, Any]:
        opened = opened_elements(call.grant, path=call.path, template=call.operation.path)
        return {"payload": order_v0(self._order(call), opened)}

    def _create_restricted_data_token(self, call: _Call) -> Mapping[str, Any]:
        _seller(call)
        if call.grant.data_elements is not None:
            raise denied("A restricted data token can't mint another.")
        token = self._accounts.restrict(call.grant, asked_resources(call.body))
        return {"restrictedDataToken": token, "expiresIn": self._accounts.token_life_s}

    def _order(self, call: _Call) -> Order:
        seller = _seller(call)
        order = self._orders.find(seller.id, call.arguments["orderId"], seller.marketplaces)
        if order is None:
            raise RefusalError(
                404, "NotFound", "The requested order does not exist.", call.arguments["orderId"]
            )
        return order


def split_region(path: str) -> tuple[str, str]:
    """Return the region that a path begins with, or an empty string, and the path without it."""
    first, _, rest = path.removeprefix("/").partition("/")
    return (first, "/" + rest) if first in REGIONS else ("", path)


def _seller(call: _Call) -> Seller:
    if call.grant.seller is None:
        raise denied("The operation needs a seller's token; this one is grantless.")
    return call.grant.seller


def _asked_fault(request: web.BaseRequest) -> Fault | None:
    text = request.headers.get(FAULT_HEADER)
    if text is None:
        return None
    try:
        return parse_fault(text)
    except InvalidInputError as exc:
        raise bad_input(f"{FAULT_HEADER}: {exc}") from exc
