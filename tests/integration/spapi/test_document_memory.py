"""A document passes through a process in bounded memory, whatever its size."""

import asyncio
import hashlib
import json
import sys
from pathlib import Path

import pytest
from aiohttp import web

from tests.support.documents import packed, rows

MB = 1_000_000
ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    ("size", "bound"),
    [
        pytest.param(40 * MB, 12 * MB, id="40 MB"),
        pytest.param(500 * MB, 64 * MB, id="500 MB", marks=pytest.mark.soak),
    ],
)
async def test_a_packed_document_passes_in_bounded_memory(amazon, size, bound):
    async def served(request):
        if request.path.startswith("/reports"):
            name = request.path.rpartition("/")[2]
            return web.json_response(
                {"url": f"{amazon.url}/bucket/{name}", "compressionAlgorithm": "GZIP"}
            )
        response = web.StreamResponse(headers={"Content-Type": "text/plain;charset=UTF-8"})
        await response.prepare(request)
        for piece in packed(size if request.path.endswith("large") else 10_000):
            await response.write(piece)
        await response.write_eof()
        return response

    amazon.answerers = [served]
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.support.read_document",
        amazon.url,
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
    )
    output, _ = await process.communicate()
    read = json.loads(output.splitlines()[-1])  # behind the lines of the log

    expected = hashlib.sha256()
    for block in rows(size):
        expected.update(block)
    assert read["whole"]
    assert read["size_bytes"] == size
    assert read["received_bytes"] < size / 2
    assert read["sha256"] == expected.hexdigest()
    assert read["grown_bytes"] < bound
