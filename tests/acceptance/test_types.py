"""Every notification type through the whole service: received, handled, signed, as declared."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.clock import SystemClock
from gateway.simulator.notifications import known_types, notification
from gateway.simulator.payloads import Subject
from tests.support.truth import assert_complete
from tests.support.world import open_world

pytestmark = [pytest.mark.acceptance]

SELLER = "A1SIMULATORNA1"

# Documents that must be there to be fetched, and secrets that would be rotated: tested with those.
ELSEWHERE = ("REPORT_", "FEED_", "DATA_KIOSK_", "TAX_INVOICE_EXPORT_", "APPLICATION_")


async def test_every_type_becomes_an_event_as_it_is_declared(tmp_path: Path) -> None:
    types = [one for one in known_types() if not one.startswith(ELSEWHERE)]
    now_ms = SystemClock().now_ms()
    bodies = [
        # An item of its own for each: changes of one that wait become one event.
        notification(
            type_,
            Subject(
                seller_id=SELLER,
                at_ms=now_ms,
                order_id="902-0000001-0000001",
                sku=f"SKU-{number:04d}",
            ),
            notification_id=f"n-{type_}",
        ).decode()
        for number, type_ in enumerate(types)
    ]
    async with open_world(tmp_path) as world:
        # A change of quantity names no marketplace, so it is asked about in the seller's own.
        for seller in world.folder.sellers:
            seller["marketplaces"] = ["ATVPDKIKX0DER"]
        world.folder.write()
        world.add_endpoint("/hook")
        gateway = world.folder.start()
        try:
            await gateway.ready()
            await world.send(bodies)
            received = world.receiver.received["/hook"]
            await received.wait_for(
                lambda got: len(got.events_of) >= len(types), timeout_s=60, what="every type"
            )
            assert await gateway.terminate() == 0, gateway.tail()
        finally:
            gateway.stop()
        assert_complete(received, [f"n-{one}" for one in types])
        assert not any(one.startswith("notification.") for one in received.types)
        assert (world.calls("getListingsItem"), world.calls("getFulfillmentOrder")) == (3, 1)
