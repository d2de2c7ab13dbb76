"""Where jobs are asked for: by command, over HTTP, or in Python.

It refuses what no loaded job takes before anything is kept, and puts the rest into the inbox in one
transaction. It never runs anything.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from gateway.clock import Clock
from gateway.errors import InvalidInputError
from gateway.jobs.requests import JobRequest, OwedJob, arrival_of, checked
from gateway.model import Arrival, Origin
from gateway.routing import Handler


class Jobs(Protocol):
    """Which jobs are loaded."""

    def job(self, name: str) -> Handler:
        """Return the job of this name.

        Raises:
            NotFoundError: There is none.
        """
        ...

    @property
    def owed_job(self) -> OwedJob:
        """What a request gives rise to."""
        ...


class JobInbox(Protocol):
    """Where requests go."""

    async def accept(self, batch: Sequence[Arrival]) -> object:
        """Keep requests in one transaction."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class JobWish:
    """A job as somebody asks for it.

    Attributes:
        seller_ids: For whom; empty where `all_sellers` says it.
        all_sellers: For every seller that is not paused.
        options: By the job's own names.
    """

    job: str
    seller_ids: Sequence[str] = ()
    all_sellers: bool = False
    marketplace_id: str | None = None
    options: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestedJob:
    """A request that is in the inbox; `id` is its notification's (`ntf_…`)."""

    id: str
    job: str
    seller_id: str | None


class JobDesk:
    """See the module.

    Args:
        jobs: Which jobs there are.
        active_sellers: Returns the ids of all sellers that are not paused.
        clock: When a request is made.
    """

    def __init__(
        self, jobs: Jobs, active_sellers: Callable[[], Awaitable[Sequence[str]]], clock: Clock
    ) -> None:
        self._jobs = jobs
        self._active_sellers = active_sellers
        self._clock = clock

    async def request(self, wish: JobWish, inbox: JobInbox) -> Sequence[RequestedJob]:
        """Ask for a job, once for each seller.

        Raises:
            NotFoundError: There is no such job.
            InvalidInputError: Its options are wrong, or it is asked for nobody.
            StoreUnavailableError: Nothing was kept.
        """
        options = checked(self._jobs.job(wish.job), wish.options)
        sellers = list(dict.fromkeys(wish.seller_ids))
        if wish.all_sellers:
            sellers = list(await self._active_sellers())
        if not sellers:
            raise InvalidInputError(
                "the job is asked for nobody: name sellers, or all that are not paused"
            )
        now_ms = self._clock.now_ms()
        arrivals = [
            arrival_of(
                JobRequest(
                    job=wish.job,
                    seller_id=seller,
                    marketplace_id=wish.marketplace_id,
                    origin=Origin.REQUEST,
                    due_at_ms=now_ms,
                    options=options,
                ),
                self._jobs.owed_job,
                now_ms,
            )
            for seller in sellers
        ]
        await inbox.accept(arrivals)
        return [
            RequestedJob(id=one.id, job=wish.job, seller_id=one.envelope.seller_id)
            for one in arrivals
        ]
