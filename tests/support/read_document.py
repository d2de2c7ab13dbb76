"""A process of its own that reads one document and says how much memory that took, in its last line.

python -m tests.support.read_document SP-API-URL
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import aiohttp

from gateway.clock import SystemClock
from gateway.spapi.assembly import ClientNeeds, ClientOptions, make_client
from tests.support.buckets import MemoryBuckets
from tests.support.spapi import CountedCalls, FakeDirectory


def _memory_bytes(what: str) -> int:
    """Return `VmRSS` (resident now) or `VmHWM` (its peak); `ru_maxrss` would hold the parent's."""
    lines = Path("/proc/self/status").read_text().splitlines()
    (line,) = [one for one in lines if one.startswith(f"{what}:")]
    return int(line.split()[1]) * 1024


async def _read(url: str) -> dict[str, object]:
    clock = SystemClock()
    async with aiohttp.ClientSession() as session:
        client = make_client(
            ClientNeeds(
                session=session,
                directory=FakeDirectory(),
                buckets=MemoryBuckets(clock),
                clock=clock,
                metrics=CountedCalls(),
            ),
            ClientOptions(endpoint=url, lwa_endpoint=f"{url}/auth/o2/token"),
        )
        documents = client.for_seller("S1").documents
        async with documents.report("small") as document:
            await document.read()
        before = _memory_bytes("VmRSS")
        async with documents.report("large") as document:
            async for _ in document:
                pass
        return {
            "grown_bytes": _memory_bytes("VmHWM") - before,
            "size_bytes": document.size_bytes,
            "received_bytes": document.received_bytes,
            "sha256": document.sha256,
            "whole": document.whole,
        }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(_read(sys.argv[1]))))
