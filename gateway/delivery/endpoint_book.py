"""The endpoints as this process knows them, read again soon after they change.

It decides when to look; it never writes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol

from gateway.endpoints import EndpointState
from gateway.errors import DependencyError, SealError

if TYPE_CHECKING:
    from gateway.clock import Clock
    from gateway.endpoints import Endpoint

_FRESH_S: Final = 1.0


class EndpointStore(Protocol):
    """Where endpoints and their keys are kept."""

    async def version(self) -> int:
        """Return a number that is another one after each change."""
        ...

    async def all_with_secrets(self) -> tuple[int, Sequence[Endpoint]]:
        """Return version and all endpoints, with their keys."""
        ...


@dataclass(slots=True)
class EndpointBook:
    """The endpoints as last read, read again when they have changed.

    Attributes:
        enabled: Those that get deliveries.
        stale: Whether they must be looked at before the next claim.
    """

    _store: EndpointStore
    _clock: Clock
    enabled: Mapping[str, Endpoint] = field(default_factory=dict)
    stale: bool = True
    _version: int | None = None
    _looked_s: float = 0.0

    def knows(self, endpoint_id: str) -> bool:
        """Whether an endpoint gets deliveries; one never heard of makes the book stale."""
        known = endpoint_id in self.enabled
        if not known:
            self.stale = True
        return known

    async def refresh(self) -> bool:
        """Read the endpoints again if they have changed; at most a look a second unless stale.

        Raises:
            DependencyError: They can't be read, or a key of theirs can't be opened.
        """
        now_s = self._clock.monotonic_s()
        if not self.stale and now_s - self._looked_s < _FRESH_S:
            return False
        self.stale = False
        self._looked_s = now_s
        try:
            if await self._store.version() == self._version:
                return False
            self._version, endpoints = await self._store.all_with_secrets()
        except SealError as exc:
            self.stale = True
            raise DependencyError(f"the endpoints' keys can't be opened: {exc}") from exc
        except DependencyError:
            self.stale = True
            raise
        self.enabled = {e.id: e for e in endpoints if e.state is EndpointState.ENABLED}
        return True
