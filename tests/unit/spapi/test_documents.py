import gzip
import hashlib
import io
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import SpApiRequestError, SpApiRetryableError
from gateway.spapi.documents.limits import DocumentLimits
from gateway.spapi.throttle import CallDeferred
from tests.support.clock import FakeClock
from tests.support.documents import FakeHost, Kept, bad_moment, dead_url
from tests.support.spapi import FakeAmazon, Rig, answer

URL = "https://documents.example/one?X-Amz-Signature=secret"
TEXT = "sku\tname\n1\tJosé\n2\t東京\n"


def rig(*kept, link=None, **options):
    given = {"reportDocumentId": "D1", "url": URL, **(link or {})}
    return Rig(
        clock=FakeClock(),
        amazon=FakeAmazon(script=[answer(200, given)]),
        host=FakeHost(script=list(kept) or [Kept()]),
        **options,
    )


def documents(made, **options):
    return made.client.for_seller("S1", **options).documents


async def report(made):
    async with documents(made).report("D1") as document:
        return b"".join([piece async for piece in document]), document


def pieces(data, size=7):
    return [data[at : at + size] for at in range(0, len(data), size)]


def zipped(**members):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name.replace("__", "/"), content)
    return file.getvalue()


def invoices_rig(data, **options):
    return Rig(
        clock=FakeClock(),
        amazon=FakeAmazon(
            script=[
                answer(
                    200,
                    {"invoicesDocument": {"invoicesDocumentId": "I1", "invoicesDocumentUrl": URL}},
                )
            ]
        ),
        host=FakeHost(script=[Kept(pieces=pieces(data, 100), content_type="application/zip")]),
        **options,
    )


async def test_a_plain_report_comes_out_as_it_is_with_size_and_checksum():
    made = rig(Kept(pieces=pieces(TEXT.encode())))
    content, document = await report(made)

    assert content.decode() == TEXT
    assert document.id == "D1"
    assert document.media_type == "text/plain"
    assert document.charset == "utf-8"
    assert document.whole
    assert document.size_bytes == document.received_bytes == len(TEXT.encode())
    assert document.sha256 == hashlib.sha256(TEXT.encode()).hexdigest()
    assert made.host.open == 0


@pytest.mark.parametrize(
    ("link", "encoding", "layers"),
    [
        pytest.param({"compressionAlgorithm": "GZIP"}, "", 1, id="by Amazon's answer"),
        pytest.param({}, "gzip", 1, id="by the host's header"),
        pytest.param({"compressionAlgorithm": "GZIP"}, "gzip", 1, id="once, by both"),
        pytest.param({"compressionAlgorithm": "GZIP"}, "gzip", 2, id="twice"),
    ],
)
async def test_gzip_is_taken_off(link, encoding, layers):
    data = TEXT.encode()
    for _ in range(layers):
        data = gzip.compress(data)
    content, document = await report(rig(Kept(pieces=pieces(data), encoding=encoding), link=link))

    assert content.decode() == TEXT
    assert document.received_bytes == len(data)


async def test_a_packing_in_several_parts_with_padding_is_one_document():
    data = gzip.compress(b"one ") + gzip.compress(b"two ") + b"\0" * 20 + gzip.compress(b"three")
    content, _ = await report(
        rig(Kept(pieces=pieces(data, 5)), link={"compressionAlgorithm": "GZIP"})
    )
    assert content == b"one two three"


@given(data=st.binary(max_size=5000), cut=st.integers(1, 300), level=st.integers(0, 9))
async def test_what_was_packed_comes_out_whatever_the_pieces(data, cut, level):
    kept = Kept(
        pieces=pieces(gzip.compress(data, level), cut), content_type="application/octet-stream"
    )
    content, _ = await report(rig(kept, link={"compressionAlgorithm": "GZIP"}))
    assert content == data.removeprefix(b"\xef\xbb\xbf")


