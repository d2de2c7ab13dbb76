"""What the store calls out after a commit."""

from __future__ import annotations

from typing import Final

DELIVERIES_TOPIC: Final = "deliveries"
