"""A recorded attempt as it went over the wire, and as a `curl` line that makes it again. Pure."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

_COMMON: Final = {
    "Content-Type": "application/json",
    "Accept": "*/*",
    "Accept-Encoding": "identity",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What is known of a request.

    Attributes:
        url: The endpoint's, as it is now.
        sent_headers: The endpoint's own headers as JSON text, credentials masked.
    """

    url: str
    event_id: str
    started_at_ms: int
    signature: str | None
    sent_headers: str | None


def request_headers(sent: Sent) -> Mapping[str, str]:
    """Return the headers that were sent; credentials stay masked."""
    own: Mapping[str, str] = json.loads(sent.sent_headers) if sent.sent_headers else {}
    headers = {**_COMMON, **own, "webhook-id": sent.event_id}
    headers["webhook-timestamp"] = str(sent.started_at_ms // 1000)
    if sent.signature is not None:
        headers["webhook-signature"] = sent.signature
    return headers


def curl_line(sent: Sent, *, delivery_id: str) -> str:
    """Return a shell command that posts the same bytes with the same headers.

    A receiver that checks the age of a signature refuses one that is older than some minutes.
    """
    parts = ["gateway deliveries body", delivery_id, "| curl --request POST", shlex.quote(sent.url)]
    for name, value in request_headers(sent).items():
        parts += ["--header", shlex.quote(f"{name}: {value}")]
    return " ".join([*parts, "--data-binary @-"])
