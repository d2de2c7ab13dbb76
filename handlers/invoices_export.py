"""The job `invoices_export` → `invoices.export.completed` or `invoices.export.failed`.

Tax invoices of Brazil as Amazon's ZIP files, stored and linked to. Amazon tells nobody when an
export is ready, so it is asked after again and again; each document's URL lives thirty seconds and
may be asked for once a minute, so it is asked for and used in one run. Between all steps the state
is kept, so a run that is cut off goes on where it stood; at most the step in hand is repeated.

    gateway jobs run invoices_export --seller ID --from 2026-11-01 --to 2026-11-30

Settings, under `[handlers.invoices_export]`:
    give_up_after_s: How long an export may take; six hours unless given.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any, Literal

from pydantic import BaseModel, Field

from gateway import Context, Event, EventType, Later, Notification, Reject, Router
from handlers.stored_document import DOCUMENT, DocumentLink

FIRST_POLL_S = 5.0
LAST_POLL_S = 60.0
GIVE_UP_AFTER_S = 6 * 3600.0


class TransactionIdentifier(BaseModel, extra="forbid"):
    """What invoices are about, such as an order."""

    name: str
    id: str


class InvoicesExport(BaseModel, extra="forbid"):
    """What can be asked for: Amazon's own fields.

    `days` is for schedules: so many days up to the one that the job is for, in place of
    `date_start`. Without `marketplace_id` the seller's only marketplace is meant.
    """

    marketplace_id: str | None = None
    date_start: date | None = None
    date_end: date | None = None
    days: int | None = Field(default=None, ge=1, le=366)
    external_invoice_id: str | None = None
    file_format: Literal["XML"] | None = None
    invoice_type: str | None = None
    series: str | None = None
    statuses: list[str] | None = Field(default=None, min_length=1)
    transaction_identifier: TransactionIdentifier | None = None
    transaction_type: str | None = None


class ExportFacts(BaseModel):
    """An export of invoices."""

    id: str
    status: str
    marketplace_id: str
    date_start: str | None
    date_end: str | None
    error: str | None


_EXPORT = {
    "id": "amzn1.invoices.export.1",
    "status": "DONE",
    "marketplace_id": "A2Q3Y263D00KWC",
    "date_start": "2026-01-01",
    "date_end": "2026-01-31",
    "error": None,
}
_ZIP = {**DOCUMENT, "name": "invoices-1.zip", "content_type": "application/zip"}

router = Router()
router.publishes(
    EventType(
        type="invoices.export.completed",
        summary="An export of invoices is ready, its documents are stored.",
        members={"export": ExportFacts, "documents": list[DocumentLink]},
        example={"export": _EXPORT, "documents": [_ZIP]},
    ),
    EventType(
        type="invoices.export.failed",
        summary="An export of invoices ended in an error, or took too long.",
        members={"export": ExportFacts, "documents": list[DocumentLink]},
        example={
            "export": {**_EXPORT, "status": "ERROR", "error": "No invoices match."},
            "documents": [],
        },
    ),
)


@router.job(InvoicesExport, timeout_s=300)
async def invoices_export(request: Notification[InvoicesExport], ctx: Context) -> Event | Later:
    """Do the next step of an export."""
    state = ctx.state
    if state is None:
        return await _started(request, ctx)
    if "documents" not in state:
        return await _asked_after(state, ctx)
    return await _fetched(state, ctx)


async def _started(request: Notification[InvoicesExport], ctx: Context) -> Later:
    options = request.payload
    marketplace_id = _marketplace(options, ctx)
    await _check(options, marketplace_id, ctx)
    start, end = _dates(options, request.event_time or ctx.now)
    identifier = options.transaction_identifier
    export_id = await ctx.spapi.invoices.create_invoices_export(
        marketplace_id,
        date_start=start,
        date_end=end,
        externalInvoiceId=options.external_invoice_id,
        fileFormat=options.file_format,
        invoiceType=options.invoice_type,
        series=options.series,
        statuses=options.statuses,
        transactionIdentifier=identifier and identifier.model_dump(),
        transactionType=options.transaction_type,
    )
    ctx.log.info("invoices_export.created", export_id=export_id)
    facts = ExportFacts(
        id=export_id,
        status="REQUESTED",
        marketplace_id=marketplace_id,
        date_start=start and start.isoformat(),
        date_end=end and end.isoformat(),
        error=None,
    )
    state = {"export": facts.model_dump(), "since": ctx.now.isoformat(), "wait_s": FIRST_POLL_S}
    return Later(FIRST_POLL_S, state)


async def _asked_after(state: dict[str, Any], ctx: Context) -> Event | Later:
    export = await ctx.spapi.invoices.get_invoices_export(state["export"]["id"])
    facts = {**state["export"], "status": export.status}
    if export.status == "ERROR":
        return _failed({**facts, "error": export.error_message or "no reason given"}, ctx)
    if export.status == "DONE":
        ids = list(export.invoices_document_ids)
        return Later(0, {"export": facts, "documents": ids, "stored": []})
    limit_s = float(ctx.settings.get("give_up_after_s", GIVE_UP_AFTER_S))
    if ctx.now - datetime.fromisoformat(state["since"]) > timedelta(seconds=limit_s):
        return _failed({**facts, "error": f"not ready after {limit_s:g} s"}, ctx)
    wait_s = min(LAST_POLL_S, state["wait_s"] * 1.5)
    return Later(wait_s, {**state, "export": facts, "wait_s": wait_s})


async def _fetched(state: dict[str, Any], ctx: Context) -> Event | Later:
    """Fetch the next document; the last one's run publishes them all."""
    names: list[str] = state["stored"]
    if len(names) < len(state["documents"]):
        document_id = state["documents"][len(names)]
        name = f"invoices-{len(names) + 1}.zip"
        if await ctx.documents.find(name) is None:
            async with ctx.spapi.documents.invoices(document_id) as archive:
                await ctx.documents.store(name, archive.packed(), content_type="application/zip")
        return Later(0, {**state, "stored": [*names, name]})
    found = [await ctx.documents.find(name) for name in names]
    if None in found:
        raise Reject("its documents were deleted before it was done")
    return Event(
        type="invoices.export.completed",
        data={"export": state["export"], "documents": [one.as_data() for one in found if one]},
        occurred_at=ctx.now,
    )


