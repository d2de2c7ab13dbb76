"""What every table of settings is made of."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Region = Literal["na", "eu", "fe"]
Text = Annotated[str, Field(min_length=1)]


class Table(BaseModel):
    """One table of `gateway.toml`: unknown keys are faults, and nothing changes later."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)
