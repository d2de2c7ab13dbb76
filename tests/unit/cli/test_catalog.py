"""`gateway catalog`: every operation, live and removed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gateway.cli.app import call

PROMISED = {
    "name", "api", "version", "operation", "method", "path", "rate", "burst", "grantless",
    "restricted", "sandbox_only", "removed",
}  # fmt: skip


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    assert call(["catalog", *arguments, "--json"], environ={}) == 0
    return json.loads(capsys.readouterr().out)


def listed(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = run(capsys, "list", *arguments)["items"]
    return items


def test_all_operations_are_there(capsys: pytest.CaptureFixture[str]) -> None:
    items = listed(capsys)
    assert len(items) == 370 + 29
    assert len({item["name"] for item in items}) == 398  # linkCarrierAccount: by POST and by PUT
    assert all(item.keys() == items[0].keys() >= PROMISED for item in items)
    assert len({(item["method"], item["path"]) for item in items}) == 399
    assert sum(item["removed"] is not None for item in items) == 29
    unknown = [item for item in items if item["rate"] is None]
    assert len(unknown) == 52
    assert all(item["burst"] is None and item["plan_is_guessed"] for item in unknown)
    assert {(item["plan"]["rate"], item["plan"]["burst"]) for item in unknown} == {(0.5, 1)}


@pytest.mark.parametrize(
    ("options", "count"),
    [
        (["--api", "orders"], 12),
        (["--removed"], 29),
        (["--no-removed"], 370),
        (["--grantless"], 9),
        (["--restricted", "--api", "orders"], 7),
        (["--no-restricted", "--api", "orders"], 5),
        (["--search", "RESTRICTEDdata"], 1),
        (["--api", "nothing"], 0),
    ],
)
def test_lists_can_be_narrowed(
    capsys: pytest.CaptureFixture[str], options: list[str], count: int
) -> None:
    assert len(listed(capsys, *options)) == count


def test_an_operation_is_shown_by_each_of_its_names(capsys: pytest.CaptureFixture[str]) -> None:
    by_id = run(capsys, "show", "searchOrders")
    assert by_id == run(capsys, "show", "orders.2026-01-01.searchOrders")
    assert by_id == run(capsys, "show", "GET /orders/2026-01-01/orders")
    assert (by_id["rate"], by_id["burst"], by_id["removed"]) == (0.0056, 20, None)
    assert (by_id["rate_source"], by_id["rate_date"]) == ("model", "2026-08-05")
    assert by_id["page_parameter"] == "paginationToken"
    invoices = run(capsys, "show", "createInvoicesExport")
    assert (invoices["rate_source"], invoices["rate_date"]) == ("history 2026-01-28", "2026-01-28")


def test_a_removed_operation_is_shown_with_what_replaces_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    shown = run(capsys, "show", "feeds.2020-09-04.createFeed")
    assert (shown["removed"], shown["instead"]) == ("2024-06-27", "feeds.2021-06-30.createFeed")


def test_an_ambiguous_name_lists_what_it_may_mean(capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["catalog", "show", "getOrder", "--json"], environ={}) == 2
    detail = json.loads(capsys.readouterr().err)["detail"]
    for name in ("orders.v0.getOrder", "orders.2026-01-01.getOrder"):
        assert name in detail


def test_a_person_sees_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["catalog", "list", "--api", "tokens"], environ={}) == 0
    header, row = capsys.readouterr().out.splitlines()
    assert header.split("\t")[:3] == ["name", "method", "path"]
    assert row.split("\t")[0] == "tokens.2021-03-01.createRestrictedDataToken"
