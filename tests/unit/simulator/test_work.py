"""Reports, feeds, queries, exports and rotated secrets: states over time, documents, endings."""

import gzip
import io
import zipfile

import orjson
import pytest

from gateway.errors import InvalidInputError
from gateway.simulator.apis.contents import report_content
from gateway.simulator.cast import DEFAULT_APPLICATION, DEFAULT_SELLERS
from gateway.simulator.marketplaces import MARKETPLACES
from gateway.simulator.spapi.documents import Content
from gateway.simulator.work import Recipe, read_recipe
from tests.support.amazon import QUEUE_ARN, SELLER, LocalAmazon

PLACE = "ATVPDKIKX0DER"
REPORT = {"reportType": "GET_MERCHANT_LISTINGS_ALL_DATA", "marketplaceIds": [PLACE]}
EXPORT = {"marketplaceId": "A2Q3Y263D00KWC"}
FEED = {"feedType": "JSON_LISTINGS_FEED", "marketplaceIds": [PLACE]}


@pytest.fixture
def amazon() -> LocalAmazon:
    return LocalAmazon()


# ── reports ──────────────────────────────────────────────────────────────────────────────────────


def _report(amazon: LocalAmazon, **fields) -> str:
    return amazon.call("createReport", {**REPORT, **fields})["reportId"]


def test_a_report_goes_from_queue_to_document_and_tells_so(amazon):
    amazon.subscribe("REPORT_PROCESSING_FINISHED", amazon.destination())
    report_id = _report(amazon, reportOptions={"a": "b"}, dataStartTime="2026-10-01")
    seen = []
    for wait_s in (0, 10, 19, 1):
        amazon.pass_time(wait_s)
        seen.append(amazon.call("getReport", reportId=report_id))
    assert [shown["processingStatus"] for shown in seen] == [
        "IN_QUEUE",
        "IN_PROGRESS",
        "IN_PROGRESS",
        "DONE",
    ]
    assert "processingStartTime" not in seen[0]
    assert "processingEndTime" not in seen[2]
    done = seen[3]
    assert done["dataStartTime"] == "2026-10-01T00:00:00.000Z"
    assert "reportOptions" not in done
    [(arn, body)] = amazon.sent
    payload = body["payload"]["reportProcessingFinishedNotification"]
    assert arn == QUEUE_ARN
    assert (payload["reportId"], payload["reportDocumentId"], payload["processingStatus"]) == (
        report_id,
        done["reportDocumentId"],
        "DONE",
    )
    document = amazon.call("getReportDocument", reportDocumentId=done["reportDocumentId"])
    assert document["url"].startswith("http://amazon.test/_documents/")


def test_a_document_is_there_only_when_the_report_is_done(amazon):
    report_id = _report(amazon)
    amazon.pass_time(29)
    assert "reportDocumentId" not in amazon.call("getReport", reportId=report_id)
    assert amazon.refusal("getReportDocument", reportDocumentId="none")[0] == 404


def test_documents_come_with_and_without_gzip(amazon):
    amazon.work.add(Recipe(work="reports", gzip=True, times=1))
    amazon.work.add(Recipe(work="reports", gzip=False, times=1))
    ids = [_report(amazon), _report(amazon)]
    amazon.pass_time(30)
    bodies = []
    for report_id, algorithm in zip(ids, ("GZIP", None), strict=True):
        document_id = amazon.call("getReport", reportId=report_id)["reportDocumentId"]
        document = amazon.call("getReportDocument", reportDocumentId=document_id)
        assert document.get("compressionAlgorithm") == algorithm
        body = amazon.documents.get(SELLER.id, document_id).body
        bodies.append(gzip.decompress(body) if algorithm else body)
    assert bodies[0] == bodies[1]
    assert bodies[0].startswith(b"seller-sku\tasin1\t")


