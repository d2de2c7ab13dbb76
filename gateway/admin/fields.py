"""The kinds of text that callers may give, and the form of times that they get.

Every text is bounded and free of control characters, which PostgreSQL and log lines can't take.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

NO_CONTROLS = r"^[^\x00-\x1f\x7f]*$"

Line = Annotated[str, StringConstraints(max_length=200, pattern=NO_CONTROLS)]
"""A name, or anything else that stands on one line."""

Prose = Annotated[str, StringConstraints(max_length=2_000, pattern=r"^[^\x00]*$")]
"""What a person writes for persons."""

Word = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.:*-]{1,128}$")]
"""A type of event or notification, a handler, a marketplace, a seller."""

EventTypeName = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9_]+(\.[A-Za-z0-9_]+)*$", max_length=128)
]
"""The type of an event: words joined by dots."""

EventPattern = Annotated[
    str,
    StringConstraints(pattern=r"^(\*|[A-Za-z0-9_]+(\.[A-Za-z0-9_]+)*(\.\*)?)$", max_length=128),
]
"""A type of event, `order.*` for all that begin so, or `*`."""

UrlText = Annotated[
    str,
    StringConstraints(min_length=1, max_length=2_048, pattern=NO_CONTROLS),
    Field(json_schema_extra={"examples": ["https://erp.example.com/webhooks"]}),
]

TenantName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.:-]{1,128}$")]

Cursor = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_:.*-]{1,160}$")]

Time = Annotated[str, Field(json_schema_extra={"format": "date-time"})]
"""RFC 3339 in UTC, such as `2026-01-31T09:00:00.000Z`."""

Json = Any


class Given(BaseModel):
    """What a caller gives: nothing unknown is taken, nothing is guessed into another type."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, hide_input_in_errors=True)


class Shown(BaseModel):
    """What a caller gets."""

    model_config = ConfigDict(extra="forbid", frozen=True)
