"""A dead letter as one JSON object, for people and for files."""

from __future__ import annotations

from typing import Any

from gateway.clock import rfc3339
from gateway.replay.dlq.masking import shown_attributes, shown_body
from gateway.replay.dlq.reading import ReadLetter


def summary_row(read: ReadLetter, now_ms: int) -> dict[str, Any]:
    """Return what may always be shown."""
    letter = read.letter
    sent_at_ms = letter.sent_at_ms
    return {
        "message_id": letter.id,
        "type": read.type,
        "seller_id": read.seller_id,
        "marketplace_id": read.marketplace_id,
        "identity": read.identity,
        "reason": read.reason,
        "detail": read.detail,
        "receive_count": letter.receive_count,
        "sent_at": None if sent_at_ms is None else rfc3339(sent_at_ms),
        "age_s": None if sent_at_ms is None else max(0, now_ms - sent_at_ms) // 1000,
        "source": letter.source_arn,
        "group_id": letter.group_id,
        "bytes": len(letter.body.encode()),
    }


def whole_row(read: ReadLetter, now_ms: int, *, reveal: bool) -> dict[str, Any]:
    """Return a letter with its attributes and its body; both masked unless `reveal`."""
    return summary_row(read, now_ms) | {
        "attributes": shown_attributes(read, reveal=reveal),
        "body": shown_body(read, reveal=reveal),
    }


def file_row(read: ReadLetter, now_ms: int, *, reveal: bool) -> dict[str, Any]:
    """Return a letter as it stands in an export; with `reveal` the body is its exact text."""
    row = whole_row(read, now_ms, reveal=reveal)
    row.pop("age_s")
    if reveal:
        row["body"] = read.letter.body
        row["attributes"] = read.letter.attributes
    return row
