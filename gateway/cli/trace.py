"""`gateway trace`: the whole story of one thing, in the order of time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import typer

from gateway.cli.invocation import invocation_of, new_app
from gateway.cli.output import Output
from gateway.cli.pages import ask
from gateway.cli.rows import plain
from gateway.store.traces import TraceStep

app = new_app()


@app.command()
def trace(
    ctx: typer.Context,
    thing_id: Annotated[
        str,
        typer.Argument(
            metavar="ID",
            help="Of a notification (ours or Amazon's), handling, event, delivery, attempt, order,"
            " report, feed or document, or of an SQS message.",
        ),
    ],
) -> None:
    """Tell the whole story of one thing, in the order of time.

    What was received, and received again, to which handlers it was owed, which calls they made and
    what became of it, which events and deliveries came of it, each attempt, and what was replayed
    or sent again.
    """
    invocation = invocation_of(ctx)
    steps = ask(invocation, lambda store: store.traces.trace(thing_id))
    Output(invocation).items(
        [_row(step, as_json=invocation.json) for step in steps],
        columns=("at", "what", "id", "of", "details"),
    )


def _row(step: TraceStep, *, as_json: bool) -> dict[str, Any]:
    row = plain(step)
    if not as_json:
        row["details"] = " ".join(_words(row["details"]))
    return row


def _words(details: Mapping[str, Any]) -> Iterator[str]:
    for name, value in details.items():
        if value not in (None, False, 0):
            yield f"{name}={value}"
