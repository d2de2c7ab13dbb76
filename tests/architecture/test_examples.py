"""Handlers in README and docs work as they stand: pasted into a module, loaded, run."""

import asyncio
import re
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import orjson
import pytest
import structlog

from gateway import Context, Event, Later
from gateway.dispatch.registry import Registry, load_registry
from gateway.model import NotificationState, Origin, StoredNotification
from gateway.settings import load
from tests.support.clock import FakeClock
from tests.support.documents import FakeHost, Kept
from tests.support.events import assert_as_declared
from tests.support.spapi import FakeAmazon, Rig, answer

ROOT = Path(__file__).parents[2]
MODULES = ("acme_first", "acme_slow", "acme_events")


def blocks(page: str, language: str) -> list[str]:
    text = (ROOT / page).read_text()
    found = re.findall(rf"^( *)```{language}\n(.*?)^ *```", text, re.DOTALL | re.MULTILINE)
    return [re.sub(rf"^{indent}", "", code, flags=re.MULTILINE) for indent, code in found]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    for name in MODULES:
        sys.modules.pop(name, None)


def notification(type_: str, payload: dict[str, Any]) -> StoredNotification:
    body = {"NotificationType": type_, "PayloadVersion": "1.0", "Payload": payload}
    return StoredNotification(
        id="ntf_1",
        identity="1",
        type=type_,
        payload_version="1.0",
        seller_id="A2EXAMPLESELLER",
        marketplace_id=None,
        application_id=None,
        subscription_id=None,
        event_time_ms=0,
        received_at_ms=0,
        source="test",
        origin=Origin.INJECT,
        state=NotificationState.ACCEPTED,
        body=orjson.dumps(body),
    )


class Orders:
    async def get_order(self, order_id: str) -> Any:
        return SimpleNamespace(without_personal_data=lambda: {"order_id": order_id})


def run(
    registry: Registry, stored: StoredNotification, state: Any = None, calls: Any = None
) -> object:
    (handler,) = registry.matching(stored.type)
    ctx = Context(
        handling_id="hdl_1",
        tries=0,
        now=datetime.fromtimestamp(0, UTC),
        log=structlog.get_logger(),
        state=state,
        seller_id=stored.seller_id,
        calls=calls or SimpleNamespace(orders=Orders()),
    )
    return asyncio.run(handler.function(handler.view(stored), ctx))  # type: ignore[arg-type]


@pytest.mark.parametrize("page", ["README.md", "docs/handlers.md"])
def test_the_first_handler(page: str, folder: Path) -> None:
    (folder / "acme_first.py").write_text(blocks(page, "python")[0])
    registry = load_registry(["acme_first"])
    stored = notification(
        "ORDER_CHANGE", {"OrderChangeNotification": {"AmazonOrderId": "123-1234567-1234567"}}
    )
    (handler,) = registry.matching("ORDER_CHANGE")
    assert handler.coalesce
    assert handler.key is not None
    assert handler.key(handler.view(stored)) == "123-1234567-1234567"
    event = run(registry, stored)
    assert isinstance(event, Event)
    assert event.data == {"order": {"order_id": "123-1234567-1234567"}}


def test_the_slow_job(folder: Path) -> None:
    (folder / "acme_slow.py").write_text(blocks("docs/handlers.md", "python")[1])
    registry = load_registry(["acme_slow"])
    stored = notification("REPORT_PROCESSING_FINISHED", {})
    first = run(registry, stored)
    assert isinstance(first, Later)
    assert isinstance(run(registry, stored, first.state), Event)


def test_the_declared_event(folder: Path) -> None:
    (folder / "acme_events.py").write_text(blocks("docs/handlers.md", "python")[2])
    declared = load_registry(["acme_events"]).event_types["acme.parcel_sent"]
    assert_as_declared(declared.example_body(), [declared])


def test_the_documents_rows(folder: Path) -> None:
    (folder / "acme_rows.py").write_text(blocks("docs/handlers.md", "python")[3])
    amazon = FakeAmazon(script=[answer(200, {"url": "https://documents.example/1"})])
    rig = Rig(
        clock=FakeClock(),
        amazon=amazon,
        host=FakeHost(script=[Kept(pieces=[b"sku\tname\r\n", b"1\tlamp\r\n"])]),
    )
    finished = {"reportDocumentId": "D1", "reportId": "1", "processingStatus": "DONE"}
    stored = notification(
        "REPORT_PROCESSING_FINISHED", {"reportProcessingFinishedNotification": finished}
    )
    event = run(load_registry(["acme_rows"]), stored, calls=rig.client.for_seller("S1"))
    assert isinstance(event, Event)
    assert event.data["rows"] == 2
    assert amazon.requests[0].url.endswith("/reports/2021-06-30/documents/D1")


def test_the_settings_in_the_readme_load(tmp_path: Path) -> None:
    (example,) = [each for each in blocks("README.md", "toml") if "[[queues]]" in each]
    for secret in ("client_secret", "refresh_token"):
        (tmp_path / secret).write_text("s3cr3t")
        example = example.replace(f"/run/secrets/{secret}", str(tmp_path / secret))
    file = tmp_path / "gateway.toml"
    file.write_text(example)
    assert load(file, {}).settings.sellers[0].region == "eu"
