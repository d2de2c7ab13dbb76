"""A test of an endpoint: one real, signed attempt of an `endpoint.test` event, recorded nowhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import orjson

from gateway.clock import rfc3339
from gateway.model import IdPrefix, new_id

if TYPE_CHECKING:
    from gateway.clock import Clock
    from gateway.delivery.sender import Sender
    from gateway.delivery.verdict import Reply
    from gateway.endpoints import Endpoint

EVENT_TYPE: Final = "endpoint.test"


async def try_endpoint(sender: Sender, endpoint: Endpoint, clock: Clock) -> tuple[str, Reply]:
    """Post a test event to the endpoint; return the event's id and what came of it."""
    now_ms = clock.now_ms()
    event_id = new_id(IdPrefix.EVENT, now_ms)
    members = {
        "type": EVENT_TYPE,
        "timestamp": rfc3339(now_ms),
        "data": {"endpoint": endpoint.id},
    }
    route = sender.prepare(endpoint)
    return event_id, await sender.send(route, event_id=event_id, body=orjson.dumps(members))
