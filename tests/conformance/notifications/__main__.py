"""`SPAPI_MODELS=DIR make conformance`: prints the figures, and each body that isn't read rightly."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from gateway.notifications.known import TYPES
from tests.conformance.notifications.run import INSTANCES, run
from tests.conformance.notifications.schemas import read_schemas

SHOWN = 40


def main() -> int:
    folder = os.environ.get("SPAPI_MODELS", "")
    schemas = list(read_schemas(Path(folder).resolve())) if folder else []
    if not schemas:
        print(
            "SPAPI_MODELS names no folder with schemas: set it to a checkout of "
            "github.com/amzn/selling-partner-api-models",
            file=sys.stderr,
        )
        return 2
    tally = run(schemas, instances=int(os.environ.get("INSTANCES", INSTANCES)))
    types = len({one.type for one in schemas})
    print(
        f"{len(schemas)} notification schemas of {types} types: {tally.examples} examples, "
        f"{tally.instances} random instances, {tally.readings} readings, "
        f"{tally.typed.total()} typed"
    )
    for schema in schemas:
        for what in schema.mended:
            print(f"  mended {schema.file}: {what}")
        if schema.type not in TYPES:
            print(f"  {schema.file}: {schema.type} is not known, it passes untyped")
    print(f"{len(tally.failed)} FAILED")
    for line in tally.failed[:SHOWN]:
        print(f"  {line}")
    return 1 if tally.failed else 0


if __name__ == "__main__":
    sys.exit(main())
