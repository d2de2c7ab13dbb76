"""What the store calls out after a commit."""

from __future__ import annotations

from typing import Final

DELIVERIES_TOPIC: Final = "deliveries"

SELLERS_TOPIC: Final = "sellers"
"""A seller was added, resumed, or authorised again."""
