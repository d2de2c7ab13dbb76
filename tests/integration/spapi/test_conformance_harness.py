"""`make conformance` judges rightly: shown on a small model of our own, with faults planted."""

import json
import os
import subprocess
import sys

import pytest

from gateway.spapi.apis.views import View
from tests.conformance.spapi.expected import Arrived, expect, faults_of_request, faults_of_result
from tests.conformance.spapi.run import run
from tests.conformance.spapi.typed import unread
from tests.support.models import Case, read_models

ORDER = "/orders/2026-01-01/orders/{orderId}"
ERRORS = {"errors": [{"code": "Odd", "message": "no"}]}


def box(*cases):
    return {"x-amzn-api-sandbox": {"static": list(cases)}}


def case(response=None, **parameters):
    named = {name: {"value": value} for name, value in parameters.items()}
    held = {"request": {"parameters": named}}
    return held if response is None else {**held, "response": response}


def parameter(name, where, kind="string", **more):
    return {"name": name, "in": where, "type": kind, **more}


def model(included="csv"):
    get_order = {
        "operationId": "getOrder",
        "parameters": [
            parameter("orderId", "path", required=True),
            parameter("includedData", "query", "array", collectionFormat=included),
        ],
        "responses": {
            "200": box(
                case({"order": {"orderId": "1"}}, orderId="a/b ü", includedData=["BUYER", "TAX"])
            ),
            "403": box(case({"errors": [{"code": "Unauthorized", "message": "no"}]})),
            "404": box(case({"Errors": [{"Code": "NotFound"}]}, orderId="none")),
            "429": box(case({"errors": [{"code": "QuotaExceeded"}]}, orderId="1")),
        },
    }
    create_feed = {
        "operationId": "createFeed",
        "parameters": [
            {
                "name": "body",
                "in": "body",
                "required": True,
                "schema": {"$ref": "#/definitions/Spec"},
            }
        ],
        "responses": {"202": box(case({"feedId": "1"}), case({"feedId": "2"}, body={"a": [1]}))},
    }
    cancel = {
        "operationId": "cancelFeed",
        "parameters": [parameter("feedId", "path", required=True)],
        "responses": {"200": box(case(feedId="1"), case(feedId="1", stray=3), case(feedId=""))},
    }
    # These two need a restricted data token: asked for on the way, and judged for itself.
    get_address = {
        "operationId": "getOrderAddress",
        "parameters": [parameter("orderId", "path", required=True)],
        "responses": {"200": box(case({"payload": {"AmazonOrderId": "1"}}, orderId="1"))},
    }
    create_token = {
        "operationId": "createRestrictedDataToken",
        "parameters": [
            {"name": "body", "in": "body", "required": True, "schema": {"type": "object"}}
        ],
        "responses": {"200": box(case({"restrictedDataToken": "x"}, body={"a": 1}))},
    }
    spec = {
        "type": "object",
        "required": ["feedType", "marketplaceIds"],
        "properties": {
            "feedType": {"type": "string"},
            "marketplaceIds": {"type": "array", "items": {"type": "string"}},
        },
    }
    return {
        "swagger": "2.0",
        "definitions": {"Spec": spec},
        "paths": {
            ORDER: {"get": get_order},
            "/orders/v0/orders/{orderId}/address": {"get": get_address},
            "/tokens/2021-03-01/restrictedDataToken": {"post": create_token},
            "/feeds/2021-06-30/feeds": {"post": create_feed},
            "/feeds/2021-06-30/feeds/{feedId}": {"delete": cancel},
        },
    }


def checkout(folder, **options):
    (folder / "orders").mkdir()
    (folder / "orders" / "orders.json").write_text(json.dumps(model(**options)))
    return folder


async def test_what_holds_passes_and_what_cant_be_judged_is_named(tmp_path):
    tally = await run(read_models(checkout(tmp_path)))

    assert tally.failed == []
    assert tally.passed == 9
    assert len(tally.left_out) == 2
    assert "cancelFeed 200 #1: its request names stray" in tally.left_out[0]
    assert "cancelFeed 200 #2: an empty path value" in tally.left_out[1]


async def test_a_list_written_otherwise_than_the_model_says_fails(tmp_path):
    tally = await run(read_models(checkout(tmp_path, included="multi")))

    (failed,) = tally.failed
    assert "orders.json getOrder 200 #0: query" in failed
    assert "BUYER,TAX" in failed


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"method": "POST"}, "method"),
        ({"path": "/orders/2026-01-01/orders/a/b%20%C3%BC"}, "path"),
        ({"query": "includedData=BUYER"}, "query"),
        ({"query": "includedData=BUYER,TAX&x=1"}, "query"),
        ({"body": b"{}"}, "body"),
    ],
)
def test_each_part_of_a_request_is_judged(tmp_path, changes, fault):
    operation = next(iter(read_models(checkout(tmp_path))))
    expected = expect(operation, operation.cases[0])
    right = {
        "method": "GET",
        "path": "/orders/2026-01-01/orders/a%2Fb%20%C3%BC",
        "query": "includedData=BUYER%2CTAX",
        "headers": {},
        "body": b"",
    }

    assert faults_of_request(expected, Arrived(**right)) == []
    (found,) = faults_of_request(expected, Arrived(**{**right, **changes}))
    assert found.startswith(fault)


@pytest.mark.parametrize(
    ("status", "response", "result"),
    [
        (200, {"a": 1}, {"a": 2}),
        (200, {"a": 1}, ValueError("x")),
        (400, ERRORS, {"errors": []}),
        (404, ERRORS, ValueError("x")),
    ],
)
def test_each_part_of_a_result_is_judged(status, response, result):
    judged = Case(status=status, parameters={}, response=response, number=0)

    assert faults_of_result(judged, result)


class Part(View):
    """A part of an object, for the test."""

    size: int | None = None


class Whole(View):
    """An object, for the test."""

    some_id: str
    part: Part | None = None
    parts: tuple[Part, ...] = ()


@pytest.mark.parametrize(
    ("raw", "fault"),
    [
        ({"someId": "1", "part": {"size": 1}, "parts": [{"size": 2}], "more": 3}, None),
        ({"someId": "1", "part": {}, "parts": [], "more": None}, None),
        ({"someID": "1"}, "no Whole"),
        ({"someId": "1", "part": {"size": "big"}}, "Whole.part.size: 'big' goes unread"),
        ({"someId": "1", "parts": [{}, 7]}, "Whole.parts: 1 of 2 items are read"),
        ({"someId": "1", "parts": [{"size": []}, {"size": {}}]}, None),
    ],
)
def test_what_a_typed_call_leaves_unread_is_found(raw, fault):
    found = list(unread(Whole, raw))

    assert [fault in one for one in found] == [True] if fault else found == []


def test_the_command_counts_and_says_what_it_needs(tmp_path):
    def command(folder):
        return subprocess.run(
            [sys.executable, "-m", "tests.conformance"],
            env={**os.environ, "SPAPI_MODELS": str(folder)},
            capture_output=True,
            text=True,
            check=False,
        )

    good = command(checkout(tmp_path))
    assert good.returncode == 0, good.stderr
    assert good.stdout.startswith("5 operations, 11 static cases: 9 passed\n")
    bad = command(tmp_path / "none")
    assert bad.returncode == 2
    assert "SPAPI_MODELS names no folder" in bad.stderr
