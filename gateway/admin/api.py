"""What the handlers of the routes work with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from gateway.admin.waiting import WaitingRoom
    from gateway.clock import Clock
    from gateway.endpoints import Endpoint
    from gateway.erasures import Erasure
    from gateway.event_types import EventType
    from gateway.jobs.desk import JobDesk
    from gateway.onboarding.tickets import Intent
    from gateway.retention.counting import Counted
    from gateway.store import Store
    from gateway.subscriptions.desired import Declared


@dataclass(frozen=True, slots=True, kw_only=True)
class TestResult:
    """What a test of an endpoint brought."""

    event_id: str
    delivered: bool
    status: int | None
    error_class: str | None
    error: str | None
    duration_ms: int
    address: str | None
    answer: bytes


class EndpointChecks(Protocol):
    """Who judges endpoints: the address guard, and the rules for each member."""

    async def check(self, endpoint: Endpoint) -> None:
        """Refuse an endpoint that no attempt would be made to.

        Raises:
            FaultsError: With every fault.
            InvalidInputError: The address guard refuses the URL.
        """
        ...

    async def test(self, endpoint: Endpoint) -> TestResult:
        """Post one signed event of type `endpoint.test`, and return what came of it."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class AmazonDesk:
    """What is declared about Amazon's side.

    Attributes:
        reconciles: Whether running gateways keep it so.
    """

    declared: Declared
    reconciles: bool


class LinkMaker(Protocol):
    """Who makes links for sellers."""

    @property
    def applications(self) -> Sequence[str]:
        """Ids of the applications that sellers can authorise."""
        ...

    def make(self, intent: Intent, *, ttl_s: float | None = None) -> str | None:
        """Return a link; None where browsers can't reach this gateway."""
        ...


class ErasureCounts(Protocol):
    """Who counts what an erasure would erase."""

    async def count(self, erasure: Erasure) -> Counted:
        """Return the counts; raises `ConflictError` while others are counted."""
        ...


@dataclass(frozen=True, kw_only=True)
class Api:
    """See the module.

    Attributes:
        event_types: What events look like, by type.
        jobs: Where jobs are asked for.
        amazon: What is declared about Amazon's side.
        links: Who makes links for sellers.
        erasures: Who counts what an erasure would erase.
        waiting: Where those sit who wait for events to pull.
        document: The OpenAPI document.
    """

    store: Store
    clock: Clock
    checks: EndpointChecks
    event_types: Mapping[str, EventType]
    jobs: JobDesk
    amazon: AmazonDesk
    links: LinkMaker
    erasures: ErasureCounts
    waiting: WaitingRoom
    document: Mapping[str, Any]