@pytest.mark.parametrize(
    ("content_type", "written", "charset"),
    [
        ("text/plain;charset=ISO-8859-1", "naïve café".encode("iso-8859-1"), "iso8859-1"),
        ("text/plain; charset=Cp1252", "5 €, “naïve” café".encode("cp1252"), "cp1252"),
        ("text/tab-separated-values;charset=Shift_JIS", "東京\t①".encode("cp932"), "cp932"),
        ('TEXT/PLAIN; CHARSET="utf-8"', "東京".encode(), "utf-8"),
        ("text/plain", b"\xef\xbb\xbfcaf\xc3\xa9", "utf-8"),
        ("text/plain;charset=ISO-8859-1", b"\xef\xbb\xbfcaf\xc3\xa9", "utf-8"),
        ("text/plain;charset=UTF-16", "東京".encode("utf-16"), "utf-16"),
    ],
)
@pytest.mark.parametrize("size", [1, 2, 1000])
async def test_text_becomes_utf_8(content_type, written, charset, size):
    content, document = await report(
        rig(Kept(pieces=pieces(written, size), content_type=content_type))
    )
    plain = written.removeprefix(b"\xef\xbb\xbf")
    assert content.decode() == plain.decode(charset)
    assert document.charset == charset
    assert document.sha256 == hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize(
    "content_type",
    ["", "text/plain", "text/plain;charset=klingon", "text/plain;charset=hex", "application/pdf"],
)
async def test_what_names_no_usable_charset_is_left_as_it_is(content_type):
    written = "naïve café".encode("iso-8859-1")
    content, document = await report(rig(Kept(pieces=pieces(written), content_type=content_type)))

    assert content == written
    assert document.charset is None


async def test_a_mark_in_front_of_what_is_no_text_stays():
    written = b"\xef\xbb\xbf\x00\x01"
    content, _ = await report(rig(Kept(pieces=[written], content_type="application/pdf")))
    assert content == written


async def test_bytes_that_the_charset_does_not_have_do_not_end_the_document():
    content, _ = await report(rig(Kept(pieces=[b"a\xffb"])))
    assert content.decode() == "a\ufffdb"


async def test_text_shorter_than_a_mark_comes_out():
    content, document = await report(rig(Kept(pieces=[b"\xef"], content_type="application/json")))
    assert content == b"\xef"
    assert document.whole


async def test_a_bomb_is_refused_by_what_comes_out_of_what_came_in():
    made = rig(
        Kept(pieces=pieces(gzip.compress(b"\0" * 3_000_000), 500)),
        link={"compressionAlgorithm": "GZIP"},
        limits=DocumentLimits(free_bytes=1_000_000),
    )
    with pytest.raises(SpApiRequestError, match="more than 200 times its size") as caught:
        await report(made)

    assert "document D1 of seller S1" in str(caught.value)
    assert made.host.open == 0


@pytest.mark.parametrize("gzip_it", [True, False])
async def test_a_document_over_the_size_is_refused_packed_or_not(gzip_it):
    data = bytes(range(256)) * 8
    made = rig(
        Kept(pieces=pieces(gzip.compress(data) if gzip_it else data)),
        link={"compressionAlgorithm": "GZIP"} if gzip_it else {},
        limits=DocumentLimits(max_bytes=1000),
    )
    with pytest.raises(SpApiRequestError, match=r"1000 bytes.*spapi\.document_max_bytes"):
        await report(made)


@pytest.mark.parametrize(
    ("data", "encoding"),
    [
        pytest.param(gzip.compress(TEXT.encode() * 50)[:-9], "gzip", id="cut short"),
        pytest.param(b"", "gzip", id="nothing"),
        pytest.param(b"<html>", "gzip", id="not packed"),
        pytest.param(gzip.compress(b"x") + b"rubbish", "gzip", id="rubbish behind"),
        pytest.param(b"x", "br", id="an encoding that is not known"),
    ],
)
async def test_a_damaged_packing_can_be_asked_for_again(data, encoding):
    made = rig(Kept(pieces=pieces(data, 100), encoding=encoding))
    with pytest.raises(SpApiRetryableError, match="document D1 of seller S1"):
        await report(made)


async def test_a_document_that_breaks_off_is_not_whole():
    made = rig(Kept(pieces=[b"half"], then=bad_moment()))
    async with documents(made).report("D1") as document:
        with pytest.raises(SpApiRetryableError):
            await document.read()
        assert not document.whole


async def test_a_dead_url_is_asked_for_once_more():
    made = rig(dead_url(), Kept(pieces=[b"x"]))
    content, _ = await report(made)

    assert content == b"x"
    assert len(made.amazon.requests) == 2


async def test_a_url_that_is_dead_again_is_for_later():
    made = rig(dead_url())
    with pytest.raises(SpApiRetryableError):
        await report(made)
    assert len(made.amazon.requests) == 2


