"""Check `destinations`: does Amazon know the queues and buses that are declared, and do we receive?

Asking is grantless, so a refusal here is one of the application's.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Collection, Iterator, Sequence
from typing import TYPE_CHECKING, Protocol

from gateway.doctor.kinds import found, well
from gateway.doctor.people import application_named, faulty
from gateway.errors import SpApiAuthorizationError, SpApiError
from gateway.findings import Finding
from gateway.subscriptions.amazon import found_ids
from gateway.subscriptions.desired import Declared

if TYPE_CHECKING:
    from gateway.doctor.check import Before
    from gateway.doctor.people import People
    from gateway.model import Seller
    from gateway.spapi.apis.notifications import Destination
    from gateway.subscriptions.declaration import DeclaredDestination


class DestinationsAtAmazon(Protocol):
    """Who asks Amazon for destinations."""

    async def destinations(self, application_id: str, region: str) -> Sequence[Destination]:
        """Return all destinations of an application.

        Raises:
            SpApiError: Amazon refuses, or can't be reached.
        """
        ...


class DestinationsCheck:
    """See the module."""

    name: str = "destinations"
    needs: Sequence[str] = ("settings", "credentials", "store", "regions")

    def __init__(
        self,
        declared: Declared,
        people: People,
        amazon: DestinationsAtAmazon,
        *,
        received: Collection[tuple[str | None, str]],
    ) -> None:
        """Bind what is compared; `received` are AWS region and name of the queues of ours."""
        self._declared = declared
        self._people = people
        self._amazon = amazon
        self._received = received

    async def look(self, before: Before) -> AsyncGenerator[Finding]:
        """See `Check`."""
        if not self._declared.destinations:
            yield found("destination.none", "settings", "declare no destination")
            return
        for one in self._declared.destinations:
            for finding in self._of_receiving(one):
                yield finding
        refused = faulty(before["credentials"])
        for application_id, region in places(await self._people.sellers()):
            if application_named(application_id) in refused:
                continue
            for finding in await self._compared(application_id, region):
                yield finding

    def _of_receiving(self, one: DeclaredDestination) -> Iterator[Finding]:
        if one.arn is None:
            return
        *_, aws_region, _account, name = one.arn.split(":")
        if (aws_region, name) in self._received:
            return
        what = f"sends to {one.arn}, and no [[queues]] receives from it"
        yield found("destination.not_received", f"destination {one.name}", what)

    async def _compared(self, application_id: str, region: str) -> Sequence[Finding]:
        wanted = [one for one in self._declared.destinations if one.serves(application_id, region)]
        try:
            existing = await self._amazon.destinations(application_id, region)
        except SpApiAuthorizationError as exc:
            kind, subject = "credentials.grantless_refused", application_named(application_id)
            return [found(kind, subject, f"in {region}: {exc}", application=application_id)]
        except SpApiError as exc:
            what = f"can't be asked for in {region}: {exc}"
            return [found("destination.unanswered", application_named(application_id), what)]
        ids = found_ids(wanted, existing, application_id, region)
        where = f"for application {application_id} in {region}"
        return [
            well("destinations", f"destination {one.name}", f"exists {where}")
            if one.name in ids
            else found("destination.missing", f"destination {one.name}", f"does not exist {where}")
            for one in wanted
        ]


def places(sellers: Sequence[Seller]) -> Sequence[tuple[str, str]]:
    """Return the applications and regions that sellers are of, each once."""
    return sorted({(one.application_id, one.region) for one in sellers})
