"""The settings about what is kept and for how long."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import AfterValidator, Field, model_validator

from gateway.settings.table import Table, Text
from gateway.settings.values import fault

IN_QUEUES_DAYS: Final = 28
"""A message lives 14 days at most in a queue, and 14 more in its dead-letter queue."""


def _outlives_queues(days: int) -> int:
    if days <= IN_QUEUES_DAYS:
        what = (
            f"{days} days are too few: a message lives up to 14 days in a queue and 14 more in its "
            "dead-letter queue, and one whose notification is forgotten would be handled again"
        )
        raise fault(what, f"write {IN_QUEUES_DAYS + 1} or more")
    return days


Days = Annotated[int, Field(ge=1, le=3650)]


class RetentionSettings(Table):
    """What is kept, and for how many days; what has not ended is always kept."""

    enabled: bool = Field(
        default=True, description="Whether a running gateway deletes what is too old by itself."
    )
    every_s: float = Field(
        default=3600.0, ge=1, allow_inf_nan=False, description="Seconds from run to run."
    )
    message_days: Days = Field(
        default=30, description="Raw messages, as Amazon sent them; what a replay needs."
    )
    payload_days: Days = Field(
        default=30, description="Bodies of events; what a redelivery or a pull needs."
    )
    personal_data_days: Days = Field(
        default=30,
        description="Whatever may hold personal data, if its own days are more: messages, "
        "payloads, receivers' answers, quarantine, documents.",
    )
    impersonal_types: tuple[Text, ...] = Field(
        default=(),
        description="Types of notifications and of events that never hold personal data; only "
        "`message_days` and `payload_days` count for them.",
    )
    attempt_days: Days = Field(
        default=30, description="Attempts of deliveries, with what receivers answered."
    )
    metadata_days: Days = Field(
        default=90, description="Handlings, events and deliveries, without what they held."
    )
    deduplication_days: Annotated[int, AfterValidator(_outlives_queues), Field(le=3650)] = Field(
        default=60,
        description="Notifications' rows, by which a repeated one is known; at least 29, and "
        "never less than `metadata_days`.",
    )
    quarantine_days: Days = Field(default=30, description="Messages that can't be read.")
    audit_days: Days = Field(
        default=400, description="Who changed what, and operations that have ended."
    )
    rewrite_mb: int = Field(
        default=256,
        ge=0,
        description="A SQLite file up to this size is written anew after an erasure, so that no "
        "trace is left in it; nothing else is written meanwhile. For larger ones: "
        "`gateway db compact`.",
    )

    @model_validator(mode="after")
    def _rows_outlive_what_they_hold(self) -> RetentionSettings:
        rows = max(self.metadata_days, self.deduplication_days)
        for key, days, most, whose in (
            ("message_days", self.message_days, rows, "metadata_days or deduplication_days"),
            ("payload_days", self.payload_days, self.metadata_days, "metadata_days"),
            ("attempt_days", self.attempt_days, self.metadata_days, "metadata_days"),
        ):
            if days > most:
                what = f"{key} is {days}, and the rows that hold them are kept for {most} days"
                raise fault(what, f"make {whose} {days} or more")
        return self
