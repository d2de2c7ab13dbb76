"""Invoices 2024-06-19, as in Brazil: invoices, and exports of them as ZIP files behind short URLs.

Source: Amazon's page "Invoices API v2024-06-19"; the URL of a document dies after 30 seconds.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gateway.clock import rfc3339
from gateway.simulator.apis import pages
from gateway.simulator.apis.contents import archive, invoice_xml
from gateway.simulator.apis.invoice_book import ATTRIBUTES, Wanted, invoices_of, wanted_by
from gateway.simulator.spapi.answers import bad_input, not_found
from gateway.simulator.spapi.call import Answer, Call, needed_text

if TYPE_CHECKING:
    from gateway.simulator.apis.jobs import Workshop
    from gateway.simulator.spapi.call import Answering
    from gateway.simulator.work import Course

DOCUMENT_LIFE_S = 30
_IN_A_DOCUMENT = 25
_MAX_PAGE = 100
_STATUS: Mapping[str, str] = {
    "IN_QUEUE": "REQUESTED",
    "IN_PROGRESS": "PROCESSING",
    "DONE": "DONE",
    "FATAL": "ERROR",
    "CANCELLED": "ERROR",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Export:
    id: str
    marketplace: str
    course: Course
    document_ids: Sequence[str]


class Invoices:
    """The invoices and exports of all sellers."""

    def __init__(self, shop: Workshop) -> None:
        self._shop = shop
        self._exports: defaultdict[str, dict[str, _Export]] = defaultdict(dict)
        self._ready_at_ms: dict[tuple[str, str], int] = {}

    def answers(self) -> Mapping[str, Answering]:
        """See `Api`."""
        return {
            "invoices.2024-06-19.getInvoicesAttributes": self._attributes,
            "invoices.2024-06-19.getInvoices": self._list,
            "invoices.2024-06-19.getInvoice": self._get,
            "invoices.2024-06-19.createInvoicesExport": self._create,
            "invoices.2024-06-19.getInvoicesExports": self._exports_listed,
            "invoices.2024-06-19.getInvoicesExport": self._export,
            "invoices.2024-06-19.getInvoicesDocument": self._document,
        }

    def _attributes(self, call: Call) -> Answer:
        call.needed("marketplaceId")
        return Answer(body={"invoicesAttributes": ATTRIBUTES})

    def _list(self, call: Call) -> Answer:
        call.needed("marketplaceId")
        size = call.whole("pageSize", default=_MAX_PAGE, low=1, high=_MAX_PAGE)
        text = call.query.get("nextToken")
        start = pages.opened(text, "nextToken")["start"] if text else 0
        asked = {**call.query, "statuses": call.listed("statuses")}
        found = invoices_of(call.seller.id, wanted_by(asked))
        if call.query.get("sortOrder") == "ASC":
            found = found[::-1]
        shown, following = pages.page(found, start=start, size=size)
        return Answer(body={"invoices": shown, **_next_token(following)})

    def _get(self, call: Call) -> Answer:
        call.needed("marketplaceId")
        for invoice in invoices_of(call.seller.id, Wanted()):
            if invoice["id"] == call.arguments["invoiceId"]:
                return Answer(body={"invoice": invoice})
        raise not_found("invoice", call.arguments["invoiceId"])

    def _create(self, call: Call) -> Answer:
        fields, seller_id = call.fields(), call.seller.id
        if fields.get("fileFormat") not in {None, "XML"}:
            raise bad_input("fileFormat takes XML.", "fileFormat")
        wanted = wanted_by(fields)
        place = needed_text(fields, "marketplaceId")
        recipe, course = self._shop.work.begin("exports")
        found = invoices_of(seller_id, wanted)[: recipe.rows]
        ids = []
        if course.outcome == "DONE":
            for start in range(0, len(found), _IN_A_DOCUMENT):
                ids.append(str(uuid.uuid4()))
                files = [
                    (f"{invoice['externalInvoiceId']}.xml", invoice_xml(invoice))
                    for invoice in found[start : start + _IN_A_DOCUMENT]
                ]
                self._shop.documents.put(seller_id, ids[-1], archive(files))
                self._ready_at_ms[seller_id, ids[-1]] = course.ends_at_ms
        export = _Export(id=str(uuid.uuid4()), marketplace=place, course=course, document_ids=ids)
        self._exports[seller_id][export.id] = export
        return Answer(status=202, body={"exportId": export.id})

    def _exports_listed(self, call: Call) -> Answer:
        place = call.needed("marketplaceId")
        status, text = call.query.get("status"), call.query.get("nextToken")
        if status not in {None, *_STATUS.values()}:
            raise bad_input("status is invalid.", "status")
        since_ms, until_ms = call.time_ms("dateStart"), call.time_ms("dateEnd")
        found = [
            shown
            for export in reversed(self._exports[call.seller.id].values())
            if export.marketplace == place
            and (since_ms is None or export.course.created_at_ms >= since_ms)
            and (until_ms is None or export.course.created_at_ms <= until_ms)
            and status in {None, (shown := self._shown(export))["status"]}
        ]
        size = call.whole("pageSize", default=_MAX_PAGE, low=1, high=_MAX_PAGE)
        start = pages.opened(text, "nextToken")["start"] if text else 0
        listed, following = pages.page(found, start=start, size=size)
        return Answer(body={"exports": listed, **_next_token(following)})

    def _export(self, call: Call) -> Answer:
        export = self._exports[call.seller.id].get(call.arguments["exportId"])
        if export is None:
            raise not_found("export", call.arguments["exportId"])
        return Answer(body={"export": self._shown(export)})

    def _shown(self, export: _Export) -> dict[str, Any]:
        now_ms = self._shop.clock.now_ms()
        status = _STATUS[export.course.status(now_ms)]
        shown: dict[str, Any] = {
            "exportId": export.id,
            "status": status,
            "errorMessage": "",
            "invoicesDocumentIds": export.document_ids if status == "DONE" else [],
        }
        if now_ms >= export.course.starts_at_ms:
            shown["generateExportStartedAt"] = rfc3339(export.course.starts_at_ms)
        if now_ms >= export.course.ends_at_ms:
            shown["generateExportFinishedAt"] = rfc3339(export.course.ends_at_ms)
        if status == "ERROR":
            shown["errorMessage"] = "The export can't be generated."
        return shown

    def _document(self, call: Call) -> Answer:
        key = call.seller.id, call.arguments["invoicesDocumentId"]
        ready_at_ms = self._ready_at_ms.get(key)
        if ready_at_ms is None or self._shop.clock.now_ms() < ready_at_ms:
            raise not_found("invoices document", key[1])
        url = self._shop.documents.link(*key, base_url=call.base_url, life_s=DOCUMENT_LIFE_S)
        document = {"invoicesDocumentId": key[1], "invoicesDocumentUrl": url}
        return Answer(body={"invoicesDocument": document})


def _next_token(following: int | None) -> Mapping[str, str]:
    return {} if following is None else {"nextToken": pages.token(following)}
