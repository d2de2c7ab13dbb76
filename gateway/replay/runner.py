"""Runs operations, step by step, whichever process has their lease; other traffic goes first.

It decides when a step is taken and when an operation has ended: when nothing is left to look at and
nothing that it made is under way. What a step does is its kind's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Protocol

import structlog

from gateway.clock import Clock
from gateway.errors import ArchiveUnavailableError, DependencyError
from gateway.model import new_token
from gateway.operations import Operation, OperationKind, OperationState
from gateway.replay.pacing import YIELDS_TO, room_for
from gateway.replay.stepping import Work

_LEASE_MS: Final = 10_000
# Steps of one operation in a row, before the others and the lease have their turn.
_STEPS: Final = 20
_ERROR_CHARS: Final = 2_000

_log = structlog.get_logger("gateway.replay")


class Kept(Protocol):
    """Where operations are kept; see `gateway.store.operations`."""

    async def claim(self, token: int, *, lease_ms: int) -> Sequence[Operation]:
        """Return the running operations that are the caller's."""
        ...

    async def get(self, operation_id: str) -> Operation:
        """Return one operation."""
        ...

    async def end(
        self, operation: Operation, token: int, state: OperationState, error: str | None = None
    ) -> bool:
        """End an operation."""
        ...

    async def under_way(self, operation_id: str, *, most: int) -> int:
        """Return how many of its handlings have not ended."""
        ...

    async def live_handlings(self, *, most: int) -> int:
        """Return how many handlings of no operation are ready."""
        ...

    async def ready_deliveries(self, *, most: int) -> int:
        """Return how many deliveries are ready."""
        ...


class OperationRunner:
    """See the module; call `tick` again and again."""

    def __init__(self, kept: Kept, works: Mapping[OperationKind, Work], clock: Clock) -> None:
        self._kept = kept
        self._works = works
        self._clock = clock
        self._token = new_token()
        self._waiting: dict[str, str] = {}

    async def tick(self) -> None:
        """Bring each running operation on, as far as there is room.

        Raises:
            StoreUnavailableError: The next tick goes on where this one came to.
        """
        for operation in await self._kept.claim(self._token, lease_ms=_LEASE_MS):
            try:
                await self._bring_on(operation)
            except ArchiveUnavailableError as exc:  # the others need no archive
                self._waits(operation, str(exc))
            except DependencyError:
                raise
            except Exception as exc:  # noqa: BLE001 told with the operation, which others can mend
                _log.exception("operation.failed", operation=operation.id)
                error = f"{type(exc).__name__}: {exc}"[:_ERROR_CHARS]
                await self._kept.end(operation, self._token, OperationState.FAILED, error)

    def _waits(self, operation: Operation, why: str) -> None:
        if self._waiting.get(operation.id) != why:
            self._waiting[operation.id] = why
            _log.warning("operation.waits", operation=operation.id, fault=why)

    async def _bring_on(self, operation: Operation) -> None:
        work = self._works[operation.kind]
        for _ in range(_STEPS):
            room = await self._room(operation)
            if room <= 0:
                return
            step = await work.step(operation, self._token, room, self._clock.now_ms())
            if step.ended:
                await self._end(operation)
            if not step.moved:
                return
            operation = await self._kept.get(operation.id)

    async def _room(self, operation: Operation) -> int:
        most = operation.concurrency + 1
        now_ms = self._clock.now_ms()
        if operation.kind is OperationKind.REPLAY:
            under_way = await self._kept.under_way(operation.id, most=most)
            live = await self._kept.live_handlings(most=YIELDS_TO)
            return room_for(operation, under_way=under_way, live=live, now_ms=now_ms)
        ready = await self._kept.ready_deliveries(most=most)
        # Whose endpoint rests stays ready for long: the others must not wait for it for ever.
        under_way = min(ready, operation.concurrency - 1)
        return room_for(operation, under_way=under_way, live=0, now_ms=now_ms)

    async def _end(self, operation: Operation) -> None:
        if operation.kind is OperationKind.REPLAY and await self._kept.under_way(
            operation.id, most=1
        ):
            return
        if await self._kept.end(operation, self._token, OperationState.FINISHED):
            _log.info("operation.finished", operation=operation.id, done=operation.done)
