"""An erasure through documents and archives in S3; moto's server keeps them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from gateway.clock import SystemClock
from gateway.documents.library import Library, NewDocument
from gateway.erasures import ErasureState
from gateway.service.documents import open_library
from gateway.service.erasing import erasure_runner
from gateway.service.opening import open_store_for
from gateway.service.signals import Signals
from gateway.settings import Settings, load
from gateway.store import Store
from gateway.telemetry.metrics import Metrics
from tests.integration.archive.conftest import BUCKET, Gateway
from tests.support.world import undescribed

NAME = "Erika Mustermann-Gabler"
HERS, OTHERS = 3, 9
FILLER = b"-" * 200_000
DOCUMENTS = {
    "doc_report": FILLER + f"Row\t{NAME.upper()}\tBerlin\n".encode() + FILLER,
    "doc_label": b"%PDF-1.7 \x00\xff no text",  # goes with its notification
    "doc_other": FILLER + b"Row\tMax Other\tBonn\n",
}


def about(notification_id: str, name: str) -> str:
    body = json.loads(undescribed(notification_id))
    return json.dumps(body | {"payload": {**body["payload"], "note": f"for {name}"}})


def stored_in(bucket: Any) -> dict[str, bytes]:
    return {one.key: one.get()["Body"].read() for one in bucket.objects.all()}


def holding(bucket: Any, prefix: str = "") -> list[str]:
    """The keys of objects in which she is named."""
    return sorted(
        key
        for key, content in stored_in(bucket).items()
        if key.startswith(prefix) and NAME.lower().encode() in content.lower()
    )


async def flow(content: bytes) -> AsyncIterator[bytes]:
    for at in range(0, len(content), 65_536):
        yield content[at : at + 65_536]


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[tuple[Store, Library]]:
    """The store and the documents as a service of these settings has them."""
    clock = SystemClock()
    async with (
        await open_store_for(settings, clock=clock, signals=Signals()) as store,
        AsyncExitStack() as stack,
    ):
        metrics = Metrics(version="0")
        yield store, await open_library(settings, store, stack, clock=clock, metrics=metrics)


async def store_documents(settings: Settings, handling_id: str) -> None:
    async with opened(settings) as (_, library):
        for document_id, content in DOCUMENTS.items():
            of_hers = document_id == "doc_label"
            new = NewDocument(
                id=document_id,
                name=f"{document_id}.txt",
                content_type="text/plain",
                handling_id=handling_id if of_hers else "hdl_of_another",
                seller_id=None,
            )
            await library.put(new, flow(content))


async def erase_all(settings: Settings, erasure_id: str) -> None:
    """Do what a running gateway does for erasures, until this one has ended."""
    async with opened(settings) as (store, library):
        runner = erasure_runner(settings, store, library, SystemClock())
        while (await store.erasures.get(erasure_id)).state is ErasureState.RUNNING:
            await runner.tick()


def test_a_buyer_goes_out_of_every_bucket(
    gateway: Gateway, tmp_path: Path, s3_url: str, bucket: Any
) -> None:
    gateway.environ |= {
        "SPGW_HANDLERS__MODULES": '["handlers.passthrough"]',
        "SPGW_DOCUMENTS__URL": f"s3://{BUCKET}/documents",
        "SPGW_DOCUMENTS__ENDPOINT_URL": s3_url,
        "SPGW_ARCHIVE__URL": f"s3://{BUCKET}/own",
        "SPGW_ARCHIVE__ENDPOINT_URL": s3_url,
    }
    settings = load(None, gateway.environ).settings
    bodies = [about(f"hers-{n}", NAME) for n in range(HERS)]
    bodies += [about(f"others-{n}", "Max Other") for n in range(OTHERS)]
    (tmp_path / "bodies.jsonl").write_text("\n".join(bodies))
    gateway("notifications", "inject", "bodies.jsonl")
    own, other = f"s3://{BUCKET}/own/nov.jsonl", f"s3://{BUCKET}/kept/nov.jsonl.gz"
    gateway("archive", "export", own, "--from", "1h", "--plain", "--part-lines", "5")
    gateway("archive", "export", other, "--from", "1h")  # sealed
    hers = next(
        one["id"]
        for one in gateway("notifications", "list", "--limit", "100")["items"]
        if NAME in str(gateway("notifications", "show", one["id"], "--body"))
    )
    (handling,) = gateway("notifications", "show", hers)["handlings"]
    asyncio.run(store_documents(settings, handling["id"]))
    assert holding(bucket, "own/")
    assert len(holding(bucket, "documents/")) == 1

    words = ("erase", "--buyer", NAME, "--archive", f"s3://{BUCKET}/kept/")
    before = stored_in(bucket)
    would = gateway(*words, "--dry-run")["would_erase"]
    assert stored_in(bucket) == before
    assert (would["notifications"], would["archives"], would["documents"]) == (HERS, 2 * HERS, 1)

    erasure_id = gateway(*words)["id"]
    asyncio.run(erase_all(settings, erasure_id))
    done = gateway("erase", "show", erasure_id)
    assert (done["state"], done["last_error"]) == ("finished", None)
    report = done["report"]
    assert (report["notifications"], report["archives"], report["documents"]) == (HERS, 2 * HERS, 2)

    assert holding(bucket) == []
    left = {
        key: content for key, content in stored_in(bucket).items() if key.startswith("documents/")
    }
    assert list(left.values()) == [DOCUMENTS["doc_other"]]
    for place in (own, other):
        checked = gateway("archive", "verify", place)
        assert (checked["lines"], checked["faults"]) == (OTHERS, [])
    assert gateway(*words, "--dry-run")["would_erase"] == {}
