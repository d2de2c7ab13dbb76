"""The settings of `gateway doctor`: how long it looks, at how much, and how much room is little."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from gateway.settings.table import Table

_GIB = 1024**3


class DoctorSettings(Table):
    """How `gateway doctor` examines."""

    time_limit_s: Annotated[float, Field(gt=0, allow_inf_nan=False)] = Field(
        default=30.0, description="How long one check may take; what it found by then is told."
    )
    sellers: int = Field(
        default=50,
        ge=1,
        description="So many sellers, paused ones first, are asked about at Amazon; each costs "
        "one call, and one a subscription type.",
    )
    low_bytes: int = Field(
        default=2 * _GIB, ge=0, description="A disk with less room than this is told of."
    )
    full_bytes: int = Field(
        default=_GIB // 4, ge=0, description="A disk with less room than this counts as full."
    )
