"""The examples of docs/examples.md run as they stand, and are typed."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from gateway import Reject, Router, Skip
from gateway.testing import FakeSpApi, a_notification, run_handler

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "examples.md").read_text()
BLOCKS = re.findall(r"^```python\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
NAMES = ("acme_shipped", "acme_report", "acme_buy_box", "acme_sales", "acme_low_stock")
MODULES = dict(zip((*NAMES, "test_acme_sales"), BLOCKS, strict=True))
ORDER = "902-3159896-1390916"


def router(name: str) -> Router:
    namespace: dict[str, Any] = {"__name__": name}
    exec(compile(MODULES[name], f"{name}.py", "exec"), namespace)
    found = namespace["router"]
    assert isinstance(found, Router)
    assert [one.name for one in found.handlers] == [name]
    return found


def order(status: str) -> dict[str, Any]:
    return {"order": {"orderId": ORDER, "fulfillment": {"fulfillmentStatus": status}}}


async def test_an_event_only_when_a_status_is_reached() -> None:
    spapi = FakeSpApi().answers("orders.2026-01-01.getOrder", order("PENDING"), order("SHIPPED"))
    notification = a_notification("ORDER_CHANGE", order_id=ORDER)
    first = await run_handler(router("acme_shipped"), notification, spapi=spapi)
    assert isinstance(first.outcome, Skip)
    ran = await run_handler(router("acme_shipped"), notification, spapi=spapi)
    assert ran.event.data["order"]["status"] == "SHIPPED"
    again = await run_handler(
        router("acme_shipped"), notification, spapi=spapi, remembered=ran.remembered
    )
    assert isinstance(again.outcome, Skip)
    assert len(spapi.calls) == 2


async def test_a_report_once_with_a_link() -> None:
    spapi = FakeSpApi().document("doc-1", b"sku\n1\n2\n")
    ran = await run_handler(
        router("acme_report"),
        a_notification("REPORT_PROCESSING_FINISHED", document_id="doc-1"),
        spapi=spapi,
    )
    assert ran.event.data["lines"] == 3
    assert ran.documents == {"report.tsv": b"sku\n1\n2\n"}


async def test_no_call_at_all() -> None:
    def offers(winner: str) -> dict[str, Any]:
        offer = {"SellerId": winner, "IsBuyBoxWinner": True}
        trigger = {"ASIN": "B000EXAMPLE", "MarketplaceId": "A1PA6795UKMFR9"}
        inner = {"SellerId": "A2EXAMPLESELLER", "OfferChangeTrigger": trigger, "Offers": [offer]}
        return {"AnyOfferChangedNotification": inner}

    lost = a_notification("ANY_OFFER_CHANGED", offers("A3RIVAL"))
    ran = await run_handler(router("acme_buy_box"), lost)
    assert ran.event.data == {"asin": "B000EXAMPLE", "to": "A3RIVAL"}
    kept = a_notification("ANY_OFFER_CHANGED", offers("A2EXAMPLESELLER"))
    assert isinstance((await run_handler(router("acme_buy_box"), kept)).outcome, Skip)


@pytest.mark.parametrize(("below", "kind"), [(1000, None), (1, Skip), ("many", Reject)])
async def test_settings_and_what_is_not_worth_an_event(below: Any, kind: Any) -> None:
    inventory = {
        "SKU": "MUG",
        "SellerId": "A2EXAMPLESELLER",
        "FulfillmentInventoryByMarketplace": [
            {"MarketplaceId": "A1PA6795UKMFR9", "FulfillmentInventory": {"Fulfillable": 7}}
        ],
    }
    notification = a_notification("FBA_INVENTORY_AVAILABILITY_CHANGES", inventory)
    ran = await run_handler(router("acme_low_stock"), notification, settings={"below": below})
    if kind is None:
        assert ran.event.data == {"sku": "MUG", "left": 7}
    else:
        assert isinstance(ran.outcome, kind)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("examples")
    for name, code in MODULES.items():
        (folder / f"{name}.py").write_text(code)
    return folder


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )


def test_the_test_of_the_slow_job_passes(folder: Path) -> None:
    done = run(folder, "pytest", "-q", "-p", "no:cacheprovider", "test_acme_sales.py")
    assert done.returncode == 0, done.stdout


def test_the_examples_are_strictly_typed(folder: Path) -> None:
    files = [f"{name}.py" for name in MODULES]
    done = run(folder, "mypy", "--strict", "--cache-dir", os.devnull, *files)
    assert done.returncode == 0, done.stdout
