"""`gateway endpoints`: where events are posted to."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any

import orjson
import typer

from gateway.cli.context import opened_store, run, settings_of
from gateway.cli.faults import ExitCode
from gateway.cli.invocation import Invocation, invocation_of, new_app
from gateway.cli.output import Output
from gateway.cli.pages import After, Limit, ask, print_page
from gateway.cli.rows import endpoint_row
from gateway.clock import rfc3339
from gateway.delivery.egress import ResolutionError, check_url, vet
from gateway.delivery.headers import check_headers
from gateway.delivery.resolver import SystemResolver
from gateway.delivery.sender import Sender
from gateway.delivery.signing import encode_secret, new_secret
from gateway.delivery.verdict import Reply
from gateway.endpoints import Endpoint, EndpointState
from gateway.errors import InvalidInputError
from gateway.model import IdPrefix, new_id
from gateway.service.opening import egress_policy
from gateway.settings import Settings

app = new_app()

_PATTERN = re.compile(r"\*|[A-Za-z0-9_]+(\.[A-Za-z0-9_]+)*(\.\*)?")
_TEST_EVENT = "endpoint.test"
_LOOK_UP_S = 3.0

EndpointId = Annotated[str, typer.Argument(metavar="ID", help="Such as ep_….")]
Events = Annotated[
    list[str] | None,
    typer.Option("--events", help="Event type or pattern, such as order.*; may be repeated."),
]
Sellers = Annotated[
    list[str] | None,
    typer.Option("--seller", help="Only this seller's events; may be repeated."),
]
Description = Annotated[str | None, typer.Option(help="What it is for.")]
Concurrency = Annotated[int | None, typer.Option(min=1, max=1000, help="Requests at once.")]
TimeoutS = Annotated[
    float | None, typer.Option("--timeout-s", min=0.1, max=300, help="Deadline of one request.")
]
Headers = Annotated[
    list[str] | None, typer.Option("--header", help="NAME: VALUE, sent along; may be repeated.")
]


@app.callback()
def endpoints() -> None:
    """Manage the webhook endpoints that events go to."""


@app.command()
def add(  # noqa: PLR0913 one for each option of the command
    ctx: typer.Context,
    url: Annotated[str, typer.Argument(help="Where events are posted to.")],
    *,
    events: Events = None,
    seller: Sellers = None,
    description: Description = None,
    concurrency: Concurrency = None,
    timeout_s: TimeoutS = None,
    header: Headers = None,
) -> None:
    """Add an endpoint and print its signing secret."""
    invocation = invocation_of(ctx)
    settings = settings_of(invocation)
    now_ms = invocation.clock.now_ms()
    endpoint = Endpoint(
        id=new_id(IdPrefix.ENDPOINT, now_ms),
        url=url,
        created_at_ms=now_ms,
        updated_at_ms=now_ms,
        secrets=(new_secret(now_ms),),
    )
    options = _options(events, seller, description, concurrency, timeout_s, header)
    endpoint = replace(endpoint, **options)

    async def work() -> None:
        await _vet(endpoint, invocation, settings)
        async with opened_store(invocation, settings) as store:
            await store.endpoints.add(endpoint)

    run(work())
    secret = encode_secret(endpoint.secrets[0])
    text = f"Added {endpoint.id}. Verify its webhooks with this secret:\n{secret}"
    Output(invocation).value({**endpoint_row(endpoint), "secret": secret}, text=text)


@app.command("list")
def list_(ctx: typer.Context, *, after: After = None, limit: Limit = 100) -> None:
    """List the endpoints in the order they were added."""
    print_page(
        invocation_of(ctx),
        lambda store, count: store.endpoints.list(after=after or "", limit=count),
        limit=limit,
        columns=("id", "url", "state", "event_types", "seller_ids", "description"),
        row=_list_row,
    )


@app.command()
def show(ctx: typer.Context, endpoint_id: EndpointId) -> None:
    """Show one endpoint."""
    invocation = invocation_of(ctx)
    endpoint = ask(invocation, lambda store: store.endpoints.get(endpoint_id))
    Output(invocation).value(endpoint_row(endpoint))


@app.command()
def update(  # noqa: PLR0913 one for each option of the command
    ctx: typer.Context,
    endpoint_id: EndpointId,
    *,
    url: Annotated[str | None, typer.Option(help="Another URL.")] = None,
    events: Events = None,
    seller: Sellers = None,
    all_sellers: Annotated[bool, typer.Option("--all-sellers", help="Of every seller.")] = False,
    description: Description = None,
    concurrency: Concurrency = None,
    timeout_s: TimeoutS = None,
    header: Headers = None,
    enable: Annotated[
        bool | None, typer.Option("--enable/--disable", help="Deliver, or hold deliveries.")
    ] = None,
) -> None:
    """Change what is given, keep the rest."""
    invocation = invocation_of(ctx)
    settings = settings_of(invocation)
    changes = _options(events, seller, description, concurrency, timeout_s, header)
    if url is not None:
        changes["url"] = url
    if all_sellers:
        changes["seller_ids"] = ()
    if enable is not None:
        changes["state"] = EndpointState.ENABLED if enable else EndpointState.DISABLED
        changes["disabled_reason"] = None if enable else "disabled by the operator"

    async def work() -> Endpoint:
        async with opened_store(invocation, settings) as store:
            changed = replace(await store.endpoints.get(endpoint_id), **changes)
            if {"url", "headers"} & changes.keys():
                await _vet(changed, invocation, settings)
            await store.endpoints.update(changed)
            return await store.endpoints.get(endpoint_id)

    Output(invocation).value(endpoint_row(run(work())))


@app.command()
def delete(ctx: typer.Context, endpoint_id: EndpointId) -> None:
    """Remove an endpoint; deliveries that wait for it are cancelled."""
    invocation = invocation_of(ctx)
    ask(invocation, lambda store: store.endpoints.delete(endpoint_id))
    Output(invocation).value({"id": endpoint_id, "deleted": True}, text=f"Deleted {endpoint_id}.")


@app.command()
def test(ctx: typer.Context, endpoint_id: EndpointId) -> None:
    """Post one signed event of type endpoint.test and show the answer; exit 1 if it fails."""
    invocation = invocation_of(ctx)
    settings = settings_of(invocation)
    endpoint = ask(invocation, lambda store: store.endpoints.get(endpoint_id))
    event_id = new_id(IdPrefix.EVENT, invocation.clock.now_ms())
    reply = run(_post_test(endpoint, event_id, invocation, settings))
    value = {
        "id": endpoint_id,
        "event_id": event_id,
        "delivered": reply.error_class is None,
        "status": reply.status,
        "error_class": reply.error_class,
        "error": reply.error,
        "duration_ms": reply.duration_ms,
        "address": reply.address,
        "answer": reply.answer.decode("utf-8", "replace"),
    }
    Output(invocation).value(value)
    if reply.error_class is not None:
        raise typer.Exit(ExitCode.FAILED)


def _list_row(endpoint: Endpoint) -> dict[str, Any]:
    row = endpoint_row(endpoint)
    del row["secrets"]  # a list does not read them
    return row


async def _post_test(
    endpoint: Endpoint, event_id: str, invocation: Invocation, settings: Settings
) -> Reply:
    now = rfc3339(invocation.clock.now_ms())
    body = orjson.dumps({"type": _TEST_EVENT, "timestamp": now, "data": {"endpoint": endpoint.id}})
    resolver = SystemResolver(invocation.clock, budget_s=_LOOK_UP_S, threads=2)
    try:
        async with Sender(
            egress_policy(settings),
            resolver,
            invocation.clock,
            timeout_s=settings.delivery.timeout_s,
            connections=1,
        ) as sender:
            return await sender.send(sender.prepare(endpoint), event_id=event_id, body=body)
    finally:
        resolver.close()


def _options(
    events: list[str] | None,
    sellers: list[str] | None,
    description: str | None,
    concurrency: int | None,
    timeout_s: float | None,
    headers: list[str] | None,
) -> dict[str, Any]:
    """Return the members of an endpoint that options name; those not given are left out."""
    for pattern in events or ():
        if not _PATTERN.fullmatch(pattern):
            raise InvalidInputError(f"--events: {pattern!r} is no pattern; write order.* or *")
    given = {
        "event_types": tuple(events) if events else None,
        "seller_ids": tuple(sellers) if sellers else None,
        "description": description,
        "concurrency": concurrency,
        "timeout_s": timeout_s,
        "headers": _parsed_headers(headers) if headers else None,
    }
    return {name: value for name, value in given.items() if value is not None}


def _parsed_headers(headers: list[str]) -> Mapping[str, str]:
    parsed = {}
    for header in headers:
        name, colon, value = header.partition(":")
        if not colon:
            raise InvalidInputError("--header: there is no colon; write NAME: VALUE")
        parsed[name.strip()] = value.strip()
    check_headers(parsed)
    return parsed


async def _vet(endpoint: Endpoint, invocation: Invocation, settings: Settings) -> None:
    """Refuse a URL that no attempt would be made to; a name that has no address yet is only noted.

    Raises:
        InvalidInputError: The URL is refused by the address guard.
    """
    policy = egress_policy(settings)
    target = check_url(endpoint.url, policy)
    resolver = SystemResolver(invocation.clock, budget_s=_LOOK_UP_S, threads=2)
    try:
        await vet(target, policy, resolver)
    except ResolutionError as exc:
        Output(invocation).note(f"note: {exc}")
    finally:
        resolver.close()