async def test_a_bad_moment_of_the_host_costs_no_call_of_the_plan():
    made = rig(bad_moment(), bad_moment(), Kept(pieces=[b"x"]))
    content, _ = await report(made)

    assert content == b"x"
    assert len(made.amazon.requests) == 1
    assert len(made.host.links) == 3


async def test_a_host_that_stays_bad_is_for_later():
    made = rig(bad_moment())
    with pytest.raises(SpApiRetryableError):
        await report(made)
    assert len(made.host.links) == 3


async def test_asking_again_waits_for_the_usage_plan_and_gives_the_worker_back():
    made = invoices_rig(zipped(a="x"))
    made.host.script = [dead_url()]
    with pytest.raises(CallDeferred):
        async with documents(made).invoices("I1"):
            raise AssertionError
    assert len(made.amazon.requests) == 1


async def test_leaving_early_closes_the_connection():
    made = rig(Kept(pieces=[b"x"] * 1000))
    async with documents(made).report("D1") as document:
        async for _ in document:
            break
    assert made.host.open == 0
    assert not document.whole


async def test_no_url_in_what_is_written_about_a_document():
    made = rig(Kept(pieces=[b"<html>"], encoding="gzip"))
    with pytest.raises(SpApiRetryableError) as caught:
        await report(made)
    assert "secret" not in str(caught.value)
    assert "secret" not in repr(made.host.links)


async def test_each_kind_is_asked_for_in_its_own_way():
    made = Rig(
        clock=FakeClock(),
        amazon=FakeAmazon(script=[answer(200, {"documentId": "K1", "documentUrl": URL})]),
        host=FakeHost(script=[Kept(pieces=pieces(gzip.compress(b"{}\n")), encoding="gzip")]),
    )
    async with documents(made).data_kiosk("K1") as document:
        assert await document.read() == b"{}\n"
    async with documents(made).feed_result("F1") as document:
        assert await document.read() == b"{}\n"

    assert [request.url.partition(".com")[2] for request in made.amazon.requests] == [
        "/dataKiosk/2023-11-15/documents/K1",
        "/feeds/2021-06-30/documents/F1",
    ]
    assert [link.url for link in made.host.links] == [URL, URL]


async def test_lines_come_decoded_and_without_their_ends():
    written = "a\tb\r\n1\té\r\n\r\nlast".encode("iso-8859-1")
    made = rig(Kept(pieces=pieces(written, 3), content_type="text/plain;charset=ISO-8859-1"))
    async with documents(made).report("D1") as document:
        assert [line async for line in document.lines()] == ["a\tb", "1\té", "", "last"]


async def test_a_line_without_end_is_refused():
    made = rig(Kept(pieces=[b"x" * 60] * 2))
    with pytest.raises(SpApiRequestError, match="100 characters"):
        async with documents(made).report("D1") as document:
            _ = [line async for line in document.lines(at_most=100)]


async def test_reading_at_once_has_a_bound():
    made = rig(Kept(pieces=[b"x" * 60] * 2))
    with pytest.raises(SpApiRequestError, match="100 bytes"):
        async with documents(made).report("D1") as document:
            await document.read(at_most=100)


async def test_the_files_of_an_archive_come_one_after_the_other():
    xml = "<?xml version='1.0' encoding='ISO-8859-1'?><n>é</n>".encode("iso-8859-1")
    data = zipped(nfe__one_xml=xml, empty=b"")
    got = []
    async with documents(invoices_rig(data)).invoices("I1") as archive:
        assert archive.id == "I1"
        assert archive.names == ["one_xml", "empty"]
        async for member in archive:
            content = b"".join([piece async for piece in member])
            assert member.sha256 == hashlib.sha256(content).hexdigest()
            assert member.size_bytes == len(content)
            assert member.received_bytes == len(data)
            got.append((member.name, content))

    assert got == [("one_xml", xml), ("empty", b"")]


@pytest.mark.parametrize(
    ("name", "media_type"), [("a.xml", "text/xml"), ("a.pdf", "application/pdf"), ("a.zzz", "")]
)
async def test_a_files_media_type_follows_its_name(name, media_type):
    made = invoices_rig(zipped(**{name: b"x"}))
    async with documents(made).invoices("I1") as archive:
        async for member in archive:
            assert member.media_type == media_type


async def test_a_name_that_climbs_is_only_a_name():
    made = invoices_rig(zipped(**{"../../etc/passwd": b"x", "..\\win.ini": b"y"}))
    async with documents(made).invoices("I1") as archive:
        assert archive.names == ["passwd", "win.ini"]


