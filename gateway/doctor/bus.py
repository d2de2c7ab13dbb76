"""Check `bus`: does what Amazon sends over EventBridge find its way to a queue of ours?

Amazon names the event source of a destination; what should stand behind it (association, bus, rule,
target) is judged by `gateway.aws.provisioning.checks`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Collection, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from gateway.aws.provisioning.checks import check
from gateway.aws.provisioning.clients import AwsRefusedError
from gateway.aws.provisioning.reading import read_in_part
from gateway.aws.provisioning.wanted import SOURCE_PREFIX
from gateway.doctor.destinations import places
from gateway.doctor.kinds import found, well
from gateway.doctor.people import application_named, faulty
from gateway.doctor.queues import refused, wanted_of
from gateway.errors import SpApiError
from gateway.findings import Finding
from gateway.spapi.apis.views import part
from gateway.subscriptions.amazon import resource_of

if TYPE_CHECKING:
    from gateway.doctor.check import Before
    from gateway.doctor.destinations import DestinationsAtAmazon
    from gateway.doctor.people import People
    from gateway.doctor.queues import Aim, MakeClients
    from gateway.subscriptions.desired import Declared


class BusCheck:
    """See the module."""

    name: str = "bus"
    needs: Sequence[str] = ("settings", "store", "credentials", "queues")

    def __init__(
        self,
        declared: Declared,
        people: People,
        amazon: DestinationsAtAmazon,
        *,
        aims: Sequence[Aim],
        make_clients: MakeClients,
    ) -> None:
        self._buses = {
            resource_of(one.specification()): one
            for one in declared.destinations
            if one.arn is None
        }
        self._people = people
        self._amazon = amazon
        self._aims = aims
        self._make_clients = make_clients

    async def look(self, before: Before) -> AsyncGenerator[Finding]:
        """See `Check`."""
        if not self._buses:
            yield well("bus", "settings", "declare no event bus")
            return
        known = {_told(one) for one in before["queues"]}  # by another mend, without the bus
        for source, region, account in await self._sources(faulty(before["credentials"])):
            beside = [
                one for one in self._aims if one.region == region and one.account in {None, account}
            ]
            if not beside:
                what = f"is in {region} of account {account}, and no queue of the settings is"
                yield found("source.no_queue", f"event source {source}", what)
                continue
            for finding in await asyncio.to_thread(self._judged, source, beside):
                if _told(finding) not in known:
                    yield finding

    async def _sources(self, refused_ones: Collection[str]) -> Sequence[tuple[str, str, str]]:
        """Return the event sources of declared buses: name, AWS region and account."""
        sources: set[tuple[str, str, str]] = set()
        for application_id, region in places(await self._people.sellers()):
            if application_named(application_id) in refused_ones:
                continue
            try:
                existing = await self._amazon.destinations(application_id, region)
            except SpApiError:
                continue  # check `destinations` tells of it
            for one in existing:
                bus = resource_of(one.resource)
                name = part(one.resource, "eventBridge", "name")
                if bus in self._buses and bus is not None and isinstance(name, str):
                    # Amazon leaves AWS's prefix and the account away.
                    source = f"{SOURCE_PREFIX}{bus[1]}/{name.rpartition('/')[2]}"
                    sources.add((source, bus[2], bus[1]))
        return sorted(sources)

    def _judged(self, source: str, beside: Sequence[Aim]) -> Sequence[Finding]:
        """Judge the way to the queue that the rule leads to, else to the first one beside."""
        judged: list[Sequence[Finding]] = []
        for aim in beside:
            try:
                clients = self._make_clients(aim.region, aim.endpoint)
                wanted = replace(wanted_of(aim, clients), event_source=source)
                there = read_in_part(clients, wanted, aim.url)
            except AwsRefusedError as exc:
                return [refused(aim, exc)]
            findings = check(wanted, there)
            if there.rule is not None:
                return findings
            judged.append(findings)
        return judged[0]


def _told(one: Finding) -> tuple[str, str, str]:
    return one.id, one.subject, one.what
