"""`gateway deliveries`: what was sent, how endpoints answered, and sending it again."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from gateway.cli.changing import entry
from gateway.cli.faults import ExitCode
from gateway.cli.invocation import invocation_of, new_app
from gateway.cli.output import Output
from gateway.cli.pages import After, Limit, ask, print_scan
from gateway.cli.rows import plain
from gateway.delivery.reproduction import Sent, curl_line, request_headers
from gateway.errors import NotFoundError
from gateway.model import DeliveryState
from gateway.store import Store
from gateway.store.views import AttemptView, DeliveryView

app = new_app()


@app.callback()
def deliveries() -> None:
    """See what was sent, and how endpoints answered."""


@app.command("list")
def list_(
    ctx: typer.Context,
    *,
    state: Annotated[DeliveryState | None, typer.Option(help="Only in this state.")] = None,
    endpoint: Annotated[
        str | None, typer.Option(metavar="ID", help="Only to this endpoint.")
    ] = None,
    after: After = None,
    limit: Limit = 50,
) -> None:
    """List deliveries, the newest first."""
    print_scan(
        invocation_of(ctx),
        lambda store, count: store.lists.deliveries(
            after=after, limit=count, state=state, endpoint_id=endpoint
        ),
        limit=limit,
        columns=("id", "event_type", "endpoint_id", "state", "attempts", "due_at"),
    )


@app.command()
def show(
    ctx: typer.Context,
    delivery_id: Annotated[str, typer.Argument(metavar="ID", help="Such as dlv_….")],
) -> None:
    """Show one delivery with every attempt: what was sent, what came, what follows and why.

    Each attempt has a curl line that makes it again; credentials in it are masked.
    """
    invocation = invocation_of(ctx)
    detail = ask(invocation, lambda store: store.queries.delivery(delivery_id))
    row = plain(detail.delivery)
    url = ask(invocation, lambda store: _url(store, detail.delivery.endpoint_id))
    row["attempts_made"] = [_attempt_row(one, detail.delivery, url) for one in detail.attempts]
    Output(invocation).value(row)


@app.command()
def body(
    ctx: typer.Context,
    delivery_id: Annotated[str, typer.Argument(metavar="ID", help="Such as dlv_….")],
) -> None:
    """Write the bytes that each attempt of a delivery sends; they may hold customer data."""
    invocation = invocation_of(ctx)
    sent = ask(invocation, lambda store: store.queries.delivery_body(delivery_id))
    Output(invocation).raw(sent)


@app.command()
def resend(
    ctx: typer.Context,
    delivery_ids: Annotated[list[str], typer.Argument(metavar="ID…", help="Such as dlv_….")],
) -> None:
    """Send deliveries again, whatever became of them: at once, with a whole schedule of retries.

    The event keeps its id, so a receiver that had it knows it again. Exit 1 if one can't be sent.
    """
    invocation = invocation_of(ctx)
    made = entry(
        invocation.clock, "delivery.resend", delivery_ids[0], changes={"ids": delivery_ids}
    )
    resent = ask(invocation, lambda store: store.changing(made).deliveries.resend(delivery_ids))
    value = {"resent": sorted(resent.ids), "refused": dict(resent.refused)}
    lines = [f"{one}: due now" for one in sorted(resent.ids)]
    lines += [f"{one}: {reason}" for one, reason in sorted(resent.refused.items())]
    Output(invocation).value(value, text="\n".join(lines))
    if resent.refused:
        raise typer.Exit(ExitCode.FAILED)


async def _url(store: Store, endpoint_id: str) -> str | None:
    try:
        return (await store.endpoints.get(endpoint_id)).url
    except NotFoundError:
        return None


def _attempt_row(attempt: AttemptView, delivery: DeliveryView, url: str | None) -> dict[str, Any]:
    row = {**plain(attempt), "answer": attempt.answer.decode("utf-8", "replace")}
    del row["sent_headers"]
    sent = Sent(
        url=url or "",
        event_id=delivery.event_id,
        started_at_ms=attempt.started_at_ms,
        signature=attempt.signature,
        sent_headers=attempt.sent_headers,
    )
    row["request_headers"] = dict(request_headers(sent))
    row["curl"] = None if url is None else curl_line(sent, delivery_id=delivery.id)
    return row
