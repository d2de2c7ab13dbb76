"""Whatever a body holds, the reader answers with an envelope or with a named fault."""

from __future__ import annotations

import json
import re
from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st

from gateway.envelope import metadata_of, payload_of, read_envelope
from gateway.errors import EnvelopeError
from gateway.model import Envelope
from tests.support.bodies import REPORT_PAYLOAD, camel, eventbridge, notification, sns, text

NAMED_FAULT = re.compile(
    r"(body(\.detail|\.Message)*|NotificationType|Payload"
    r"|NotificationMetadata\.NotificationId): .+",
    re.DOTALL,
)

scalars = (
    st.none()
    | st.booleans()
    | st.integers(min_value=-(2**63), max_value=2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
)
names = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(
    [
        "NotificationType",
        "payload",
        "Payload",
        "notificationMetadata",
        "SellerId",
        "accountId",
        "detail",
        "detail-type",
        "source",
        "Type",
        "Message",
        "Summary",
    ]
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=5),
    max_leaves=15,
)
seeds = st.sampled_from(
    [
        notification(),
        camel(notification("REPORT_PROCESSING_FINISHED", REPORT_PAYLOAD)),
        eventbridge(notification()),
        sns(text(notification())),
    ]
)


@st.composite
def mutated(draw: st.DrawFn) -> Any:
    """Return a well-formed body of which some members were replaced, removed or renamed."""
    body = json.loads(json.dumps(draw(seeds)))
    for _ in range(draw(st.integers(1, 4))):
        place = body
        while isinstance(place, dict) and place:
            key = draw(st.sampled_from(sorted(place)))
            if isinstance(place[key], dict) and place[key] and draw(st.booleans()):
                place = place[key]
                continue
            change = draw(st.sampled_from(["replace", "remove", "rename", "text"]))
            old = place.pop(key)
            if change == "replace":
                place[key] = draw(values)
            elif change == "rename":
                place[draw(names)] = old
            elif change == "text":
                place[key] = json.dumps(old)
            break
    return body


def read_or_named_fault(body: bytes | str) -> None:
    try:
        envelope = read_envelope(body)
    except EnvelopeError as exc:
        reason = str(exc)
    else:
        read_again(envelope)
        return
    assert NAMED_FAULT.fullmatch(reason), reason


def read_again(envelope: Envelope) -> None:
    assert read_envelope(envelope.body) == envelope
    assert isinstance(payload_of(envelope.body), dict)
    assert isinstance(metadata_of(envelope.body), dict)


@given(mutated())
def test_mutated_bodies_are_read_or_named_as_faulty(body: Any) -> None:
    read_or_named_fault(json.dumps(body))


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_named_as_faulty(body: bytes) -> None:
    read_or_named_fault(body)


@given(st.data(), seeds)
def test_damaged_text_is_read_or_named_as_faulty(data: st.DataObject, seed: Any) -> None:
    body = bytearray(text(seed).encode())
    for _ in range(data.draw(st.integers(1, 5))):
        at = data.draw(st.integers(0, len(body) - 1))
        body[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    read_or_named_fault(bytes(body))


@given(st.dictionaries(names, values, max_size=6))
def test_nothing_of_a_payload_is_lost(payload: dict[str, Any]) -> None:
    bare = text(notification("SOME_TYPE", payload)).encode()

    assert read_envelope(bare).body == bare
    for wrapped in (text(bare.decode()), text(sns(bare.decode()))):
        assert read_envelope(wrapped).body == bare
    framed = read_envelope(text(eventbridge(json.loads(bare)))).body
    assert orjson.loads(framed) == orjson.loads(bare)
    assert payload_of(framed) == orjson.loads(orjson.dumps(payload))
