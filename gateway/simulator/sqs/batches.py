"""Batches of up to ten entries: what makes one invalid as a whole, and how entries fail alone."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from gateway.simulator.sqs.errors import SqsError, missing
from gateway.simulator.sqs.parameters import Parameters

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_MAX_ENTRIES = 10
_OWN_FAULT = SqsError("InternalError", "Try again.", senders_fault=False)
_ENTRY_ID = re.compile(r"[A-Za-z0-9_-]{1,80}")


def checked_entries(parameters: Parameters) -> Sequence[Mapping[str, Any]]:
    """Return the entries of a batch.

    Raises:
        SqsError: There are none or too many, or their ids are malformed or not distinct.
    """
    entries = parameters.entries()
    if not entries:
        raise SqsError("EmptyBatchRequest", "There should be at least one entry in the request.")
    if len(entries) > _MAX_ENTRIES:
        raise SqsError(
            "TooManyEntriesInBatchRequest",
            f"Maximum number of entries per request are {_MAX_ENTRIES}."
            f" You have sent {len(entries)}.",
        )
    ids = set()
    for entry in entries:
        entry_id = entry.get("Id")
        if entry_id is None:
            raise missing("Id")
        if not isinstance(entry_id, str) or not _ENTRY_ID.fullmatch(entry_id):
            raise SqsError(
                "InvalidBatchEntryId",
                "A batch entry id can only contain alphanumeric characters, hyphens and"
                " underscores. It can be at most 80 letters long.",
            )
        if entry_id in ids:
            raise SqsError("BatchEntryIdsNotDistinct", f"Id {entry_id} repeated.")
        ids.add(entry_id)
    return entries


def run_batch(
    entries: Sequence[Mapping[str, Any]],
    run: Callable[[Parameters], Mapping[str, Any]],
    *,
    fails: Callable[[], bool],
) -> dict[str, Any]:
    """Run each entry by itself and return which went well and which failed, and why.

    Args:
        entries: Checked entries.
        run: Does one entry; its `SqsError` fails that entry alone.
        fails: Whether the next entry fails by the service's own fault.
    """
    successful: list[dict[str, Any]] = []
    failed: list[dict[str, Any]] = []
    for entry in entries:
        try:
            if fails():
                failed.append(_failure(entry["Id"], _OWN_FAULT))
                continue
            successful.append({"Id": entry["Id"], **run(Parameters(entry))})
        except SqsError as exc:
            failed.append(_failure(entry["Id"], exc))
    answer: dict[str, Any] = {}
    if successful:
        answer["Successful"] = successful
    if failed:
        answer["Failed"] = failed
    return answer


def _failure(entry_id: str, error: SqsError) -> dict[str, Any]:
    return {
        "Id": entry_id,
        "SenderFault": error.senders_fault,
        "Code": error.legacy_code,
        "Message": str(error),
    }
