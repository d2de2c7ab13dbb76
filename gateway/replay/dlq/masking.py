"""What of a dead letter may be shown to somebody who only looks.

Everything is hidden but what is known to be harmless: ids of things, types, states, times, counts
and prices, by the name they stand under. A name that smells of a person is hidden even where its
end is harmless. Bodies that hold a credential, or that can't be read, are hidden whole.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from gateway.replay.dlq.reading import ReadLetter
from gateway.telemetry.redaction import MASK, is_secret_name, redact_text

_PLAIN: Final = re.compile(r"[_\-.\s]")

# Ends of names in lower case without separators.
_OPEN_ENDS: Final = (
    "id",
    "ids",
    "type",
    "status",
    "state",
    "time",
    "date",
    "version",
    "level",
    "trigger",
    "reason",
    "code",
    "errormessage",
    "attempts",
    "currencycode",
    "sku",
    "asin",
    "condition",
    "source",
    "region",
    "arn",
    "timestamp",
    "resources",
    "program",
    "programs",
)
_PERSONAL_PARTS: Final = (
    "address",
    "birth",
    "buyer",
    "city",
    "company",
    "contact",
    "county",
    "customer",
    "district",
    "email",
    "gift",
    "latitude",
    "location",
    "longitude",
    "name",
    "note",
    "person",
    "phone",
    "postal",
    "receiver",
    "recipient",
    "shipto",
    "stateorregion",
    "street",
    "tax",
    "vat",
    "zip",
)


def shown_body(read: ReadLetter, *, reveal: bool) -> Any:
    """Return a letter's body as JSON, or as text; masked unless `reveal`."""
    body = read.letter.body
    if reveal:
        return _parsed(body, body)
    if read.secret or read.type is None:
        return f"<{len(body.encode())} bytes>"
    return _masked(_parsed(body, MASK), "")


def shown_attributes(read: ReadLetter, *, reveal: bool) -> Mapping[str, Any]:
    """Return a letter's message attributes by name; masked unless `reveal`."""
    values = {
        name: value.get("StringValue", value.get("BinaryValue"))
        for name, value in read.letter.attributes.items()
    }
    return values if reveal else {name: _masked(value, name) for name, value in values.items()}


def _masked(value: Any, name: str) -> Any:
    if value is None or isinstance(value, bool):
        return value
    plain = _PLAIN.sub("", name).lower()
    if is_secret_name(name) or _personal(plain):
        return MASK
    if isinstance(value, Mapping):
        return {key: _masked(member, key) for key, member in value.items()}
    if isinstance(value, list):
        return [_masked(item, name) for item in value]
    if isinstance(value, str):
        return redact_text(value) if plain.endswith(_OPEN_ENDS) else _inner(value)
    return value


def _personal(plain: str) -> bool:
    return any(part in plain for part in _PERSONAL_PARTS)


def _inner(text: str) -> Any:
    """Return a text masked; JSON inside a string, as in SNS's frame, is masked member by member."""
    value = _parsed(text, None) if text.lstrip().startswith(("{", "[")) else None
    return _masked(value, "") if value is not None else MASK


def _parsed(text: str, otherwise: Any) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return otherwise
