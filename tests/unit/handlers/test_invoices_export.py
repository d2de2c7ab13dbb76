from __future__ import annotations

import io
import zipfile
from typing import Any

import pytest

from gateway import Reject
from gateway.errors import InvalidInputError
from gateway.testing import FakeSpApi, run_job
from handlers.invoices_export import router
from tests.support.events import assert_fits

BRAZIL = "A2Q3Y263D00KWC"
ATTRIBUTES = {
    "invoicesAttributes": {
        "invoiceStatusOptions": [{"value": "SUCCESS"}, {"value": "ERROR"}],
        "invoiceTypeOptions": [{"value": "SALES"}],
        "transactionTypeOptions": [{"value": "SALE"}],
        "transactionIdentifierNameOptions": [{"value": "AMAZON_ORDER_ID"}],
    }
}


def packed(name: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(f"{name}.xml", f"<invoice>{name}</invoice>")
    return file.getvalue()


def export(status: str, *documents: str, **more: Any) -> dict[str, Any]:
    facts = {"exportId": "e1", "status": status, "invoicesDocumentIds": list(documents), **more}
    return {"export": facts}


def spapi(*states: dict[str, Any]) -> FakeSpApi:
    api = FakeSpApi()
    api.answers("createInvoicesExport", {"exportId": "e1"})
    api.answers("getInvoicesAttributes", ATTRIBUTES)
    api.answers("getInvoicesExport", *states)
    for name in ("d1", "d2"):
        api.document(name, packed(name), content_type="application/zip")
    return api


async def test_an_export_from_request_to_links() -> None:
    api = spapi(export("REQUESTED"), export("PROCESSING"), export("DONE", "d1", "d2"))
    ran = await run_job(
        router, "invoices_export", {"date_start": "2026-11-01"}, spapi=api, marketplace_ids=[BRAZIL]
    )
    assert ran.event.type == "invoices.export.completed"
    assert ran.documents == {"invoices-1.zip": packed("d1"), "invoices-2.zip": packed("d2")}
    names = [one["name"] for one in ran.event.data["documents"]]
    assert names == ["invoices-1.zip", "invoices-2.zip"]
    assert len(api.made("createInvoicesExport")) == 1
    assert len(api.made("getInvoicesDocument")) == 2
    assert api.made("getInvoicesAttributes") == []
    assert_fits(router, ran.event)


async def test_every_field_is_passed_on() -> None:
    api = spapi(export("DONE"))
    options = {
        "marketplace_id": BRAZIL,
        "date_start": "2026-11-01",
        "date_end": "2026-11-30",
        "external_invoice_id": "x1",
        "file_format": "XML",
        "invoice_type": "SALES",
        "series": "1",
        "statuses": ["SUCCESS"],
        "transaction_identifier": {"name": "AMAZON_ORDER_ID", "id": "902"},
        "transaction_type": "SALE",
    }
    ran = await run_job(router, "invoices_export", options, spapi=api)
    (made,) = api.made("createInvoicesExport")
    assert made.body == {
        "marketplaceId": BRAZIL,
        "dateStart": "2026-11-01",
        "dateEnd": "2026-11-30",
        "externalInvoiceId": "x1",
        "fileFormat": "XML",
        "invoiceType": "SALES",
        "series": "1",
        "statuses": ["SUCCESS"],
        "transactionIdentifier": {"name": "AMAZON_ORDER_ID", "id": "902"},
        "transactionType": "SALE",
    }
    assert ran.event.data["documents"] == []


async def test_a_schedules_days_end_with_its_own() -> None:
    api = spapi(export("DONE"))
    options = {"marketplace_id": BRAZIL, "days": 7}
    await run_job(router, "invoices_export", options, spapi=api)
    (made,) = api.made("createInvoicesExport")
    assert (made.body["dateStart"], made.body["dateEnd"]) == ("2026-11-17", "2026-11-24")


@pytest.mark.parametrize(
    ("option", "value", "says"),
    [
        ("invoice_type", "RENT", "invoice_type: 'RENT' is none of SALES"),
        ("statuses", ["DONE"], "statuses: 'DONE' is none of SUCCESS, ERROR"),
        ("transaction_type", "GIFT", "transaction_type"),
        ("transaction_identifier", {"name": "X", "id": "1"}, "transaction_identifier.name"),
    ],
)
async def test_what_the_marketplace_doesnt_know_is_refused_first(
    option: str, value: Any, says: str
) -> None:
    api = spapi(export("DONE"))
    options = {"marketplace_id": BRAZIL, option: value}
    ran = await run_job(router, "invoices_export", options, spapi=api)
    assert isinstance(ran.outcome, Reject)
    assert says in ran.outcome.reason
    assert api.made("createInvoicesExport") == []


async def test_an_export_that_ends_in_an_error() -> None:
    api = spapi(export("PROCESSING"), export("ERROR", errorMessage="No invoices match."))
    ran = await run_job(router, "invoices_export", {"marketplace_id": BRAZIL}, spapi=api)
    assert ran.event.type == "invoices.export.failed"
    assert ran.event.data["export"]["error"] == "No invoices match."
    assert ran.documents == {}
    assert_fits(router, ran.event)


async def test_an_export_that_never_ends_is_given_up() -> None:
    api = spapi(export("PROCESSING"))
    ran = await run_job(
        router,
        "invoices_export",
        {"marketplace_id": BRAZIL},
        spapi=api,
        settings={"give_up_after_s": 600},
    )
    assert ran.event.type == "invoices.export.failed"
    assert 10 < len(api.made("getInvoicesExport")) < 30


async def test_a_seller_with_several_marketplaces_must_name_one() -> None:
    ran = await run_job(
        router, "invoices_export", spapi=spapi(), marketplace_ids=[BRAZIL, "ATVPDKIKX0DER"]
    )
    assert isinstance(ran.outcome, Reject)


@pytest.mark.parametrize(
    "options", [{"dateStart": "2026-11-01"}, {"file_format": "PDF"}, {"statuses": []}, {"days": 0}]
)
async def test_options_are_checked_where_they_are_given(options: dict[str, Any]) -> None:
    with pytest.raises(InvalidInputError):
        await run_job(router, "invoices_export", options)
