"""`make conformance` judges rightly: shown on small schemas of our own, with faults planted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

from tests.conformance.notifications import __main__ as command
from tests.conformance.notifications.judge import fault_of, forms
from tests.conformance.notifications.run import run
from tests.conformance.notifications.schemas import read_schemas
from tests.support.bodies import notification, text

LISTING = {"SellerId": "A1", "Sku": "MUG", "Quantity": 3, "FulfillmentChannelCode": "DEFAULT"}
TYPE = "LISTINGS_ITEM_MFN_QUANTITY_CHANGE"


def described(payload: dict[str, Any], **more: Any) -> dict[str, Any]:
    outer = {
        "NotificationType": {"type": "string"},
        "PayloadVersion": {"type": "string"},
        "Payload": payload,
    }
    return {"type": "object", "properties": outer, "required": list(outer), **more}


def listing_schema(**more: Any) -> dict[str, Any]:
    members = {"Sku": {"type": "string"}, "Quantity": {"type": "integer"}}
    payload = {"type": "object", "properties": members, "required": list(members)}
    return described(payload, examples=[notification(TYPE, LISTING)], **more)


def checkout(tmp_path: Path, **schemas: Any) -> Path:
    folder = tmp_path / "schemas" / "notifications"
    folder.mkdir(parents=True)
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "orders.json").write_text('{"swagger": "2.0"}')
    for name, schema in schemas.items():
        (folder / f"{name}.json").write_text(json.dumps(schema))
    return tmp_path


def test_examples_and_instances_are_read(tmp_path: Path) -> None:
    (schema,) = read_schemas(checkout(tmp_path, listing=listing_schema()))
    tally = run([schema], instances=10)
    assert (schema.type, schema.mended, tally.failed) == (TYPE, (), [])
    assert tally.examples == 1
    assert tally.instances >= 10
    assert tally.readings == 16 + 4 * tally.instances
    Draft7Validator(schema.schema).validate(schema.examples[0])


def test_what_has_to_be_mended_is_told(tmp_path: Path) -> None:
    named = {"description": f"For {TYPE}.", "definitions": {"All": described({"type": "object"})}}
    schemas = {
        one.file: one
        for one in read_schemas(
            checkout(
                tmp_path,
                a={**named, "#ref": "#/definitions/All"},
                b={**listing_schema(), "$ref": "#/definitions/None"},
                c={**listing_schema(), "required": []},
                d={"type": "object", "title": "no notification"},
            )
        )
    }
    assert {file: one.mended[0].split(":")[0] for file, one in schemas.items()} == {
        "a.json": "#ref is $ref",
        "b.json": "a reference leads nowhere",
        "c.json": "nothing was required",
    }
    assert {one.type for one in schemas.values()} == {TYPE}
    assert not run([schemas["b.json"]], instances=5).failed


def test_a_payload_that_no_model_reads_is_a_failure(tmp_path: Path) -> None:
    wrong = described({"type": "object", "properties": {}, "required": []})
    wrong["examples"] = [notification(TYPE, {"Other": 1})]
    tally = run(read_schemas(checkout(tmp_path, wrong=wrong)), instances=3)
    assert any("not typed: Payload.sku" in line for line in tally.failed)
    assert tally.failed[-1] == "wrong.json: nothing became a model"


def test_every_form_is_read_and_a_loss_is_noticed() -> None:
    body = notification(TYPE, LISTING)
    names = [
        name for name, spelled, message in forms(body) if not fault_of(spelled, message, type_=TYPE)
    ]
    assert len(names) == len(set(names)) == 16
    less = notification(TYPE, {key: value for key, value in LISTING.items() if key != "Quantity"})
    assert fault_of(body, text(less), type_=TYPE) == "the payload does not come back whole"
    assert fault_of(body, text(body), type_="ORDER_CHANGE") == (
        "read as ListingsItemMfnQuantityChange"
    )
    assert "no notification" in (fault_of(body, "<html>", type_=TYPE) or "")
    assert "untyped" in (fault_of(body, text(notification("NEW_TYPE", {})), type_=TYPE) or "")


def test_only_a_blank_id_excuses_a_fault() -> None:
    blank = notification(TYPE, {**LISTING, "Sku": " "})
    assert fault_of(blank, text(blank), type_=TYPE) is None
    missing = notification(TYPE, {"Quantity": 1})
    assert "not typed" in (fault_of(missing, text(missing), type_=TYPE) or "")


def test_the_command_needs_a_checkout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SPAPI_MODELS", str(tmp_path))
    assert command.main() == 2
    monkeypatch.setenv("SPAPI_MODELS", str(checkout(tmp_path, listing=listing_schema())))
    monkeypatch.setenv("INSTANCES", "3")
    assert command.main() == 0
    assert "1 notification schemas of 1 types: 1 examples" in capsys.readouterr().out