def test_work_ends_as_the_recipe_says(amazon):
    amazon.subscribe("REPORT_PROCESSING_FINISHED", amazon.destination())
    for outcome in ("FATAL", "CANCELLED"):
        amazon.work.add(Recipe(work=REPORT["reportType"], outcome=outcome, queue_s=0, times=1))
    amazon.work.add(Recipe(rows=0, times=1))
    ids = [_report(amazon) for _ in range(4)]
    amazon.pass_time(30)
    shown = [amazon.call("getReport", reportId=report_id) for report_id in ids]
    assert [one["processingStatus"] for one in shown] == ["FATAL", "CANCELLED", "CANCELLED", "DONE"]
    assert ["reportDocumentId" in one for one in shown] == [True, False, False, True]
    told = [body["payload"]["reportProcessingFinishedNotification"] for _, body in amazon.sent]
    assert sorted(one["processingStatus"] for one in told) == [
        "CANCELLED",
        "CANCELLED",
        "DONE",
        "FATAL",
    ]
    assert amazon.work.show() == []


def test_amazon_may_tell_of_an_end_ten_times_or_not_at_all(amazon):
    amazon.subscribe("REPORT_PROCESSING_FINISHED", amazon.destination())
    amazon.work.add(Recipe(told=10, times=1))
    amazon.work.add(Recipe(told=0, times=1))
    _report(amazon)
    _report(amazon)
    amazon.pass_time(30)
    metadata = [body["notificationMetadata"]["notificationId"] for _, body in amazon.sent]
    assert len(set(metadata)) == 10
    told = [body["payload"]["reportProcessingFinishedNotification"] for _, body in amazon.sent]
    assert {one["reportId"] for one in told} == {"100000020000"}


def test_a_report_is_cancelled_while_it_waits_and_nobody_is_told(amazon):
    amazon.subscribe("REPORT_PROCESSING_FINISHED", amazon.destination())
    report_id = _report(amazon)
    assert amazon.call("cancelReport", reportId=report_id) == {}
    assert amazon.call("getReport", reportId=report_id)["processingStatus"] == "CANCELLED"
    second = _report(amazon)
    amazon.pass_time(15)
    assert amazon.refusal("cancelReport", reportId=second)[0] == 400
    amazon.pass_time(15)
    assert len(amazon.sent) == 1


def test_ids_are_unique_only_together_with_the_seller(amazon):
    mine = _report(amazon)
    theirs = amazon.call("createReport", REPORT, seller=DEFAULT_SELLERS[1])["reportId"]
    assert mine == theirs
    amazon.pass_time(30)
    document_id = amazon.call("getReport", reportId=mine)["reportDocumentId"]
    refusal = amazon.refusal(
        "getReportDocument", seller=DEFAULT_SELLERS[1], reportDocumentId=document_id
    )
    assert refusal[0] == 404


def test_reports_are_listed_and_the_page_token_stands_alone(amazon):
    made = []
    for _ in range(25):
        made.append(_report(amazon))
        amazon.pass_time(1)
    query = {"reportTypes": REPORT["reportType"], "pageSize": "10"}
    seen, answer = [], amazon.call("getReports", query=query)
    while True:
        seen += [report["reportId"] for report in answer["reports"]]
        if "nextToken" not in answer:
            break
        token = answer["nextToken"]
        assert amazon.refusal("getReports", query={**query, "nextToken": token})[0] == 400
        answer = amazon.call("getReports", query={"nextToken": token})
    assert seen == made[::-1]
    since = amazon.call("getReport", reportId=made[20])["createdTime"]
    shown = amazon.call("getReports", query={**query, "createdSince": since})["reports"]
    assert [report["reportId"] for report in shown] == made[:19:-1]
    waiting = {**query, "processingStatuses": "IN_QUEUE"}
    assert len(amazon.call("getReports", query=waiting)["reports"]) == 9
    for wrong in ({}, {**query, "processingStatuses": "X"}, {**query, "createdSince": "then"}):
        assert amazon.refusal("getReports", query=wrong)[0] == 400


