"""`SPAPI_MODELS=DIR make conformance`: prints the count of passes, and each case that is left."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from gateway.clock import SystemClock
from gateway.telemetry import logs
from tests.conformance.spapi.run import run
from tests.conformance.spapi.typed import typed_faults
from tests.support.models import read_models


def main() -> int:
    folder = os.environ.get("SPAPI_MODELS", "")
    models = list(read_models(Path(folder))) if folder and Path(folder).is_dir() else []
    if not models:
        print(
            "SPAPI_MODELS names no folder with models: set it to a checkout of "
            "github.com/amzn/selling-partner-api-models",
            file=sys.stderr,
        )
        return 2
    logs.configure(level="error", log_format="console", clock=SystemClock())
    tally = asyncio.run(run(models))
    cases = sum(len(operation.cases) for operation in models)
    print(f"{len(models)} operations, {cases} static cases: {tally.passed} passed")
    objects, unread = typed_faults(models)
    print(f"{objects} objects read by the typed calls")
    tally.failed += unread
    for title, left in (("left out", tally.left_out), ("FAILED", tally.failed)):
        print(f"{len(left)} {title}")
        for line in left:
            print(f"  {line}")
    return 1 if tally.failed else 0


if __name__ == "__main__":
    sys.exit(main())
