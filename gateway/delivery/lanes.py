"""One lane per endpoint: how many of its deliveries are claimed, sent and waiting in this process.

It decides how many more may be claimed for an endpoint, and when those that wait are better given
back. A quick endpoint is claimed ahead of its concurrency, so that batches are full; a slow one is
not, and all slow ones together never hold more than a share of the places. So the fate of one
endpoint, or of many at once, doesn't reach the others. It never talks to the store or the network.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.delivery.sender import Route
    from gateway.model import Endpoint

_QUICK_MS: Final = 250.0
_CLAIM_AHEAD: Final = 8
_NEWEST_WEIGHT: Final = 0.3
_SLOW_SHARE: Final = 0.75
_PATIENCE_S: Final = 1.0


class Lane:
    """One endpoint's part. Bounds the requests in flight to the endpoint's concurrency.

    Attributes:
        in_hand: Deliveries claimed and not yet done with, those in flight included.
        rests_until_ms: Nothing is sent before.
        gone: Nothing is sent any more; the endpoint is deleted or disabled.
    """

    __slots__ = (
        "_busy",
        "_latency_ms",
        "_left_count",
        "_on_pace_change",
        "_timer",
        "_waiting",
        "endpoint",
        "gone",
        "in_hand",
        "rests_until_ms",
        "route",
    )

    def __init__(
        self, endpoint: Endpoint, route: Route, on_pace_change: Callable[[Lane], None]
    ) -> None:
        self.endpoint = endpoint
        self.route = route
        self.in_hand = 0
        self.rests_until_ms = 0
        self.gone = False
        self._busy = 0
        self._waiting: deque[asyncio.Future[bool]] = deque()
        self._latency_ms: float | None = None
        self._left_count = 0
        self._timer: asyncio.TimerHandle | None = None
        self._on_pace_change = on_pace_change

    @property
    def quick(self) -> bool:
        """Whether its answers come quickly; not before the first one has."""
        return self._latency_ms is not None and self._latency_ms < _QUICK_MS

    def places(self, now_ms: int) -> int:
        """Return how many more of its deliveries may be claimed; safe in any thread."""
        if self.gone or now_ms < self.rests_until_ms:
            return 0
        ahead = _CLAIM_AHEAD if self.quick else 1
        return max(0, self.endpoint.concurrency * ahead - self.in_hand)

    async def enter(self) -> bool:
        """Wait for a place among the requests in flight; False where waiting has become useless."""
        if self._busy < self.endpoint.concurrency and not self._waiting:
            self._busy += 1
            return True
        turn: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        if self._timer is None:
            self._grow_impatient()
        try:
            return await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and turn.result():
                self.leave()
            raise

    def leave(self) -> None:
        """Give the place to whoever waits longest."""
        self._left_count += 1
        self._busy -= 1
        while self._waiting and self._busy < self.endpoint.concurrency:
            turn = self._waiting.popleft()
            if not turn.done():
                self._busy += 1
                turn.set_result(True)

    def dismiss(self) -> None:
        """Let all that wait for a place go away without one."""
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(False)

    def rest(self, until_ms: int) -> None:
        """Send nothing before `until_ms`; all that wait go away."""
        self.rests_until_ms = max(self.rests_until_ms, until_ms)
        self.dismiss()

    def note(self, duration_ms: float) -> None:
        """Learn from a request that ended; those that wait are dismissed where it turns slow."""
        was_quick = self.quick
        if self._latency_ms is None:
            self._latency_ms = duration_ms
        else:
            self._latency_ms += _NEWEST_WEIGHT * (duration_ms - self._latency_ms)
        if self.quick != was_quick:
            self._on_pace_change(self)
            if was_quick:
                self.dismiss()

    def _grow_impatient(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(
            _PATIENCE_S, self._look_again, self._left_count
        )

    def _look_again(self, left_count: int) -> None:
        """Dismiss those that wait where no request has ended for a while: it has become slow."""
        self._timer = None
        if not self._waiting:
            return
        if self._left_count != left_count:
            self._grow_impatient()
            return
        was_quick = self.quick
        self._latency_ms = max(self._latency_ms or 0.0, _PATIENCE_S * 1000)
        if was_quick:
            self._on_pace_change(self)
        self.dismiss()


class Lanes:
    """All lanes of the process.

    Args:
        concurrency: Requests in flight at once, over all endpoints.
    """

    def __init__(self, concurrency: int) -> None:
        self._slow_places = max(1, round(concurrency * _SLOW_SHARE))
        self._slow_in_hand = 0
        self._lanes: dict[str, Lane] = {}

    def get(self, endpoint_id: str) -> Lane | None:
        """Return the endpoint's lane, if it has had one."""
        return self._lanes.get(endpoint_id)

    def put(self, endpoint: Endpoint, route: Route) -> Lane:
        """Return the endpoint's lane, brought up to date."""
        lane = self._lanes.get(endpoint.id)
        if lane is None:
            lane = self._lanes[endpoint.id] = Lane(endpoint, route, self._pace_changed)
        else:
            lane.endpoint, lane.route = endpoint, route
            lane.rests_until_ms = 0
        return lane

    def forget(self, endpoint_id: str) -> None:
        """Drop the lane of an endpoint that exists no more; what waits there goes away."""
        lane = self._lanes.pop(endpoint_id, None)
        if lane is not None:
            lane.gone = True
            lane.dismiss()

    def ids(self) -> list[str]:
        """Return the endpoints that have a lane."""
        return list(self._lanes)

    def take(self, lane: Lane) -> None:
        """Count one more delivery in hand."""
        lane.in_hand += 1
        if not lane.quick:
            self._slow_in_hand += 1

    def drop(self, lane: Lane) -> None:
        """Count one delivery less."""
        lane.in_hand -= 1
        if not lane.quick:
            self._slow_in_hand -= 1

    def slow_places(self) -> int:
        """Return how many more deliveries all slow endpoints together may have in hand."""
        return max(0, self._slow_places - self._slow_in_hand)

    def _pace_changed(self, lane: Lane) -> None:
        self._slow_in_hand += -lane.in_hand if lane.quick else lane.in_hand