def test_a_restricted_report_opens_to_a_token_for_its_own_path(amazon):
    report_id = _report(amazon, reportType="GET_FLAT_FILE_ORDER_REPORT_DATA_SHIPPING")
    amazon.pass_time(30)
    document_id = amazon.call("getReport", reportId=report_id)["reportDocumentId"]
    assert amazon.refusal("getReportDocument", reportDocumentId=document_id)[0] == 403
    template = "/reports/2021-06-30/documents/{reportDocumentId}"
    for path, opens in ((template, False), (template.format(reportDocumentId=document_id), True)):
        call = amazon.call if opens else amazon.refusal
        assert call("getReportDocument", reportDocumentId=document_id, opened={path: frozenset()})


@pytest.mark.parametrize(
    ("place", "charset", "letters"),
    [
        ("A1PA6795UKMFR9", "ISO-8859-1", "émaillé"),
        ("A1VC38T7YXB528", "Shift_JIS", "ホーローマグカップ"),
        ("ATVPDKIKX0DER", "UTF-8", "émaillé"),
    ],
)
def test_a_flat_file_has_the_charset_of_its_marketplace(amazon, place, charset, letters):
    orders = amazon.orders.some(SELLER.id, 5, (place,))
    for type_ in ("GET_MERCHANT_LISTINGS_ALL_DATA", "GET_FLAT_FILE_ALL_ORDERS_DATA_BY_ORDER_DATE"):
        content = report_content(type_, orders, MARKETPLACES[place], None)
        assert content.content_type == f"text/plain; charset={charset}"
        assert letters in content.body.decode(charset)
    bom = report_content("GET_ORDERS", orders, MARKETPLACES[place], "UTF-8-SIG")
    assert bom.body.startswith(b"\xef\xbb\xbf")
    assert bom.content_type == "text/plain; charset=UTF-8"


def test_a_schedule_asks_for_reports_until_it_is_cancelled(amazon):
    body = {**REPORT, "period": "PT15M"}
    schedule_id = amazon.call("createReportSchedule", body)["reportScheduleId"]
    for _ in range(4):
        amazon.pass_time(900)
    query = {"reportTypes": REPORT["reportType"]}
    reports = amazon.call("getReports", query=query)["reports"]
    assert len(reports) == 5
    assert {report["reportScheduleId"] for report in reports} == {schedule_id}
    [listed] = amazon.call("getReportSchedules", query=query)["reportSchedules"]
    assert listed == amazon.call("getReportSchedule", reportScheduleId=schedule_id)
    replaced = amazon.call("createReportSchedule", {**body, "period": "P1D"})["reportScheduleId"]
    assert amazon.refusal("getReportSchedule", reportScheduleId=schedule_id)[0] == 404
    assert amazon.call("cancelReportSchedule", reportScheduleId=replaced) == {}
    amazon.pass_time(10 * 86_400)
    assert len(amazon.call("getReports", query=query)["reports"]) == 5
    assert amazon.refusal("createReportSchedule", {**body, "period": "PT7M"})[0] == 400


# ── feeds ────────────────────────────────────────────────────────────────────────────────────────


def _upload(amazon: LocalAmazon, body: bytes) -> str:
    made = amazon.call("createFeedDocument", {"contentType": "application/json"})
    # What the URL does, which other tests try.
    content = Content(body=body, content_type="application/json")
    amazon.documents.put(SELLER.id, made["feedDocumentId"], content)
    return made["feedDocumentId"]


def test_a_feed_is_processed_and_reported_on(amazon):
    amazon.subscribe("FEED_PROCESSING_FINISHED", amazon.destination())
    document_id = _upload(amazon, orjson.dumps({"messages": [{}, {}, {}]}))
    amazon.work.add(Recipe(work="feeds", gzip=False))
    feed_id = amazon.call("createFeed", {**FEED, "inputFeedDocumentId": document_id})["feedId"]
    assert amazon.call("getFeed", feedId=feed_id)["processingStatus"] == "IN_QUEUE"
    amazon.pass_time(30)
    feed = amazon.call("getFeed", feedId=feed_id)
    assert feed["processingStatus"] == "DONE"
    assert set(feed) == {
        "feedId",
        "feedType",
        "marketplaceIds",
        "createdTime",
        "processingStatus",
        "processingStartTime",
        "processingEndTime",
        "resultFeedDocumentId",
    }
    amazon.call("getFeedDocument", feedDocumentId=feed["resultFeedDocumentId"])
    result = amazon.documents.get(SELLER.id, feed["resultFeedDocumentId"])
    assert orjson.loads(result.body)["summary"]["messagesProcessed"] == 3
    [(_, body)] = amazon.sent
    told = body["payload"]["feedProcessingFinishedNotification"]
    assert told["resultFeedDocumentId"] == feed["resultFeedDocumentId"]
    [listed] = amazon.call("getFeeds", query={"feedTypes": FEED["feedType"]})["feeds"]
    assert listed == feed


