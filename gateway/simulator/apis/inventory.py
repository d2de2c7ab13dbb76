"""FBA Inventory v1: getInventorySummaries, page by page; a page token dies after 30 seconds.

Source: Amazon's page "FBA Inventory API v1".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from gateway.clock import rfc3339
from gateway.simulator import goods
from gateway.simulator.apis import pages
from gateway.simulator.marketplaces import marketplace
from gateway.simulator.spapi.answers import bad_input
from gateway.simulator.spapi.call import Answer, Call

if TYPE_CHECKING:
    from gateway.clock import Clock
    from gateway.simulator.goods import Good
    from gateway.simulator.spapi.call import Answering

_PAGE = 20
_TOKEN_LIFE_MS = 30_000


class Inventory:
    """The stock in Amazon's warehouses."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def answers(self) -> Mapping[str, Answering]:
        """See `Api`."""
        return {"fbaInventory.v1.getInventorySummaries": self._summaries}

    def _summaries(self, call: Call) -> Answer:
        if call.needed("granularityType") != "Marketplace":
            raise bad_input("granularityType takes Marketplace.", "granularityType")
        place, start = marketplace(call.needed("granularityId")), 0
        if (text := call.query.get("nextToken")) is not None:
            token = pages.opened(text, "nextToken")
            if self._clock.now_ms() >= token.get("at_ms", 0) + _TOKEN_LIFE_MS:
                raise bad_input("The token has expired.", "nextToken")
            start = token["start"]
        wanted = call.listed("sellerSkus") or call.listed("sellerSku")
        found = [
            good for good in goods.held(call.seller.id, place) if not wanted or good.sku in wanted
        ]
        shown, following = pages.page(found, start=start, size=_PAGE)
        detailed = call.query.get("details") == "true"
        body: dict[str, Any] = {
            "payload": {
                "granularity": {"granularityType": "Marketplace", "granularityId": place.id},
                "inventorySummaries": [self._shown(good, detailed=detailed) for good in shown],
            }
        }
        if following is not None:
            body["pagination"] = {"nextToken": pages.token(following, at_ms=self._clock.now_ms())}
        return Answer(body=body)

    def _shown(self, good: Good, *, detailed: bool) -> Mapping[str, Any]:
        shown: dict[str, Any] = {
            "asin": good.asin,
            "fnSku": good.fnsku,
            "sellerSku": good.sku,
            "condition": "NewItem",
            "lastUpdatedTime": rfc3339(self._clock.now_ms() - 3_600_000),
            "productName": good.title,
            "totalQuantity": good.stock,
            "stores": [],
        }
        if detailed:
            reserved = good.stock // 10
            shown["inventoryDetails"] = {
                "fulfillableQuantity": good.stock - reserved,
                "inboundWorkingQuantity": 0,
                "inboundShippedQuantity": 0,
                "inboundReceivingQuantity": 0,
                "reservedQuantity": {
                    "totalReservedQuantity": reserved,
                    "pendingCustomerOrderQuantity": reserved,
                    "pendingTransshipmentQuantity": 0,
                    "fcProcessingQuantity": 0,
                },
                "researchingQuantity": {"totalResearchingQuantity": 0},
                "unfulfillableQuantity": {"totalUnfulfillableQuantity": 0},
            }
        return shown
