"""Erasures of a process: from the settings to who runs them, with documents and archives."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from gateway.archive.erasing import Erasing
from gateway.archive.places import Location, open_places
from gateway.retention.counting import Counting
from gateway.retention.erasing import ErasureRunner, Ground, looking
from gateway.retention.finding import Finding
from gateway.service.opening import sealer_for
from gateway.store.archived import Archived, Line

if TYPE_CHECKING:
    from gateway.archive.lines import ArchiveSealer
    from gateway.clock import Clock
    from gateway.documents.library import Library
    from gateway.retention.subject import Mentions
    from gateway.settings import Settings
    from gateway.store import Store

_MB: Final = 1024 * 1024


class Archives:
    """The archive that the settings name, and those that an erasure names."""

    def __init__(self, settings: Settings, sealer: ArchiveSealer) -> None:
        self._settings = settings.archive
        self._sealer = sealer

    async def erase(self, mentions: Mentions, places: Sequence[str], *, dry_run: bool) -> int:
        """Erase what is about a subject from every archive; return how many lines went.

        Raises:
            ArchiveFaultError: One was altered; it stays as it is.
            ArchiveUnavailableError: The rest is left; again goes on.
        """

        def meant(line: Line) -> bool:
            if isinstance(line, Archived) and mentions.owner(line.notification.seller_id):
                return True
            return mentions(line.body)

        locations = [Location.parse(one) for one in places]
        if self._settings.url is not None:
            locations.insert(0, Location.whole(self._settings.url))
        lines = 0
        for location in locations:
            async with open_places(
                location,
                region=self._settings.region,
                endpoint_url=self._settings.endpoint_url,
            ) as opened:
                erasing = Erasing(opened, self._sealer, dry_run=dry_run)
                lines += (await erasing.run(location, meant)).erased
        return lines


def erasure_runner(
    settings: Settings, store: Store, library: Library, clock: Clock
) -> ErasureRunner:
    """Return what brings the store's erasures on.

    Raises:
        ConfigurationError: The key ring can't be used.
    """
    return ErasureRunner(_ground(settings, store, library, clock), clock)


def erasure_counting(settings: Settings, store: Store, library: Library, clock: Clock) -> Counting:
    """Return what counts beforehand, in the same places.

    Raises:
        ConfigurationError: The key ring can't be used.
    """
    ground = _ground(settings, store, library, clock)
    return Counting(looking(ground), ground.shelves, clock)


def _ground(settings: Settings, store: Store, library: Library, clock: Clock) -> Ground:
    sealer = sealer_for(settings, clock=clock)
    return Ground(
        kept=store.erasures,
        store=store.erasing,
        finding=Finding(sealer),
        papers=library,
        shelves=Archives(settings, sealer),
        files=store.space,
        rewrite_bytes=settings.retention.rewrite_mb * _MB,
    )
