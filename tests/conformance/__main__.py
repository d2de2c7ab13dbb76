"""`SPAPI_MODELS=DIR make conformance`: every part that the folder has something for."""

from __future__ import annotations

import sys

from tests.conformance.notifications.__main__ import main as notifications
from tests.conformance.spapi.__main__ import main as spapi

NOTHING_THERE = 2


def main() -> int:
    """Run the parts; a folder with models alone, or with schemas alone, will do."""
    codes = [spapi(), notifications()]
    return max((code for code in codes if code != NOTHING_THERE), default=NOTHING_THERE)


if __name__ == "__main__":
    sys.exit(main())
