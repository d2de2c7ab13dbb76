"""`gateway subscriptions`: who gets which notification type where, at Amazon, and as declared."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Annotated, Any

import typer

from gateway.cli.amazon import Opened, with_amazon
from gateway.cli.changing import entries, entry
from gateway.cli.faults import ExitCode
from gateway.cli.invocation import Invocation, invocation_of, new_app
from gateway.cli.output import Output
from gateway.cli.pages import After, Limit, Seller, print_page
from gateway.cli.rows import plain
from gateway.errors import InvalidInputError, NotFoundError, SpApiError
from gateway.service.subscriptions import declared, reconciliation
from gateway.subscriptions.amazon import AmazonSide
from gateway.subscriptions.declaration import Unit
from gateway.subscriptions.plan import ActionKind
from gateway.subscriptions.reconciling import Mode, Report, Scope
from gateway.subscriptions.refusals import explained
from gateway.subscriptions.unit import Outcome

app = new_app()

Prune = Annotated[bool, typer.Option("--prune", help="Delete what is not declared.")]
EveryType = Annotated[
    bool, typer.Option("--every-type", help="Look at types that nothing is declared for too.")
]
OfSellers = Annotated[
    list[str] | None, typer.Option("--seller", help="Only this seller; may be repeated.")
]
OfTypes = Annotated[
    list[str] | None, typer.Option("--type", help="Only this type; may be repeated.")
]
Everything = Annotated[bool, typer.Option("--all", help="Show what is right too.")]

_COLUMNS = ("action", "region", "seller_id", "type", "destination", "subscription_id", "reason")
_DONE = {"create": "created", "replace": "replaced", "delete": "deleted", "adopt": "adopted"}


@app.callback()
def subscriptions() -> None:
    """Keep Amazon's subscriptions as [[subscriptions]] declares them."""


@app.command()
def plan(
    ctx: typer.Context,
    *,
    prune: Prune = False,
    every_type: EveryType = False,
    seller: OfSellers = None,
    notification_type: OfTypes = None,
    everything: Everything = False,
) -> None:
    """Show the difference between what is declared and what Amazon has; nothing is changed."""
    invocation = invocation_of(ctx)
    scope = _scope(prune, every_type, seller, notification_type)
    report = _go(invocation, Mode.PLAN, scope)
    _print(invocation, report, everything=everything, done=False)


@app.command()
def apply(
    ctx: typer.Context,
    *,
    prune: Prune = False,
    every_type: EveryType = False,
    seller: OfSellers = None,
    notification_type: OfTypes = None,
    everything: Everything = False,
) -> None:
    """Make Amazon's side as declared; may be interrupted, and then goes on where it stopped.

    Exits with 1 where Amazon refuses some of it; the rest is done.
    """
    invocation = invocation_of(ctx)
    scope = _scope(prune, every_type, seller, notification_type)
    report = _go(invocation, Mode.APPLY, scope)
    _print(invocation, report, everything=everything, done=True)
    if any(one.fault for one in report.outcomes) or any(one.fault for one in report.destinations):
        raise typer.Exit(int(ExitCode.FAILED))


@app.command("list")
def list_(
    ctx: typer.Context,
    *,
    seller: Seller = None,
    notification_type: Annotated[
        str | None, typer.Option("--type", help="Only of this type.")
    ] = None,
    after: After = None,
    limit: Limit = 50,
) -> None:
    """List the subscriptions as they were seen last, with the seller of each; asks nobody."""
    print_page(
        invocation_of(ctx),
        lambda store, count: store.subscriptions.list(
            after=after, limit=count, seller_id=seller, notification_type=notification_type
        ),
        limit=limit,
        columns=("id", "region", "seller_id", "type", "destination_id", "managed_since", "seen"),
        row=_known_row,
    )


@app.command()
def silent(ctx: typer.Context, *, after: After = None, limit: Limit = 50) -> None:
    """List what does not come although it is declared with silent_after_s; asks nobody.

    Without a seller nothing of the type comes of any of them.
    """
    print_page(
        invocation_of(ctx),
        lambda store, count: store.silences.list(after=after, limit=count),
        limit=limit,
        columns=("type", "scope", "seller_id", "silent_since"),
    )


@app.command()
def delete(
    ctx: typer.Context,
    subscription_ids: Annotated[
        list[str], typer.Argument(metavar="ID...", help="Amazon's subscription ids.")
    ],
    *,
    seller: Annotated[
        str | None, typer.Option(help="Whose they are, where the gateway has not seen them.")
    ] = None,
    notification_type: Annotated[
        str | None, typer.Option("--type", help="Their type, where the gateway has not seen them.")
    ] = None,
) -> None:
    """Delete subscriptions at Amazon, declared or not; `apply` makes declared ones again."""
    invocation = invocation_of(ctx)

    async def work(opened: Opened) -> list[dict[str, Any]]:
        amazon = AmazonSide(opened.client)
        units = [
            (one, await _unit_of(opened, one, seller, notification_type))
            for one in subscription_ids
        ]
        for subscription_id, unit in units:
            try:
                await amazon.delete(unit, subscription_id)
            except SpApiError as exc:
                exc.args = (explained(exc, unit.type),)
                raise
            noted = entry(
                invocation.clock, "subscription.delete", subscription_id, changes=plain(unit)
            )
            await opened.store.changing(noted).subscriptions.gone(subscription_id)
        return [{"id": one, "seller_id": unit.seller_id, "type": unit.type} for one, unit in units]

    Output(invocation).items(with_amazon(invocation, work), columns=("id", "seller_id", "type"))


