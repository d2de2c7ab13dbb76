"""Static cases of API models: found in a folder, and the one that fits best answers."""

import json

import pytest

from gateway.errors import InvalidInputError
from gateway.simulator.spapi.static_cases import StaticCases
from gateway.spapi.catalog import Catalog
from tests.support.amazon import LocalAmazon

CATALOG = Catalog.load()


def _case(response, /, **parameters):
    return {
        "request": {"parameters": {k: {"value": v} for k, v in parameters.items()}},
        "response": response,
    }


MODEL = {
    "swagger": "2.0",
    "parameters": {"place": {"name": "marketplaceIds", "in": "query", "type": "array"}},
    "paths": {
        "/sales/v1/orderMetrics": {
            "parameters": [{"$ref": "#/parameters/place"}],
            "get": {
                "parameters": [{"name": "granularity", "in": "query"}],
                "responses": {
                    "200": {
                        "x-amzn-api-sandbox": {
                            "static": [
                                _case("both", granularity="Day", marketplaceIds=["A", "B"]),
                                _case("day", granularity="Day"),
                            ]
                        }
                    },
                    "400": {"x-amzn-api-sandbox": {"static": [_case("nothing fits")]}},
                    "default": {"description": "no number"},
                },
            },
        },
        "/vendor/orders/v1/acknowledgements": {
            "post": {
                "parameters": [{"name": "body", "in": "body"}],
                "responses": {
                    "202": {
                        "x-amazon-spds-sandbox-behaviors": [
                            {
                                "request": {"parameters": {"body": {"value": {"a": [{"b": 1}]}}}},
                                "response": {"ok": True},
                                "responseHeaders": {"x-told": "yes"},
                            }
                        ]
                    }
                },
            }
        },
        "/solicitations/v1/orders/{amazonOrderId}": {
            "get": {
                "parameters": [{"name": "amazonOrderId", "in": "path"}],
                "responses": {
                    "200": {
                        "x-amzn-api-sandbox": {"static": [_case({"n": 1}, amazonOrderId="1-1")]}
                    }
                },
            }
        },
        "/no/such/operation": {"get": {"responses": {"200": {}}}},
    },
}


@pytest.fixture
def cases(tmp_path) -> StaticCases:
    nested = tmp_path / "models" / "some-api"
    nested.mkdir(parents=True)
    (nested / "model.json").write_text(json.dumps(MODEL))
    (tmp_path / "package.json").write_text(json.dumps({"name": "not a model"}))
    (tmp_path / "broken.json").write_text("{")
    return StaticCases.load(tmp_path, CATALOG)


class Caller(LocalAmazon):
    """Calls what the cases answer."""

    def __init__(self, cases: StaticCases) -> None:
        super().__init__()
        self.apis.answers = {one.name: cases.answer for one in CATALOG.operations}


def test_cases_are_found_in_a_checkout_whatever_else_lies_there(cases):
    assert len(cases) == 5
    assert cases.operations == 3


@pytest.mark.parametrize(
    ("query", "body"),
    [
        ([("granularity", "Day"), ("marketplaceIds", "A,B")], "both"),
        ([("granularity", "Day"), ("marketplaceIds", "A"), ("marketplaceIds", "B")], "both"),
        ([("granularity", "Day"), ("marketplaceIds", "A")], "day"),
        ([("granularity", "Hour")], "nothing fits"),
        ([], "nothing fits"),
    ],
)
def test_the_most_specific_case_that_fits_answers(cases, query, body):
    assert Caller(cases).call("getOrderMetrics", query=query) == body


def test_a_body_may_hold_more_than_the_case_names(cases):
    caller, name = Caller(cases), "vendorOrders.v1.submitAcknowledgement"
    assert caller.call(name, {"a": [{"b": 1, "c": 2}], "d": 3}) == {"ok": True}
    for other in ({"a": [{"b": 2}]}, {"a": []}, {}, {"a": {"b": 1}}):
        status, _, message = caller.refusal(name, other)
        assert (status, message) == (400, "Could not match input arguments")


def test_a_parameter_of_the_path_is_compared(cases):
    caller, name = Caller(cases), "getSolicitationActionsForOrder"
    assert caller.call(name, amazonOrderId="1-1") == {"n": 1}
    assert caller.refusal(name, amazonOrderId="2-2")[0] == 400


def test_an_operation_without_a_case_says_so(cases):
    status, code, message = Caller(cases).refusal("getOrderRegulatedInfo", orderId="1")
    assert (status, code) == (501, "NotImplemented")
    assert "no static case" in message


def test_a_folder_without_a_model_is_refused(tmp_path):
    for folder in (tmp_path, tmp_path / "missing"):
        with pytest.raises(InvalidInputError, match="selling-partner-api-models"):
            StaticCases.load(folder, CATALOG)
