"""Bodies that are nearly right, for property tests."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

from tests.support.payloads import SAMPLES, Sample, whole

odd = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**62), 2**62)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=12),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["Sku", "ASIN", "amount", "x", "model_config"]), inner, max_size=3
        )
    ),
    max_leaves=6,
)


@st.composite
def mutated(draw: st.DrawFn, samples: Sequence[Sample] = SAMPLES) -> tuple[Sample, dict[str, Any]]:
    """A sample's body of which some members were replaced, removed, renamed or repeated."""
    sample = draw(st.sampled_from(samples))
    body = copy.deepcopy(whole(sample))
    for _ in range(draw(st.integers(1, 5))):
        place: Any = body
        while True:
            key = draw(
                st.sampled_from(sorted(place))
                if isinstance(place, dict)
                else st.integers(0, len(place) - 1)
            )
            if isinstance(place[key], (dict, list)) and place[key] and draw(st.booleans()):
                place = place[key]
                continue
            change = draw(st.sampled_from(["replace", "remove", "respell", "twice"]))
            if change == "remove":
                del place[key]
            elif change == "replace" or isinstance(place, list):
                place[key] = draw(odd)
            else:
                value = place[key] if change == "twice" else place.pop(key)
                place[draw(st.sampled_from([key.upper(), f"{key}_", "other"]))] = value
            break
        if not body:
            break
    return sample, body
