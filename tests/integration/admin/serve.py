"""The API with one of everything in its store, for another process to call, until stdin closes."""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
from pathlib import Path

from gateway.access import Scope
from gateway.clock import SystemClock
from gateway.telemetry import logs
from tests.integration.admin.objects import make_objects
from tests.integration.admin.world import open_world


async def main() -> None:
    logs.configure()  # to stderr: stdout is for the one line below
    with tempfile.TemporaryDirectory() as folder:
        async with open_world(Path(folder), clock=SystemClock(), failures=1_000_000) as world:
            admin = await world.caller(Scope.ADMIN)
            kept, doomed = await make_objects(world, None), await make_objects(world, None)
            told = {
                "base": world.base,
                "authorization": admin.headers["Authorization"],
                "kept": kept.ids,
                "doomed": doomed.ids,
            }
            print(json.dumps(told), flush=True)
            await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main())
