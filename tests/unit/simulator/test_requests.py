"""Requests that are wrong in form, refused where they are read."""

import pytest

from gateway.simulator.apis.restricted import asked_resources
from gateway.simulator.spapi.answers import RefusalError
from gateway.simulator.sqs.errors import SqsError
from gateway.simulator.sqs.messages import attributes_md5
from gateway.simulator.sqs.parameters import Parameters


@pytest.mark.parametrize(
    ("read", "name"),
    [
        ("text", "number"),
        ("text", "absent"),
        ("texts", "text"),
        ("texts", "numbers"),
        ("mapping", "text"),
        ("string_mapping", "object"),
    ],
)
def test_a_parameter_of_another_type_is_refused(read, name):
    given = Parameters({"number": 7, "text": "x", "numbers": [1], "object": {"a": 1}})
    with pytest.raises(SqsError):
        getattr(given, read)(name)


@pytest.mark.parametrize("value", ["8", True, 7, 10, 8.5])
def test_a_number_of_another_type_or_range_is_refused(value):
    with pytest.raises(SqsError):
        Parameters({"n": value}).integer("n", low=8, high=9, default=8)


@pytest.mark.parametrize("entries", [1, {"Id": "1"}, ["x"]])
def test_entries_that_are_no_list_of_objects_are_refused(entries):
    with pytest.raises(SqsError):
        Parameters({"Entries": entries}).entries()


@pytest.mark.parametrize(
    "attribute",
    [
        {},
        "x",
        {"DataType": "String"},
        {"DataType": "Date", "StringValue": "x"},
        {"DataType": "Binary", "BinaryValue": "no base64"},
        {"DataType": "Binary", "BinaryValue": 7},
    ],
)
def test_a_message_attribute_without_a_fitting_value_is_refused(attribute):
    with pytest.raises(SqsError):
        attributes_md5({"name": attribute})


def test_eleven_message_attributes_are_too_many():
    attributes = {f"a{n}": {"DataType": "String", "StringValue": "x"} for n in range(11)}
    with pytest.raises(SqsError, match="at most 10"):
        attributes_md5(attributes)


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        b"{}",
        b'{"restrictedResources": []}',
        b'{"restrictedResources": ["x"]}',
        b'{"restrictedResources": [{"method": "LOOK", "path": "/x"}]}',
        b'{"restrictedResources": [{"method": "GET", "path": "x"}]}',
        b'{"restrictedResources": [{"method": "GET", "path": "/x", "dataElements": ["all"]}]}',
        b'{"restrictedResources": [{"method": "GET", "path": "/x", "dataElements": [["x"]]}]}',
        b'{"restrictedResources": [{"method": [], "path": "/x"}]}',
    ],
)
def test_a_request_for_a_restricted_token_that_is_none_is_refused(body):
    with pytest.raises(RefusalError):
        asked_resources(body)