def test_a_feed_without_an_upload_is_fatal_and_a_foreign_document_is_refused(amazon):
    made = amazon.call("createFeedDocument", {"contentType": "text/plain"})["feedDocumentId"]
    feed_id = amazon.call("createFeed", {**FEED, "inputFeedDocumentId": made})["feedId"]
    amazon.pass_time(30)
    assert amazon.call("getFeed", feedId=feed_id)["processingStatus"] == "FATAL"
    other = DEFAULT_SELLERS[1]
    assert (
        amazon.refusal("createFeed", {**FEED, "inputFeedDocumentId": made}, seller=other)[0] == 400
    )
    assert amazon.refusal("createFeed", {**FEED, "marketplaceIds": []})[0] == 400
    assert amazon.refusal("createFeed", {**FEED, "marketplaceIds": "A"})[0] == 400


# ── Data Kiosk ───────────────────────────────────────────────────────────────────────────────────


def test_a_query_is_read_page_by_page(amazon):
    amazon.subscribe("DATA_KIOSK_QUERY_PROCESSING_FINISHED", amazon.destination())
    amazon.work.add(Recipe(work="queries", pages=3, rows=4, gzip=False))
    lines, asked = [], {"query": "query { orders }"}
    for page in range(3):
        query_id = amazon.call("createQuery", asked)["queryId"]
        amazon.pass_time(30)
        query = amazon.call("getQuery", queryId=query_id)
        told = amazon.sent[-1][1]["payload"]
        assert told["dataDocumentId"] == query["dataDocumentId"]
        assert told.get("pagination") == query.get("pagination")
        lines += amazon.documents.get(SELLER.id, query["dataDocumentId"]).body.splitlines()
        if page < 2:
            asked = {**asked, "paginationToken": query["pagination"]["nextToken"]}
    assert "pagination" not in query
    assert len({orjson.loads(line)["orderId"] for line in lines}) == 12
    assert amazon.refusal("createQuery", {**asked, "query": "query { other }"})[0] == 400
    listed = amazon.call("getQueries")["queries"]
    assert [one["queryId"] for one in listed] == ["300000020002", "300000020001", "300000020000"]


def test_a_query_may_have_no_data_or_an_error_document(amazon):
    amazon.subscribe("DATA_KIOSK_QUERY_PROCESSING_FINISHED", amazon.destination())
    amazon.work.add(Recipe(rows=0, times=1))
    amazon.work.add(Recipe(outcome="FATAL", times=1))
    ids = [amazon.call("createQuery", {"query": "q"})["queryId"] for _ in range(2)]
    amazon.pass_time(30)
    empty, failed = (amazon.call("getQuery", queryId=query_id) for query_id in ids)
    assert empty["processingStatus"] == "DONE"
    assert "dataDocumentId" not in empty
    assert failed["processingStatus"] == "FATAL"
    document = amazon.call("getDocument", documentId=failed["errorDocumentId"])
    assert document["documentUrl"]
    assert [
        set(body["payload"]) & {"dataDocumentId", "errorDocumentId"} for _, body in amazon.sent
    ] == [
        set(),
        {"errorDocumentId"},
    ]


