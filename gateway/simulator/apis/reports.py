"""Reports 2021-06-30: requests, schedules, documents.

Source: Amazon's page "Reports API v2021-06-30".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from gateway.clock import rfc3339
from gateway.simulator.apis.contents import report_content
from gateway.simulator.apis.jobs import (
    Job,
    Jobs,
    Workshop,
    is_gzip,
    linked,
    listed,
    marketplaces_asked,
    new_document_id,
)
from gateway.simulator.marketplaces import marketplace
from gateway.simulator.payloads import Subject
from gateway.simulator.spapi.answers import denied, not_found
from gateway.simulator.spapi.call import Answer, Call, needed_text, time_ms

if TYPE_CHECKING:
    from gateway.simulator.spapi.call import Answering

_FIRST_ID = 100_000_020_000
_ROWS = 25
# The report types that hold personal data; Amazon's page "Tokens API use case guide".
_RESTRICTED = frozenset(
    {
        "GET_AMAZON_FULFILLED_SHIPMENTS_DATA_INVOICING",
        "GET_AMAZON_FULFILLED_SHIPMENTS_DATA_TAX",
        "GET_FLAT_FILE_ACTIONABLE_ORDER_DATA_SHIPPING",
        "GET_FLAT_FILE_ORDER_REPORT_DATA_SHIPPING",
        "GET_FLAT_FILE_ORDER_REPORT_DATA_INVOICING",
        "GET_FLAT_FILE_ORDER_REPORT_DATA_TAX",
        "GET_FLAT_FILE_ORDERS_RECONCILIATION_DATA_TAX",
        "GET_FLAT_FILE_ORDERS_RECONCILIATION_DATA_INVOICING",
        "GET_FLAT_FILE_ORDERS_RECONCILIATION_DATA_SHIPPING",
        "GET_ORDER_REPORT_DATA_INVOICING",
        "GET_ORDER_REPORT_DATA_TAX",
        "GET_ORDER_REPORT_DATA_SHIPPING",
        "GET_EASYSHIP_DOCUMENTS",
        "GET_GST_MTR_B2B_CUSTOM",
        "GET_VAT_TRANSACTION_DATA",
        "SC_VAT_TAX_REPORT",
    }
)


class Reports:
    """The reports of all sellers."""

    def __init__(self, shop: Workshop) -> None:
        self._shop = shop
        self._jobs = Jobs(
            first_id=_FIRST_ID, clock=shop.clock, agenda=shop.agenda, finish=self._finish
        )
        self._documents: dict[tuple[str, str], Job] = {}

    def answers(self) -> Mapping[str, Answering]:
        """See `Api`."""
        return {
            "reports.2021-06-30.createReport": self._create,
            "reports.2021-06-30.getReports": self._list,
            "reports.2021-06-30.getReport": lambda call: Answer(
                body=self._shown(self._jobs.called(call, "reportId"))
            ),
            "reports.2021-06-30.cancelReport": self._cancel,
            "reports.2021-06-30.getReportDocument": self._document,
        }

    def begin(
        self,
        seller_id: str,
        asked: Mapping[str, Any],
        *,
        region: str,
        schedule_id: str | None = None,
    ) -> str:
        """Begin a report; return its id."""
        recipe, course = self._shop.work.begin("reports", asked["reportType"])
        if recipe.rows == 0 and course.outcome == "DONE":
            # A report without data ends cancelled, as Amazon's page says.
            course = replace(course, outcome="CANCELLED")
        has_document = course.outcome in {"DONE", "FATAL"}
        job = Job(
            id=self._jobs.next_id(seller_id),
            seller=seller_id,
            type=asked["reportType"],
            course=course,
            recipe=recipe,
            asked={**asked, **({"reportScheduleId": schedule_id} if schedule_id else {})},
            document_id=new_document_id(region) if has_document else None,
        )
        self._jobs.add(job)
        if job.document_id is not None:
            self._documents[seller_id, job.document_id] = job
        return job.id

    def _create(self, call: Call) -> Answer:
        asked = read_request(call)
        return Answer(
            status=202,
            body={"reportId": self.begin(call.seller.id, asked, region=call.caller.region)},
        )

    def _list(self, call: Call) -> Answer:
        return listed(self._jobs, call, name="reports", shown=self._shown)

    def _cancel(self, call: Call) -> Answer:
        self._jobs.cancel(self._jobs.called(call, "reportId"))
        return Answer(body={})

    def _shown(self, job: Job) -> Mapping[str, Any]:
        shown = {"reportId": job.id, **self._jobs.shown(job)}
        shown.pop("reportOptions", None)
        if self._jobs.ended(job) and job.document_id is not None:
            shown["reportDocumentId"] = job.document_id
        return shown

    def _document(self, call: Call) -> Answer:
        document_id = call.arguments["reportDocumentId"]
        job = self._documents.get((call.seller.id, document_id))
        content = self._shop.documents.get(call.seller.id, document_id)
        if job is None or content is None:
            raise not_found("report document", document_id)
        if job.type in _RESTRICTED and call.path not in (call.grant.data_elements or {}):
            raise denied("A restricted data token for this very path is needed.")
        link = linked(self._shop, call, document_id, gzip=is_gzip(content))
        return Answer(body={"reportDocumentId": document_id, **link})

    def _finish(self, job: Job) -> None:
        if job.document_id is not None:
            place = marketplace(job.asked["marketplaceIds"][0])
            rows = _ROWS if job.recipe.rows is None else job.recipe.rows
            orders = self._shop.orders.some(job.seller, rows, (place.id,))
            content = report_content(job.type, orders, place, job.recipe.charset)
            self._shop.keep(job, job.document_id, content)
        about = Subject(
            seller_id=job.seller,
            at_ms=job.course.ends_at_ms,
            report_id=job.id,
            report_type=job.type,
            processing_status=job.course.outcome,
            document_id=job.document_id,
        )
        self._shop.tell(job, "REPORT_PROCESSING_FINISHED", about)


def read_request(call: Call) -> Mapping[str, Any]:
    """Return what a report is asked for by a body.

    Raises:
        RefusalError: Its type or marketplaces are missing or wrong.
    """
    fields = call.fields()
    places = marketplaces_asked(fields)
    asked: dict[str, Any] = {
        "reportType": needed_text(fields, "reportType"),
        "marketplaceIds": list(places),
    }
    for name in ("dataStartTime", "dataEndTime"):
        if name in fields:
            asked[name] = rfc3339(time_ms(fields[name], name))
    if isinstance(fields.get("reportOptions"), dict):
        asked["reportOptions"] = fields["reportOptions"]
    return asked
