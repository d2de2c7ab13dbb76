"""`gateway notifications`: what arrived, what became of it, and how it is understood."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.context import opened_store, run, settings_of
from gateway.cli.faults import ExitCode
from gateway.cli.invocation import find_modules_here, invocation_of, new_app
from gateway.cli.output import Output
from gateway.cli.pages import (
    After,
    Body,
    Limit,
    Marketplace,
    OfType,
    Order,
    Report,
    Seller,
    Sku,
    ask,
    print_scan,
)
from gateway.cli.parsed import parsed_row, type_row
from gateway.cli.rows import detail_row, plain
from gateway.dispatch.registry import load_registry
from gateway.errors import InvalidInputError
from gateway.model import NotificationState, Verdict
from gateway.notifications.known import TYPES
from gateway.operations import reference_of
from gateway.replay.intake import Intake
from gateway.service.swept import subjects_noted

app = new_app()


@app.callback()
def notifications() -> None:
    """See what arrived, what became of it, and how it is understood."""


@app.command("list")
def list_(  # noqa: PLR0913 one for each option of the command
    ctx: typer.Context,
    *,
    notification_type: OfType = None,
    seller: Seller = None,
    marketplace: Marketplace = None,
    order: Order = None,
    sku: Sku = None,
    report: Report = None,
    state: Annotated[NotificationState | None, typer.Option(help="Only in this state.")] = None,
    after: After = None,
    limit: Limit = 50,
) -> None:
    """List notifications, the newest first."""
    reference = reference_of(order, sku, report)
    print_scan(
        invocation_of(ctx),
        lambda store, count: store.lists.notifications(
            after=after,
            limit=count,
            notification_type=notification_type,
            seller_id=seller,
            state=state,
            marketplace_id=marketplace,
            reference=reference,
        ),
        limit=limit,
        columns=("id", "type", "seller_id", "state", "received_at"),
    )


@app.command()
def show(
    ctx: typer.Context,
    notification_id: Annotated[str, typer.Argument(metavar="ID", help="Such as ntf_….")],
    body: Body = False,
) -> None:
    """Show one notification with its handlings."""
    invocation = invocation_of(ctx)
    detail = ask(invocation, lambda store: store.queries.notification(notification_id))
    row = detail_row(detail.notification, body=detail.notification.body if body else None)
    row["handlings"] = [plain(handling) for handling in detail.handlings]
    Output(invocation).value(row)


@app.command()
def inject(
    ctx: typer.Context,
    file: Annotated[
        str, typer.Argument(metavar="FILE", help="A message body, or one on each line; - is stdin.")
    ],
) -> None:
    """Take message bodies in as if they had come from SQS; a running gateway handles them.

    A notification that was taken in before counts as a duplicate, a body that can't be read goes
    into quarantine: exit 1 if there was one.
    """
    invocation = invocation_of(ctx)
    settings = settings_of(invocation)
    find_modules_here()
    registry = load_registry(settings.handlers.modules)
    intake = Intake(registry.owed, invocation.clock, subject=subjects_noted(settings))

    async def work() -> Mapping[Verdict, int]:
        async with opened_store(invocation, settings) as store:
            with _lines(file) as lines:
                return await intake.take_in(lines, store.inbox)

    verdicts = run(work())
    Output(invocation).value({verdict.value: verdicts.get(verdict, 0) for verdict in Verdict})
    if verdicts.get(Verdict.QUARANTINED):
        raise typer.Exit(ExitCode.FAILED)


@app.command()
def types(ctx: typer.Context) -> None:
    """List Amazon's notification types with what is known of each."""
    columns = ("type", "standing", "payload_versions", "workflow", "audience", "typed", "follow_up")
    Output(invocation_of(ctx)).items([type_row(one) for one in TYPES.values()], columns=columns)


@app.command()
def parse(
    ctx: typer.Context,
    files: Annotated[
        list[str], typer.Argument(metavar="FILE...", help="Message bodies; - reads stdin.")
    ],
) -> None:
    """Show how message bodies are understood; a body at fault is shown with its fault."""
    rows = [parsed_row(file, _content(file)) for file in files]
    output = Output(invocation_of(ctx))
    if len(rows) == 1:
        output.value(rows[0])
    else:
        output.items(rows, columns=("file", "type", "payload_version", "seller", "model", "fault"))


@contextmanager
def _lines(file: str) -> Iterator[Iterable[bytes]]:
    if file == "-":
        yield sys.stdin.buffer
        return
    try:
        with Path(file).open("rb") as opened:
            yield opened
    except OSError as exc:
        raise InvalidInputError(f"{file}: can't be read: {exc.strerror}") from exc


def _content(file: str) -> bytes:
    try:
        return sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except OSError as exc:
        raise InvalidInputError(f"{file}: can't be read: {exc.strerror}") from exc