def test_a_query_is_cancelled_while_it_waits(amazon):
    query_id = amazon.call("createQuery", {"query": "q"})["queryId"]
    assert amazon.call("cancelQuery", queryId=query_id) is None
    assert amazon.call("getQuery", queryId=query_id)["processingStatus"] == "CANCELLED"
    assert amazon.refusal("createQuery", {})[0] == 400
    assert amazon.refusal("getQuery", queryId="none")[0] == 404


# ── invoices ─────────────────────────────────────────────────────────────────────────────────────


def test_an_export_becomes_zip_files_of_invoices(amazon):
    export_id = amazon.call("createInvoicesExport", EXPORT)["exportId"]
    seen = []
    for wait_s in (0, 10, 20):
        amazon.pass_time(wait_s)
        seen.append(amazon.call("getInvoicesExport", exportId=export_id)["export"])
    assert [export["status"] for export in seen] == ["REQUESTED", "PROCESSING", "DONE"]
    assert seen[0]["invoicesDocumentIds"] == seen[1]["invoicesDocumentIds"] == []
    assert len(seen[2]["invoicesDocumentIds"]) == 2
    names = []
    for document_id in seen[2]["invoicesDocumentIds"]:
        named = {"invoicesDocumentId": document_id}
        shown = amazon.call("getInvoicesDocument", **named)["invoicesDocument"]
        assert shown["invoicesDocumentUrl"].endswith("?X-Amz-Expires=30")
        body = amazon.documents.get(SELLER.id, document_id).body
        with zipfile.ZipFile(io.BytesIO(body)) as archived:
            names += archived.namelist()
            assert archived.read(archived.namelist()[0]).startswith(b"<?xml")
    query = {"marketplaceId": EXPORT["marketplaceId"]}
    invoices = amazon.call("getInvoices", query=query)["invoices"]
    assert names == [f"{invoice['externalInvoiceId']}.xml" for invoice in invoices]


def test_an_export_holds_what_was_asked_for(amazon):
    wanted = {
        "dateStart": "2026-06-10T00:00:00",
        "dateEnd": "2026-07-20T23:59:59",
        "statuses": ["AUTHORIZED"],
        "invoiceType": "SALES",
    }
    query = {**EXPORT, **wanted, "statuses": "AUTHORIZED"}
    invoices = amazon.call("getInvoices", query=query)["invoices"]
    assert 0 < len(invoices) < 20
    for invoice in invoices:
        assert (invoice["status"], invoice["invoiceType"]) == ("AUTHORIZED", "SALES")
        assert wanted["dateStart"] <= invoice["date"] <= wanted["dateEnd"]
    amazon.call("createInvoicesExport", {**EXPORT, **wanted})
    amazon.pass_time(30)
    [export] = amazon.call("getInvoicesExports", query=EXPORT)["exports"]
    [document_id] = export["invoicesDocumentIds"]
    with zipfile.ZipFile(io.BytesIO(amazon.documents.get(SELLER.id, document_id).body)) as archived:
        assert len(archived.namelist()) == len(invoices)


def test_an_export_may_fail_or_find_nothing(amazon):
    amazon.work.add(Recipe(work="exports", outcome="FATAL", times=1))
    failed = amazon.call("createInvoicesExport", EXPORT)["exportId"]
    empty = amazon.call("createInvoicesExport", {**EXPORT, "series": "99"})["exportId"]
    amazon.pass_time(30)
    shown = amazon.call("getInvoicesExport", exportId=failed)["export"]
    assert (shown["status"], bool(shown["errorMessage"])) == ("ERROR", True)
    shown = amazon.call("getInvoicesExport", exportId=empty)["export"]
    assert (shown["status"], shown["invoicesDocumentIds"]) == ("DONE", [])
    query = {**EXPORT, "status": "ERROR"}
    assert [
        one["exportId"] for one in amazon.call("getInvoicesExports", query=query)["exports"]
    ] == [failed]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {**EXPORT, "fileFormat": "PDF"},
        {**EXPORT, "dateStart": "yesterday"},
        {**EXPORT, "statuses": "AUTHORIZED"},
    ],
)
def test_a_wrong_export_is_refused(amazon, body):
    assert amazon.refusal("createInvoicesExport", body)[0] == 400


