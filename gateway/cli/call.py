"""`gateway call`: any operation of the Selling Partner API, through the service's own client.

Tokens, usage plans and sellers are those of the store, so a call beside a running gateway takes its
turn with the handlers' calls. Amazon's answer may hold personal data; it goes to stdout alone.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

import typer

from gateway.cli.amazon import opened_client
from gateway.cli.arguments import read_body, read_headers, read_parameters
from gateway.cli.context import opened_store, run, settings_of
from gateway.cli.invocation import Invocation, invocation_of
from gateway.cli.output import Output
from gateway.cli.sellers import RegionName
from gateway.clock import Clock, rfc3339
from gateway.errors import InvalidInputError
from gateway.service.calls import write_sellers
from gateway.spapi.calls import ApplicationCalls, SellerCalls
from gateway.spapi.catalog import Catalog
from gateway.spapi.client import SpApiClient
from gateway.spapi.pagination import MAX_PAGES, PageNotReadyError
from gateway.spapi.throttle import CallDeferred

app = typer.Typer(add_completion=False, rich_markup_mode=None)

T = TypeVar("T")
Calls = SellerCalls | ApplicationCalls


@app.command()
def call(  # noqa: PLR0913 each is an option of the command
    ctx: typer.Context,
    name: Annotated[
        str,
        typer.Argument(help="api.version.operation, a unique operation id, or 'METHOD /path'."),
    ],
    parameters: Annotated[
        list[str] | None,
        typer.Argument(metavar="KEY=VALUE...", help="By Amazon's names: path, query, header."),
    ] = None,
    *,
    seller: Annotated[str | None, typer.Option(help="In whose name.")] = None,
    application: Annotated[
        str | None, typer.Option(help="A grantless call of this application, with --region.")
    ] = None,
    region: Annotated[
        RegionName | None, typer.Option(help="Where the seller has several authorisations.")
    ] = None,
    body: Annotated[
        str | None, typer.Option(metavar="JSON|@FILE|-", help="The request's body; - for stdin.")
    ] = None,
    header: Annotated[
        list[str] | None, typer.Option(metavar="NAME:VALUE", help="May be repeated.")
    ] = None,
    restricted: Annotated[
        bool, typer.Option("--restricted", help="Ask for personal data, or a restricted report.")
    ] = False,
    data_element: Annotated[
        list[str] | None,
        typer.Option(help="Only this personal data of Orders v0, such as buyerInfo; repeatable."),
    ] = None,
    all_pages: Annotated[bool, typer.Option("--all-pages", help="Of a list, every page.")] = False,
    start: Annotated[
        str | None, typer.Option(metavar="TOKEN", help="Begin there: the next_cursor.")
    ] = None,
    max_pages: Annotated[int, typer.Option(min=1, help="At most so many.")] = MAX_PAGES,
) -> None:
    """Call an operation of the Selling Partner API inside its usage plan; waits as long as needed.

    A list is joined by commas (key=a,b); a key that is given twice is sent twice.
    """
    invocation = invocation_of(ctx)
    Catalog.load().find(name)  # what can't be right fails before anything is opened
    wanted: dict[str, Any] = {
        **read_parameters(parameters or ()),
        "body": read_body(body),
        "headers": read_headers(header or ()),
    }
    if restricted or data_element:
        wanted["restricted"] = data_element or True
    whom = _whom(seller, application, region)
    if whom.seller_id is None and "restricted" in wanted:
        raise InvalidInputError("--restricted: a grantless call has no personal data")

    async def ask(calls: Calls, patience: Patience) -> Mapping[str, Any]:
        if not all_pages and start is None:
            return await patience.wait_out(lambda: calls.call(name, **wanted), calls)
        most = max_pages if all_pages else 1
        pages = calls.paginate(name, start=start, max_pages=most + 1, **wanted)
        answers: list[Mapping[str, Any]] = []
        token: str | None = None
        while len(answers) < most:
            page = await patience.wait_out(lambda: anext(pages, None), calls)
            if page is None:
                break
            answers.append(page.answer)
            token = page.next_token
        return {"items": answers, "next_cursor": token}

    answer = run(_with_calls(invocation, whom, ask))
    Output(invocation).document(answer)


@dataclass(frozen=True, kw_only=True)
class Whom:
    """In whose name a call is made.

    Attributes:
        seller_id: None for an application.
        calls: Makes the calls of a client.
    """

    seller_id: str | None
    calls: Callable[[SpApiClient], Calls]


@dataclass(frozen=True, kw_only=True)
class Patience:
    """Waits as long as usage plans want, and says so on stderr."""

    output: Output
    clock: Clock

    async def wait_out(self, step: Callable[[], Awaitable[T]], calls: Calls) -> T:
        """Return what `step` gives, in the end."""
        while True:
            try:
                return await step()
            except CallDeferred as deferred:
                calls.slot = deferred.slot
                wait_s = max(0, deferred.until_ms - self.clock.now_ms()) / 1000
                self._say(f"{deferred.operation} waits for its usage plan", wait_s)
            except PageNotReadyError as exc:
                wait_s = exc.retry_after_s or 0.0
                self._say(str(exc), wait_s)
            await self.clock.sleep(wait_s)

    def _say(self, why: str, wait_s: float) -> None:
        until = rfc3339(self.clock.now_ms() + round(wait_s * 1000))
        self.output.note(f"{why}: {wait_s:.0f} s, until {until}.")


def _whom(seller: str | None, application: str | None, region: RegionName | None) -> Whom:
    if seller is not None and application is None:
        return Whom(seller_id=seller, calls=lambda client: client.for_seller(seller, region))
    if application is None or seller is not None:
        raise InvalidInputError("name --seller, or --application for a grantless call")
    if region is None:
        raise InvalidInputError("--application needs --region: na, eu or fe")
    return Whom(seller_id=None, calls=lambda client: client.for_application(application, region))


async def _with_calls(
    invocation: Invocation,
    whom: Whom,
    ask: Callable[[Calls, Patience], Awaitable[Mapping[str, Any]]],
) -> Mapping[str, Any]:
    settings, clock = settings_of(invocation), invocation.clock
    async with opened_store(invocation, settings) as store:
        if whom.seller_id is None or not await store.sellers.of(whom.seller_id):
            # Those of the settings are not in the store before a gateway has run.
            await write_sellers(settings, store)
        async with opened_client(settings, store, clock=clock) as client:
            patience = Patience(output=Output(invocation), clock=clock)
            return await ask(whom.calls(client), patience)