async def _unit_of(
    opened: Opened, subscription_id: str, seller: str | None, notification_type: str | None
) -> Unit:
    known = await opened.store.subscriptions.find(subscription_id)
    seller_id = seller or (known.seller_id if known else None)
    kind = notification_type or (known.type if known else None)
    if seller_id is None or kind is None:
        raise InvalidInputError(
            f"{subscription_id} was never seen; say whose it is: --seller ID --type TYPE"
        )
    found = await opened.store.sellers.seller(seller_id, known.region if known else None)
    if found is None:
        raise NotFoundError(f"there is no seller {seller_id}")
    return Unit(
        application_id=found.application_id, region=found.region, seller_id=seller_id, type=kind
    )


def _scope(
    prune: bool, every_type: bool, sellers: Sequence[str] | None, types: Sequence[str] | None
) -> Scope:
    return Scope(
        prune=prune,
        every_type=every_type,
        seller_ids=frozenset(sellers or ()),
        types=frozenset(types or ()),
    )


def _go(invocation: Invocation, mode: Mode, scope: Scope) -> Report:
    output = Output(invocation)

    async def work(opened: Opened) -> Report:
        wanted = declared(opened.settings)
        sellers = await opened.store.sellers.sellers()
        clock = invocation.clock
        goes = reconciliation(opened.settings, opened.store, opened.client, clock, entries(clock))
        with output.progress("Looking at the destinations…") as say:

            def step(report: Report) -> None:
                looked = report.looked_at + report.passed_over
                say(f"{looked} of {report.total} looked at, {_counted(report)}…")

            return await goes.run(wanted, sellers, mode=mode, scope=scope, on_step=step)

    return with_amazon(invocation, work)


def _print(invocation: Invocation, report: Report, *, everything: bool, done: bool) -> None:
    rows = [row for row in _rows(report, done=done) if everything or row["action"] != "leave"]
    output = Output(invocation)
    if invocation.json:
        summary = {
            "looked_at": report.looked_at,
            "passed_over": report.passed_over,
            **Counter(row["action"] for row in _rows(report, done=done)),
        }
        output.document({"items": rows, "next_cursor": None, "summary": summary})
        return
    output.items(rows, columns=_COLUMNS)
    passed_over = f", {report.passed_over} were settled before" if report.passed_over else ""
    output.note(f"{report.looked_at} looked at{passed_over}: {_counted(report)}.")


def _rows(report: Report, *, done: bool) -> Iterator[dict[str, Any]]:
    for place in report.destinations:
        yield {
            "object": "destination",
            "action": _word(place.action, done) if place.fault is None else "refused",
            "application_id": place.application_id,
            "region": place.region,
            "destination": place.name,
            "destination_id": place.destination_id,
            "reason": place.fault or "",
        }
    for outcome in report.outcomes:
        yield from _subscription_rows(outcome, done=done)


def _subscription_rows(outcome: Outcome, *, done: bool) -> Iterator[dict[str, Any]]:
    unit = outcome.task.unit
    common = {"object": "subscription", **plain(unit)}
    if outcome.fault is not None:
        yield {**common, "action": "refused", "reason": outcome.fault}
    for one in outcome.done:
        action = one.action
        wanted = action.wanted
        row: dict[str, Any] = {
            **common,
            "action": _word(action.kind.value, done),
            "payload_version": wanted.payload_version if wanted else None,
            "destination": wanted.destination if wanted else None,
            "subscription_id": one.subscription_id,
            "replaces": [old.id for old in action.existing] if wanted and action.changes else [],
            "gap": action.gap,
            "reason": _reason(outcome, action.gap, action.reason, done=done),
        }
        if done and wanted is not None and action.kind is not ActionKind.LEAVE:
            row["gap_ms"], row["swept"] = outcome.gap_ms, outcome.swept
        yield row


def _reason(outcome: Outcome, gap: bool, reason: str, *, done: bool) -> str:
    if not done:
        return f"{reason}; nothing arrives in between" if gap else reason
    if outcome.gap_ms is None:
        return reason
    looked_for = "which a sweep looks for" if outcome.swept else "and no sweep looks for it"
    return f"{reason}; nothing arrived for at most {outcome.gap_ms / 1000:.1f} s, {looked_for}"


def _word(action: str, done: bool) -> str:
    return _DONE.get(action, action) if done else action


def _counted(report: Report) -> str:
    kinds = Counter(one.action.kind.value for each in report.outcomes for one in each.done)
    kinds["refused"] = sum(each.fault is not None for each in report.outcomes)
    order = ("create", "replace", "delete", "leave", "unmanaged", "refused")
    return ", ".join(f"{kinds[word]} {word}" for word in order if kinds[word]) or "nothing to do"


def _known_row(record: Any) -> dict[str, Any]:
    row = plain(record)
    row["directive"] = json.loads(record.directive or "{}") or None
    return row
