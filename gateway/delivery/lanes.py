"""One lane per endpoint: how many of its deliveries are claimed, sent and waiting in this process.

It decides how many more may be claimed for an endpoint, and when those that wait are better given
back. An endpoint that is quick is claimed ahead of its concurrency, so that batches are full. One
that is slow is not, and all slow ones together never hold more than half of the requests that may
be in flight. One that has not answered yet gets a single delivery first; of those a quarter may be
under way, and a second without an answer makes an endpoint slow. One that gives no answer at all
stays at a single delivery. So the fate of one endpoint, or of many at once, doesn't reach the
others. It never talks to the store or the network.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from enum import Enum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.delivery.routes import Route
    from gateway.endpoints import Endpoint

_QUICK_MS: Final = 250.0
_CLAIM_AHEAD: Final = 8
_NEWEST_WEIGHT: Final = 0.3
_SLOW_SHARE: Final = 0.5
_NEW_SHARE: Final = 0.25
_PATIENCE_S: Final = 1.0


class Speed(Enum):
    """How soon an endpoint answers, as far as is known."""

    NEW = "new"
    QUICK = "quick"
    SLOW = "slow"


class Lane:
    """One endpoint's part. Bounds the requests in flight to the endpoint's concurrency.

    Attributes:
        in_hand: Deliveries claimed and not yet done with, those in flight included.
        rests_until_ms: Nothing is sent before.
        gone: Nothing is sent any more; the endpoint is deleted or disabled.
        speed: How soon it answers.
        silent: Whether it gave no answer last time.
    """

    __slots__ = (
        "_busy",
        "_latency_ms",
        "_left_count",
        "_on_speed_change",
        "_timer",
        "_waiting",
        "endpoint",
        "gone",
        "in_hand",
        "rests_until_ms",
        "route",
        "silent",
        "speed",
    )

    def __init__(
        self, endpoint: Endpoint, route: Route, on_speed_change: Callable[[Lane, Speed], None]
    ) -> None:
        self.endpoint = endpoint
        self.route = route
        self.in_hand = 0
        self.rests_until_ms = 0
        self.gone = False
        self.speed = Speed.NEW
        self.silent = False
        self._busy = 0
        self._waiting: deque[asyncio.Future[bool]] = deque()
        self._latency_ms: float | None = None
        self._left_count = 0
        self._timer: asyncio.TimerHandle | None = None
        self._on_speed_change = on_speed_change

    def places(self, now_ms: int) -> int:
        """Return how many more of its deliveries may be claimed; safe in any thread."""
        if self.gone or now_ms < self.rests_until_ms:
            return 0
        if self.speed is Speed.NEW or (self.speed is Speed.SLOW and self.silent):
            return max(0, 1 - self.in_hand)
        # Claimed ahead of its turn, a delivery would have spent its token of the rate too early.
        is_ahead = self.speed is Speed.QUICK and self.endpoint.rate_per_s is None
        ahead = _CLAIM_AHEAD if is_ahead else 1
        return max(0, self.endpoint.concurrency * ahead - self.in_hand)

    async def enter(self) -> bool:
        """Wait for a place among the requests in flight; False where waiting has become useless."""
        if self._busy < self.endpoint.concurrency and not self._waiting:
            self._busy += 1
            if self.speed is Speed.NEW and self._timer is None:
                self._grow_impatient()
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

    def note(self, duration_ms: float, *, answered: bool = True) -> None:
        """Learn from a request that ended; those that wait are dismissed where it turns slow."""
        self.silent = not answered
        if self._latency_ms is None:
            self._set_latency(duration_ms)
        else:
            change_ms = _NEWEST_WEIGHT * (duration_ms - self._latency_ms)
            self._set_latency(self._latency_ms + change_ms)

    def _set_latency(self, latency_ms: float) -> None:
        self._latency_ms = latency_ms
        before = self.speed
        self.speed = Speed.QUICK if latency_ms < _QUICK_MS else Speed.SLOW
        if self.speed is not before:
            self._on_speed_change(self, before)
            if self.speed is Speed.SLOW:
                self.dismiss()

    def _grow_impatient(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(
            _PATIENCE_S, self._look_again, self._left_count
        )

    def _look_again(self, left_count: int) -> None:
        """Call it slow where somebody waits, or it is new, and no request has ended for a while."""
        self._timer = None
        if not self._busy or not (self._waiting or self.speed is Speed.NEW):
            return
        if self._left_count != left_count:
            self._grow_impatient()
            return
        self.silent = True
        self._set_latency(max(self._latency_ms or 0.0, _QUICK_MS))
        self.dismiss()


class Lanes:
    """All lanes of the process.

    Args:
        concurrency: Requests in flight at once, over all endpoints.
    """

    def __init__(self, concurrency: int) -> None:
        self._slow_places = max(1, round(concurrency * _SLOW_SHARE))
        self._new_places = max(1, round(concurrency * _NEW_SHARE))
        self._in_hand: Counter[Speed] = Counter()
        self._lanes: dict[str, Lane] = {}

    def get(self, endpoint_id: str) -> Lane | None:
        """Return the endpoint's lane, if it has had one."""
        return self._lanes.get(endpoint_id)

    def put(self, endpoint: Endpoint, route: Route) -> Lane:
        """Return the endpoint's lane, brought up to date."""
        lane = self._lanes.get(endpoint.id)
        if lane is None:
            lane = self._lanes[endpoint.id] = Lane(endpoint, route, self._speed_changed)
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
        self._in_hand[lane.speed] += 1

    def drop(self, lane: Lane) -> None:
        """Count one delivery less."""
        lane.in_hand -= 1
        self._in_hand[lane.speed] -= 1

    def left(self) -> dict[Speed, int]:
        """Return how many more deliveries all slow, and all new, endpoints may have in hand.

        What grew slow while it was new, or quick, comes off the share of the new ones.
        """
        slow_left = self._slow_places - self._in_hand[Speed.SLOW]
        new_left = self._new_places - self._in_hand[Speed.NEW] + min(0, slow_left)
        return {Speed.SLOW: max(0, slow_left), Speed.NEW: max(0, new_left)}

    def _speed_changed(self, lane: Lane, before: Speed) -> None:
        self._in_hand[before] -= lane.in_hand
        self._in_hand[lane.speed] += lane.in_hand


class Room:
    """The answers to one claim's questions: how many deliveries may be claimed for an endpoint.

    What slow and new endpoints may have together is handed out as they are asked for; asked again,
    the answer is the same. It only reads, as it runs in the store's thread.

    Args:
        lanes: All lanes.
        is_known: Whether an endpoint without a lane is one that may be sent to.
        now_ms: Present time.
    """

    def __init__(self, lanes: Lanes, *, is_known: Callable[[str], bool], now_ms: int) -> None:
        self._lanes = lanes
        self._is_known = is_known
        self._now_ms = now_ms
        self._left = lanes.left()
        self._given: dict[str, int] = {}

    def __call__(self, endpoint_id: str) -> int:
        """Return the endpoint's places."""
        given = self._given.get(endpoint_id)
        if given is None:
            given = self._given[endpoint_id] = self._places(endpoint_id)
        return given

    def _places(self, endpoint_id: str) -> int:
        lane = self._lanes.get(endpoint_id)
        if lane is None:
            speed, wanted = Speed.NEW, 1 if self._is_known(endpoint_id) else 0
        else:
            speed, wanted = lane.speed, lane.places(self._now_ms)
        if speed is Speed.QUICK:
            return wanted
        given = min(wanted, self._left[speed])
        self._left[speed] -= given
        return given
