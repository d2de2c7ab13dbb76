"""`gateway endpoints`: where events are posted to."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any

import typer

from gateway.cli import bulk
from gateway.cli.changing import entry
from gateway.cli.context import opened_store, run, settings_of
from gateway.cli.endpoint_options import (
    described,
    tried,
    vetted,
)
from gateway.cli.faults import ExitCode
from gateway.cli.invocation import invocation_of, new_app
from gateway.cli.output import Output
from gateway.cli.pages import After, Limit, ask, print_page
from gateway.cli.rows import endpoint_row, plain
from gateway.cli.times import TIME_HELP, time_ms
from gateway.delivery.signing import (
    ED25519,
    HMAC_SHA256,
    encode_secret,
    encode_verifier,
    new_secret,
)
from gateway.endpoints import Endpoint, EndpointState
from gateway.errors import InvalidInputError
from gateway.model import IdPrefix, new_id
from gateway.operations import (
    DEFAULT_CONCURRENCY,
    OperationKind,
    RedeliverState,
    Selection,
)
from gateway.store.audit import AuditEntry

app = new_app()

_DAY_S = 86_400

EndpointId = Annotated[str, typer.Argument(metavar="ID", help="Such as ep_….")]


@app.callback()
def endpoints() -> None:
    """Manage the webhook endpoints that events go to."""


@app.command()
@described
def add(
    ctx: typer.Context,
    url: Annotated[str, typer.Argument(help="Where events are posted to.")],
    *,
    changes: dict[str, Any],
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
    endpoint = replace(endpoint, **changes)
    made = _entry(ctx, "endpoint.create", endpoint, {"url": url} | changes)

    async def work() -> None:
        await vetted(endpoint, invocation, settings)
        async with opened_store(invocation, settings) as store:
            await store.changing(made).endpoints.add(endpoint)

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
    """Show one endpoint, and how it has answered lately."""
    invocation = invocation_of(ctx)
    endpoint = ask(invocation, lambda store: store.endpoints.get(endpoint_id))
    healths = ask(invocation, lambda store: store.queries.endpoint_health())
    health = [plain(one) for one in healths if one.endpoint_id == endpoint_id]
    Output(invocation).value({**endpoint_row(endpoint), "health": health[0] if health else None})


@app.command()
@described
def update(
    ctx: typer.Context,
    endpoint_id: EndpointId,
    *,
    url: Annotated[str | None, typer.Option(help="Another URL.")] = None,
    changes: dict[str, Any],
    all_sellers: Annotated[bool, typer.Option("--all-sellers", help="Of every seller.")] = False,
    enable: Annotated[
        bool | None, typer.Option("--enable/--disable", help="Deliver, or hold deliveries.")
    ] = None,
) -> None:
    """Change what is given, keep the rest; what waits is sent by the new properties."""
    invocation = invocation_of(ctx)
    settings = settings_of(invocation)
    changes = changes if url is None else {"url": url} | changes
    if all_sellers:
        changes["seller_ids"] = ()
    if enable is not None:
        changes["state"] = EndpointState.ENABLED if enable else EndpointState.DISABLED
        changes["disabled_reason"] = None if enable else "disabled by the operator"

    async def work() -> Endpoint:
        async with opened_store(invocation, settings) as store:
            changed = replace(await store.endpoints.get(endpoint_id), **changes)
            if changes.keys() - {"state", "disabled_reason"}:
                await vetted(changed, invocation, settings)
            made = _entry(ctx, "endpoint.update", changed, changes)
            await store.changing(made).endpoints.update(changed)
            return await store.endpoints.get(endpoint_id)

    Output(invocation).value(endpoint_row(run(work())))


@app.command("rotate-secret")
def rotate_secret(
    ctx: typer.Context,
    endpoint_id: EndpointId,
    *,
    kind: Annotated[
        str, typer.Option(help="v1 (shared key, HMAC-SHA256) or v1a (key pair, Ed25519).")
    ] = HMAC_SHA256,
    overlap_s: Annotated[
        int, typer.Option(min=0, max=30 * _DAY_S, help="How long the old keys sign as well.")
    ] = _DAY_S,
) -> None:
    """Make a new signing key and print it; the old ones sign beside it for a while.

    A key of the other kind is added in the same way: until the old ones end, both sign.
    """
    if kind not in (HMAC_SHA256, ED25519):
        raise InvalidInputError("--kind: write v1 or v1a")
    invocation = invocation_of(ctx)
    now_ms = invocation.clock.now_ms()
    secret = new_secret(now_ms, kind=kind)
    ends_at_ms = now_ms + overlap_s * 1000
    noted = entry(
        invocation.clock,
        "secret.rotate",
        endpoint_id,
        changes={"secret_id": secret.id, "kind": kind, "overlap_s": overlap_s},
    )
    ask(
        invocation,
        lambda store: store.changing(noted).endpoints.rotate_secret(
            endpoint_id, secret, expire_others_at_ms=ends_at_ms
        ),
    )
    endpoint = ask(invocation, lambda store: store.endpoints.get(endpoint_id))
    written, verifier = encode_secret(secret), encode_verifier(secret)
    row = {"id": endpoint_id, "secret_id": secret.id, "kind": kind, "secret": written}
    row |= {"verifies_with": verifier, "secrets": endpoint_row(endpoint)["secrets"]}
    text = f"The old keys of {endpoint_id} sign for {overlap_s} s more. Verify with:\n{verifier}"
    Output(invocation).value(row, text=text)


@app.command()
def delete(ctx: typer.Context, endpoint_id: EndpointId) -> None:
    """Remove an endpoint; deliveries that wait for it are cancelled."""
    invocation = invocation_of(ctx)
    made = entry(invocation.clock, "endpoint.delete", endpoint_id)
    ask(invocation, lambda store: store.changing(made).endpoints.delete(endpoint_id))
    Output(invocation).value({"id": endpoint_id, "deleted": True}, text=f"Deleted {endpoint_id}.")


@app.command()
def backfill(  # noqa: PLR0913 one for each option of the command
    ctx: typer.Context,
    endpoint_id: EndpointId,
    *,
    from_: Annotated[str, typer.Option("--from", metavar="TIME", help=TIME_HELP)],
    rate: bulk.Rate = None,
    concurrency: bulk.Concurrency = DEFAULT_CONCURRENCY,
    dry_run: bulk.DryRun = False,
    count_all: bulk.CountAll = False,
    wait: bulk.Wait = False,
) -> None:
    """Send an endpoint the events that it takes and never got, from a time on, as an operation."""
    invocation = invocation_of(ctx)
    now_ms = invocation.clock.now_ms()
    bulk.begin(
        invocation,
        OperationKind.BACKFILL,
        Selection(
            from_ms=time_ms(from_, "--from", now_ms),
            to_ms=now_ms,
            endpoint_id=endpoint_id,
            state=RedeliverState.NEVER.value,
        ),
        rate_per_s=rate,
        concurrency=concurrency,
        dry_run=dry_run,
        count_all=count_all,
        wait=wait,
    )


@app.command()
def test(ctx: typer.Context, endpoint_id: EndpointId) -> None:
    """Post one signed event of type endpoint.test and show the answer; exit 1 if it fails."""
    invocation = invocation_of(ctx)
    settings = settings_of(invocation)
    endpoint = ask(invocation, lambda store: store.endpoints.get(endpoint_id))
    event_id, reply = run(tried(endpoint, invocation, settings))
    value = {
        "id": endpoint_id,
        "event_id": event_id,
        "delivered": reply.error_class is None,
        "status": reply.status,
        "error_class": reply.error_class,
        "error": reply.error,
        "duration_ms": reply.duration_ms,
        **reply.timings._asdict(),
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


def _entry(
    ctx: typer.Context, action: str, endpoint: Endpoint, changes: dict[str, Any]
) -> AuditEntry:
    """Return the audit log's entry: the new values, of credentials and headers the names only."""
    row = endpoint_row(endpoint)
    shown = {name: row.get(name) for name in changes}
    if "headers" in shown:
        shown["headers"] = sorted(endpoint.headers)
    clock = invocation_of(ctx).clock
    return entry(clock, action, endpoint.id, tenant=endpoint.tenant, changes=shown)
