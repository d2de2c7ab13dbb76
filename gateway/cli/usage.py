"""`gateway usage`: how many calls were made to Amazon."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any

import typer

from gateway.cli.invocation import invocation_of, new_app
from gateway.cli.output import Output
from gateway.cli.pages import After, Limit, Seller, ask
from gateway.store.usage import UsageFilter, cursor
from gateway.usage import UsageCount

app = new_app()


@app.command()
def usage(
    ctx: typer.Context,
    *,
    seller: Seller = None,
    operation: Annotated[
        str | None, typer.Option(metavar="NAME", help="Only of this operation, by full name or id.")
    ] = None,
    from_day: Annotated[
        datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="First day, in UTC.")
    ] = None,
    to_day: Annotated[
        datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="Last day, in UTC.")
    ] = None,
    after: After = None,
    limit: Limit = 200,
) -> None:
    """Count the requests sent to Amazon, by day, seller, operation, method and outcome."""
    invocation = invocation_of(ctx)
    wanted = UsageFilter(
        seller_id=seller,
        operation=operation,
        from_day=None if from_day is None else f"{from_day:%Y-%m-%d}",
        to_day=None if to_day is None else f"{to_day:%Y-%m-%d}",
    )
    found = ask(invocation, lambda store: store.usage.list(wanted, after=after, limit=limit + 1))
    page = found[:limit]
    Output(invocation).items(
        [_row(count) for count in page],
        columns=("day", "seller_id", "operation", "method", "outcome", "calls"),
        next_cursor=cursor(page[-1]) if len(found) > limit else None,
    )


def _row(count: UsageCount) -> dict[str, Any]:
    row = {**asdict(count.called), "calls": count.calls}
    row["seller_id"] = row["seller_id"] or None
    return row
