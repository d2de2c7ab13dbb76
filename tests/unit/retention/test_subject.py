from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.erasures import Subject, SubjectKind
from gateway.errors import InvalidInputError
from gateway.retention.subject import Mentions, checked


def _mentions(value: str) -> Mentions:
    return Mentions(Subject(kind=SubjectKind.BUYER, value=value))


@pytest.mark.parametrize(
    "text",
    [
        '{"BuyerName": "José Müller"}',
        json.dumps({"name": "José Müller"}),
        json.dumps({"inner": json.dumps({"name": "José Müller"})}),
        "JOSÉ  MÜLLER\n",
        "José\tMüller",
        json.dumps("José\nMüller"),
        "an: José Müller, Berlin",
    ],
)
def test_a_name_is_found_however_it_is_written(text: str) -> None:
    assert _mentions("José Müller")(text)
    assert _mentions("José Müller")(text.encode())


@pytest.mark.parametrize("text", ["Mary-Ann Leeds", "Joann Lee", "Ann Leeds", "", "Ann"])
def test_another_name_is_not(text: str) -> None:
    assert not _mentions("Ann Lee")(text)


def test_an_order_is_not_part_of_another() -> None:
    order = _mentions("902-0000001-0000001")
    assert order('{"AmazonOrderId":"902-0000001-0000001"}')
    assert not order("902-0000001-00000012")
    assert not order(None)


@given(name=st.text(st.characters(categories=["L", "N"]), min_size=5, max_size=30))
def test_whatever_json_makes_of_it(name: str) -> None:
    assert _mentions(name)(json.dumps({"name": name}))
    assert _mentions(name)(json.dumps({"name": name}, ensure_ascii=False).encode())


def test_what_is_too_short_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="too short"):
        checked(SubjectKind.BUYER, " Ann ")


def test_only_a_seller_owns() -> None:
    seller = Mentions(Subject(kind=SubjectKind.SELLER, value="ASELLER"))
    assert seller.owner("ASELLER")
    assert not seller.owner("ASELLER2")
    assert not _mentions("ASELLER").owner("ASELLER")


def test_whom_it_is_about_is_not_shown() -> None:
    assert "secret name" not in repr(Subject(kind=SubjectKind.BUYER, value="secret name"))
