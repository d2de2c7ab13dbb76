"""`gateway jobs`: work that no notification starts: ask for it, and see how it stands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import orjson
import typer

from gateway.cli.context import opened_store, run, settings_of
from gateway.cli.invocation import find_modules_here, invocation_of, new_app
from gateway.cli.output import Output
from gateway.cli.pages import After, Limit, Seller, ask, print_page
from gateway.cli.rows import body_value, plain
from gateway.clock import rfc3339
from gateway.dispatch.registry import Registry, load_registry
from gateway.errors import InvalidInputError, NotFoundError
from gateway.jobs.desk import JobDesk, JobWish, RequestedJob
from gateway.jobs.slots import next_slot_ms
from gateway.model import HandlingState
from gateway.service import parts
from gateway.settings import Settings

app = new_app()


@app.callback()
def jobs() -> None:
    """Run jobs and see how they stand."""


@app.command("run")
def run_(  # noqa: PLR0913 its options, named
    ctx: typer.Context,
    job: Annotated[str, typer.Argument(metavar="JOB", help="Such as invoices_export.")],
    *,
    seller: Annotated[
        list[str] | None, typer.Option(help="For this seller; may be repeated.")
    ] = None,
    all_sellers: Annotated[
        bool, typer.Option("--all-sellers", help="For every seller that is not paused.")
    ] = False,
    marketplace: Annotated[
        str | None, typer.Option(help="Marketplace id; chooses the region too.")
    ] = None,
    date_start: Annotated[
        str | None, typer.Option("--from", metavar="DATE", help="Its option date_start.")
    ] = None,
    date_end: Annotated[
        str | None, typer.Option("--to", metavar="DATE", help="Its option date_end.")
    ] = None,
    option: Annotated[
        list[str] | None, typer.Option(metavar="NAME=VALUE", help="An option; may be repeated.")
    ] = None,
) -> None:
    """Request a job; a running gateway does it. Prints the requests' ids."""
    if not seller and not all_sellers:
        raise InvalidInputError("for whom? Give --seller ID, or --all-sellers")
    invocation = invocation_of(ctx)
    settings = settings_of(invocation)
    registry = _registry(settings)
    wish = JobWish(
        job=job,
        seller_ids=seller or (),
        all_sellers=all_sellers,
        marketplace_id=marketplace,
        options=_options(option or (), date_start=date_start, date_end=date_end),
    )

    async def work() -> Sequence[RequestedJob]:
        async with opened_store(invocation, settings) as store:
            desk = JobDesk(registry, store.schedule_runs.active_sellers, invocation.clock)
            return await desk.request(wish, store.inbox)

    requested = [plain(one) for one in run(work())]
    Output(invocation).items(requested, columns=("id", "job", "seller_id"))


@app.command("list")
def list_(
    ctx: typer.Context,
    *,
    job: Annotated[str | None, typer.Option(help="Only of this name.")] = None,
    seller: Seller = None,
    state: Annotated[HandlingState | None, typer.Option(help="Only in this state.")] = None,
    after: After = None,
    limit: Limit = 50,
) -> None:
    """List jobs, the newest first."""
    print_page(
        invocation_of(ctx),
        lambda store, count: store.jobs.list(
            after=after, limit=count, job=job, seller_id=seller, state=state
        ),
        limit=limit,
        columns=("id", "job", "seller_id", "origin", "requested_at", "state", "due_at", "error"),
    )


@app.command()
def show(
    ctx: typer.Context,
    request_id: Annotated[str, typer.Argument(metavar="ID", help="Such as ntf_….")],
) -> None:
    """Show one job with its options, what it keeps between runs, and its handlings."""
    invocation = invocation_of(ctx)

    async def question(store: Any) -> dict[str, Any]:
        found = await store.jobs.find(request_id)
        if found is None:
            raise NotFoundError(f"there is no job {request_id}")
        detail = await store.queries.notification(request_id)
        row = plain(found)
        row["options"] = body_value(detail.notification.body)["Payload"]["options"]
        row["handlings"] = [plain(handling) for handling in detail.handlings]
        return row

    Output(invocation).value(ask(invocation, question))


@app.command()
def schedules(ctx: typer.Context) -> None:
    """List the schedules of the settings, with the next time of each."""
    invocation = invocation_of(ctx)
    settings = settings_of(invocation)
    now_ms = invocation.clock.now_ms()
    rows = []
    for one in parts.schedules(settings, _registry(settings)):
        slot_ms = next_slot_ms(one, now_ms)
        rows.append(
            {
                "name": one.name,
                "job": one.job,
                "cron": one.cron,
                "every_s": one.every_s,
                "time_zone": one.time_zone,
                "sellers": list(one.seller_ids) or "all",
                "jitter_s": one.jitter_s,
                "options": dict(one.options),
                "next": None if slot_ms is None else rfc3339(slot_ms),
            }
        )
    Output(invocation).items(rows, columns=("name", "job", "cron", "every_s", "sellers", "next"))


def _registry(settings: Settings) -> Registry:
    find_modules_here()
    return load_registry(settings.handlers.modules)


def _options(
    options: Sequence[str], *, date_start: str | None, date_end: str | None
) -> dict[str, Any]:
    """Return the options as values: JSON where they are JSON, else text."""
    given: dict[str, Any] = {}
    for option in options:
        name, equals, text = option.partition("=")
        if not name or not equals:
            raise InvalidInputError(f"--option {option}: write NAME=VALUE")
        given[name] = _value(text)
    dates = {"date_start": date_start, "date_end": date_end}
    return given | {name: day for name, day in dates.items() if day is not None}


def _value(text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text