async def test_files_can_be_passed_over():
    made = invoices_rig(zipped(a=b"1", b=b"2"))
    async with documents(made).invoices("I1") as archive:
        got = [await member.read() async for member in archive if member.name == "b"]
    assert got == [b"2"]


async def test_an_archive_that_expands_too_far_is_refused():
    made = invoices_rig(
        zipped(a=b"\0" * 2_000_000, b=b"\0" * 2_000_000),
        limits=DocumentLimits(free_bytes=3_000_000),
    )
    with pytest.raises(SpApiRequestError, match="a decompression bomb"):
        await files(made)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"<html>no zip</html>", id="no archive"),
        pytest.param(zipped(a=b"x" * 1000)[:-30], id="cut short"),
    ],
)
async def test_what_is_no_archive_can_be_asked_for_again(data):
    with pytest.raises(SpApiRetryableError, match="no whole ZIP"):
        async with documents(invoices_rig(data)).invoices("I1"):
            raise AssertionError


async def test_a_damaged_file_in_an_archive_can_be_asked_for_again():
    data = bytearray(zipped(**{"a.xml": bytes(range(256)) * 20}))
    data[60] ^= 0xFF
    with pytest.raises(SpApiRetryableError, match=r"a\.xml, which is damaged"):
        await files(invoices_rig(bytes(data)))


async def test_an_encrypted_file_is_refused():
    data = bytearray(zipped(a=b"x"))
    data[data.index(b"PK\x01\x02") + 8] |= 1
    with pytest.raises(SpApiRequestError, match="encrypted"):
        await files(invoices_rig(bytes(data)))


@pytest.mark.parametrize("far", [False, True])
async def test_an_archive_with_a_huge_table_is_not_read(far):
    size = (1 << 30).to_bytes(8 if far else 4, "little")
    end = b"PK\x05\x06" + bytes(8) + (b"\0" * 4 if far else size) + bytes(6)
    record = b"PK\x06\x06" + bytes(36) + size + bytes(8)
    locator = b"PK\x06\x07" + bytes(4) + bytes(8) + bytes(4)
    data = record + locator + end if far else end
    with pytest.raises(SpApiRequestError, match="table is larger"):
        async with documents(invoices_rig(data)).invoices("I1"):
            raise AssertionError


async def files(made):
    """Return the sizes of an archive's files, all read."""
    sizes = []
    async with documents(made).invoices("I1") as archive:
        async for member in archive:
            sizes += [sum([len(piece) async for piece in member])]
    return sizes


async def stream(*parts):
    for part in parts:
        yield part


def feed_rig(*kept):
    return Rig(
        clock=FakeClock(),
        amazon=FakeAmazon(
            script=[
                answer(201, {"feedDocumentId": "F1", "url": URL}),
                answer(201, {"feedDocumentId": "F2", "url": URL}),
                answer(202, {"feedId": "77"}),
            ]
        ),
        host=FakeHost(script=list(kept) or [Kept()]),
    )


@pytest.mark.parametrize("whole", [True, False])
async def test_a_feed_is_uploaded_with_the_type_it_was_announced_with(whole):
    made = feed_rig()
    content = b"<xml/>" if whole else stream(b"<x", b"ml/>")
    document_id = await documents(made).upload_feed(content, content_type="text/xml; charset=UTF-8")

    assert document_id == "F1"
    assert made.host.written == [(b"<xml/>", 6, "text/xml; charset=UTF-8")]
    assert b'"contentType":"text/xml; charset=UTF-8"' in made.amazon.requests[0].body


async def test_a_feed_is_submitted_after_its_upload():
    made = feed_rig(dead_url(), bad_moment(), Kept())
    feed_id = await documents(made).submit_feed(
        "JSON_LISTINGS_FEED",
        stream(b"{}"),
        content_type="application/json; charset=UTF-8",
        marketplace_ids=["A1PA6795UKMFR9"],
        options={"a": "b"},
    )

    assert feed_id == "77"
    assert made.host.written == [(b"{}", 2, "application/json; charset=UTF-8")]
    assert made.amazon.requests[-1].url.endswith("/feeds/2021-06-30/feeds")
    assert made.amazon.requests[-1].body == (
        b'{"feedType":"JSON_LISTINGS_FEED","marketplaceIds":["A1PA6795UKMFR9"],'
        b'"inputFeedDocumentId":"F2","feedOptions":{"a":"b"}}'
    )
