"""Which endpoints an event goes to. Pure; it knows endpoints' filters and nothing of their health.

A pattern is an event type (`order.changed`), a prefix of whole words (`order.*`, to any depth), or
`*` for all. An endpoint without patterns takes all types, one without sellers takes all sellers.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from gateway.endpoints import Endpoint, EndpointState

_CACHED_ANSWERS: Final = 20_000
_ANY: Final = "*"


@dataclass(frozen=True, slots=True)
class Matched:
    """Ids of the endpoints that an event goes to, in order.

    Attributes:
        enabled: Those that get it.
        disabled: Those for which it is held until they are enabled again.
        pulled: Those that pull it, enabled or not.
    """

    enabled: Sequence[str] = ()
    disabled: Sequence[str] = ()
    pulled: Sequence[str] = ()


class Fanout:
    """Endpoints' filters, compiled: an answer costs the same for 10 endpoints and 10,000.

    Endpoints are kept by (pattern, seller), so a question looks up as many entries as its event
    type has words, twice. Answers are kept too, up to a bound.
    """

    def __init__(self, endpoints: Iterable[Endpoint]) -> None:
        self._index: defaultdict[tuple[str, str | None], list[str]] = defaultdict(list)
        self._disabled: set[str] = set()
        self._pushed: set[str] = set()
        self._pulled: set[str] = set()
        self._answers: dict[tuple[str, str | None], Matched] = {}
        for endpoint in endpoints:
            if endpoint.state is EndpointState.DISABLED:
                self._disabled.add(endpoint.id)
            if endpoint.transport.pushes:
                self._pushed.add(endpoint.id)
            if endpoint.transport.pulls:
                self._pulled.add(endpoint.id)
            sellers: set[str] | set[None] = set(endpoint.seller_ids) or {None}
            for pattern in set(endpoint.event_types) or {_ANY}:
                for seller in sellers:
                    self._index[pattern, seller].append(endpoint.id)

    def match(self, event_type: str, seller_id: str | None) -> Matched:
        """Return the endpoints that an event of `event_type` for `seller_id` goes to."""
        question = (event_type, seller_id)
        answer = self._answers.get(question)
        if answer is None:
            answer = self._match(event_type, seller_id)
            if len(self._answers) >= _CACHED_ANSWERS:
                self._answers.clear()
            self._answers[question] = answer
        return answer

    def _match(self, event_type: str, seller_id: str | None) -> Matched:
        sellers = {None, seller_id}
        found = sorted(
            {
                endpoint
                for pattern in _patterns(event_type)
                for seller in sellers
                for endpoint in self._index.get((pattern, seller), ())
            }
        )
        return Matched(
            enabled=tuple(e for e in found if e in self._pushed and e not in self._disabled),
            disabled=tuple(e for e in found if e in self._pushed and e in self._disabled),
            pulled=tuple(e for e in found if e in self._pulled),
        )


def _patterns(event_type: str) -> list[str]:
    words = event_type.split(".")
    prefixes = [".".join(words[:n]) + ".*" for n in range(1, len(words))]
    return [event_type, *prefixes, _ANY]