def test_a_document_is_not_there_before_its_export_is_done_nor_for_another_seller(amazon):
    export_id = amazon.call("createInvoicesExport", EXPORT)["exportId"]
    other = DEFAULT_SELLERS[3]
    assert amazon.refusal("getInvoicesExport", seller=other, exportId=export_id)[0] == 404
    amazon.pass_time(30)
    [first, _] = amazon.call("getInvoicesExport", exportId=export_id)["export"][
        "invoicesDocumentIds"
    ]
    assert amazon.refusal("getInvoicesDocument", seller=other, invoicesDocumentId=first)[0] == 404


def test_attributes_one_invoice_and_pages_of_them(amazon):
    attributes = amazon.call("getInvoicesAttributes", query=EXPORT)["invoicesAttributes"]
    assert {option["value"] for option in attributes["invoiceStatusOptions"]} == {
        "AUTHORIZED",
        "REJECTED",
        "CANCELED",
    }
    first = amazon.call("getInvoices", query={**EXPORT, "pageSize": "30"})
    query = {**EXPORT, "pageSize": "30", "nextToken": first["nextToken"]}
    second = amazon.call("getInvoices", query=query)
    assert (len(first["invoices"]), len(second["invoices"])) == (30, 10)
    assert "nextToken" not in second
    ascending = amazon.call("getInvoices", query={**EXPORT, "sortOrder": "ASC"})["invoices"]
    assert ascending == [*first["invoices"], *second["invoices"]][::-1]
    one = amazon.call("invoices.2024-06-19.getInvoice", query=EXPORT, invoiceId=ascending[0]["id"])[
        "invoice"
    ]
    assert one == ascending[0]
    assert (
        amazon.refusal("invoices.2024-06-19.getInvoice", query=EXPORT, invoiceId="none")[0] == 404
    )
    assert amazon.refusal("getInvoices")[0] == 400


# ── application management ───────────────────────────────────────────────────────────────────────


def test_a_rotated_secret_comes_by_queue_and_the_old_one_works_for_a_week(amazon):
    client_id, old = DEFAULT_APPLICATION.client_id, DEFAULT_APPLICATION.client_secret
    assert amazon.call("rotateApplicationClientSecret", seller=None) is None
    [(_, body)] = amazon.sent
    told = body["payload"]["applicationOAuthClientNewSecret"]
    assert told["clientId"] == client_id
    new = told["newClientSecret"]
    assert new != old
    accounts = amazon.accounts
    assert accounts.application(client_id, new).id == accounts.application(client_id, old).id
    amazon.clock.advance(7 * 86_400 - 1)
    assert accounts.application(client_id, old) is not None
    amazon.clock.advance(1)
    assert accounts.application(client_id, old) is None
    assert accounts.secret_state(client_id, old) == "expired"
    assert accounts.application(client_id, new) is not None


def test_only_a_listed_application_has_a_secret_to_rotate(amazon):
    refusal = amazon.refusal("rotateApplicationClientSecret", seller=None, application="x")
    assert refusal[0] == 400


# ── recipes ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "given",
    [
        {"nonsense": 1},
        {"outcome": "FINE"},
        {"charset": "EBCDIC"},
        {"gzip": 1},
        {"rows": True},
        {"rows": -1},
        {"queue_s": "x"},
    ],
)
def test_a_wrong_recipe_is_refused(given):
    with pytest.raises(InvalidInputError):
        read_recipe(given)


def test_a_recipe_is_read_from_plain_data(amazon):
    recipe = read_recipe({"work": "exports", "outcome": "FATAL", "queue_s": 0.5, "times": 2})
    amazon.work.add(recipe)
    [shown] = amazon.work.show()
    assert (shown["work"], shown["outcome"], shown["times"]) == ("exports", "FATAL", 2)
    assert amazon.work.begin("reports")[0] == Recipe()
    assert amazon.work.begin("exports")[0] is recipe
    [shown] = amazon.work.show()
    assert shown["times"] == 1
