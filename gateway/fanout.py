"""Which endpoints an event goes to. Pure; it knows endpoints' filters and nothing of their health.

A pattern is an event type (`order.changed`), a prefix of whole words (`order.*`, to any depth), or
`*` for all. An endpoint without patterns takes all types, one without sellers takes all sellers,
one without marketplaces all marketplaces. Body filters are asked last, and only those of endpoints
that take the event otherwise.

Operational events go to operator endpoints only; never to the endpoint that one is about, and to a
tenant's endpoint only where it is about one of the same tenant's.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeAlias

from gateway.endpoints import Endpoint, EndpointState, PayloadForm

_CACHED_ANSWERS: Final = 20_000
_ANY: Final = "*"


class Condition(Protocol):
    """A compiled body filter."""

    def matches(self, document: Any) -> bool:
        """Tell whether it is true of an event's body."""
        ...


Compile: TypeAlias = Callable[[str], Condition]


@dataclass(frozen=True, slots=True)
class Taker:
    """An endpoint that takes an event, if its condition holds.

    Attributes:
        enabled: Whether it is delivered to; else the delivery is held.
        pushes: Whether it is posted to at all.
        pulls: Whether the event is kept for it to pull, enabled or not.
        thin: Whether it gets the thin form.
        ordered: Whether the event's order key counts.
    """

    id: str
    enabled: bool = True
    pushes: bool = True
    pulls: bool = False
    thin: bool = False
    ordered: bool = False
    condition: Condition | None = None
    tenant: str | None = None


@dataclass(frozen=True, slots=True)
class Subject:
    """What an operational event is about, as far as it decides who hears of it.

    Attributes:
        endpoint_id: The endpoint that it is about, if it is about one.
        tenant: That endpoint's tenant.
    """

    endpoint_id: str | None = None
    tenant: str | None = None


_Question: TypeAlias = tuple[str, str | None, str | None]


class Fanout:
    """Endpoints' filters, compiled: an answer costs the same for 10 endpoints and 10,000.

    Endpoints are kept by (pattern, seller), so a question looks up as many entries as its event
    type has words, twice. Answers are kept too, up to a bound.

    Args:
        endpoints: All of them, disabled ones too.
        compile_filter: Makes a condition of a body filter, which was found good when it was saved.
    """

    def __init__(self, endpoints: Iterable[Endpoint], compile_filter: Compile) -> None:
        self._index: defaultdict[tuple[str, str | None], list[str]] = defaultdict(list)
        self._takers: dict[str, Taker] = {}
        self._marketplaces: dict[str, frozenset[str]] = {}
        self._operators: set[str] = set()
        self._answers: dict[_Question, Sequence[Taker]] = {}
        for endpoint in endpoints:
            self._takers[endpoint.id] = _taker(endpoint, compile_filter)
            if endpoint.marketplace_ids:
                self._marketplaces[endpoint.id] = frozenset(endpoint.marketplace_ids)
            if endpoint.operator:
                self._operators.add(endpoint.id)
            sellers: set[str] | set[None] = set(endpoint.seller_ids) or {None}
            for pattern in set(endpoint.event_types) or {_ANY}:
                for seller in sellers:
                    self._index[pattern, seller].append(endpoint.id)

    def match(
        self,
        event_type: str,
        seller_id: str | None,
        marketplace_id: str | None = None,
        *,
        document: Callable[[], Any] = lambda: None,
    ) -> Sequence[Taker]:
        """Return who takes an event, in order; `document` is asked for where a filter needs it."""
        question = (event_type, seller_id, marketplace_id)
        answer = self._answers.get(question)
        if answer is None:
            answer = self._match(event_type, seller_id, marketplace_id)
            if len(self._answers) >= _CACHED_ANSWERS:
                self._answers.clear()
            self._answers[question] = answer
        if not any(taker.condition is not None for taker in answer):
            return answer
        read = document()
        return [t for t in answer if t.condition is None or t.condition.matches(read)]

    def match_operational(
        self, event_type: str, seller_id: str | None, subject: Subject
    ) -> Sequence[Taker]:
        """Return the operator endpoints that take an operational event, in order."""
        if not self._operators:
            return ()
        return [
            taker
            for taker in self._match(event_type, seller_id, None)
            if taker.id in self._operators
            and taker.id != subject.endpoint_id
            and taker.tenant in (None, subject.tenant)
        ]

    def _match(
        self, event_type: str, seller_id: str | None, marketplace_id: str | None
    ) -> Sequence[Taker]:
        found = sorted(
            {
                endpoint
                for pattern in _patterns(event_type)
                for seller in {None, seller_id}
                for endpoint in self._index.get((pattern, seller), ())
            }
        )
        return [
            self._takers[endpoint]
            for endpoint in found
            if endpoint not in self._marketplaces or marketplace_id in self._marketplaces[endpoint]
        ]


def _taker(endpoint: Endpoint, compile_filter: Compile) -> Taker:
    return Taker(
        id=endpoint.id,
        enabled=endpoint.state is EndpointState.ENABLED,
        pushes=endpoint.transport.pushes,
        pulls=endpoint.transport.pulls,
        thin=endpoint.payload is PayloadForm.THIN,
        ordered=endpoint.ordered,
        condition=None if endpoint.body_filter is None else compile_filter(endpoint.body_filter),
        tenant=endpoint.tenant,
    )


def _patterns(event_type: str) -> list[str]:
    words = event_type.split(".")
    prefixes = [".".join(words[:n]) + ".*" for n in range(1, len(words))]
    return [event_type, *prefixes, _ANY]