def _failed(facts: dict[str, Any], ctx: Context) -> Event:
    return Event(
        type="invoices.export.failed",
        data={"export": facts, "documents": []},
        occurred_at=ctx.now,
    )


def _marketplace(options: InvoicesExport, ctx: Context) -> str:
    if options.marketplace_id is not None:
        return options.marketplace_id
    if len(ctx.marketplace_ids) != 1:
        raise Reject("the seller has not exactly one marketplace: give the option marketplace_id")
    return ctx.marketplace_ids[0]


def _dates(options: InvoicesExport, at: datetime) -> tuple[date | None, date | None]:
    if options.days is None:
        return options.date_start, options.date_end
    return at.date() - timedelta(days=options.days), options.date_end or at.date()


async def _check(options: InvoicesExport, marketplace_id: str, ctx: Context) -> None:
    """Refuse what the marketplace doesn't know, before Amazon ends the export in an error."""
    identifier = options.transaction_identifier
    given: dict[str, list[str | None]] = {
        "invoice_type": [options.invoice_type],
        "statuses": [*(options.statuses or [])],
        "transaction_type": [options.transaction_type],
        "transaction_identifier.name": [identifier.name if identifier else None],
    }
    asked = {name: [one for one in values if one] for name, values in given.items()}
    if not any(asked.values()):
        return
    known = await ctx.spapi.invoices.get_invoices_attributes(marketplace_id)
    allowed = {
        "invoice_type": known.invoice_type_options,
        "statuses": known.invoice_status_options,
        "transaction_type": known.transaction_type_options,
        "transaction_identifier.name": known.transaction_identifier_name_options,
    }
    for name, values in asked.items():
        taken = [one.value for one in allowed[name]]
        for value in values:
            if taken and value not in taken:
                raise Reject(f"{name}: {value!r} is none of {', '.join(taken)}")
