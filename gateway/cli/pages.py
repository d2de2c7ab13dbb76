"""Lists in pages: the options that every list takes, and how one page is fetched and printed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Any

import typer

from gateway.cli.context import opened_store, run, settings_of
from gateway.cli.invocation import Invocation
from gateway.cli.output import Output
from gateway.cli.rows import plain
from gateway.store import Store
from gateway.store.listing import Scan

After = Annotated[
    str | None, typer.Option(metavar="ID", help="Go on behind this one: the next_cursor.")
]
Limit = Annotated[int, typer.Option(min=1, max=1000, help="At most so many.")]
Body = Annotated[bool, typer.Option("--body", help="With its body, which may hold customer data.")]
OfType = Annotated[str | None, typer.Option("--type", help="Only this type, such as ORDER_CHANGE.")]
Seller = Annotated[str | None, typer.Option(help="Only of this seller.")]
Marketplace = Annotated[
    str | None, typer.Option(metavar="ID", help="Only of this marketplace, such as A1PA6795UKMFR9.")
]
Order = Annotated[str | None, typer.Option(metavar="ID", help="Only about this order.")]
Sku = Annotated[str | None, typer.Option(metavar="SKU", help="Only about this SKU.")]
Report = Annotated[
    str | None,
    typer.Option(
        metavar="ID", help="Only about this report, feed, Data Kiosk query or document of one."
    ),
]


def print_page(
    invocation: Invocation,
    fetch: Callable[[Store, int], Awaitable[Sequence[Any]]],
    *,
    limit: int,
    columns: Sequence[str],
    row: Callable[[Any], dict[str, Any]] = plain,
) -> None:
    """Fetch one page and print it.

    Args:
        invocation: What the call was given.
        fetch: Asks the store for so many records.
        limit: Most that are printed; one more is asked for, to know whether there are more.
        columns: What a person sees.
        row: Makes an object of a record, which has an `id`.
    """
    found = ask(invocation, lambda store: fetch(store, limit + 1))
    page = found[:limit]
    Output(invocation).items(
        [row(record) for record in page],
        columns=columns,
        next_cursor=page[-1].id if len(found) > limit else None,
    )


def print_scan(
    invocation: Invocation,
    fetch: Callable[[Store, int], Awaitable[Scan[Any]]],
    *,
    limit: int,
    columns: Sequence[str],
) -> None:
    """Fetch one page of what was found in the rows that were looked through, and print it.

    Args:
        invocation: What the call was given.
        fetch: Asks the store for so many records.
        limit: Most that are printed.
        columns: What a person sees.
    """
    found = ask(invocation, lambda store: fetch(store, limit))
    Output(invocation).items(
        [plain(record) for record in found.items], columns=columns, next_cursor=found.after
    )


def ask(invocation: Invocation, question: Callable[[Store], Awaitable[Any]]) -> Any:
    """Open the store, ask it one thing, close it again."""
    settings = settings_of(invocation)

    async def work() -> Any:
        async with opened_store(invocation, settings) as store:
            return await question(store)

    return run(work())
