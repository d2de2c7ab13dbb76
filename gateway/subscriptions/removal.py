"""A destination deleted together with its subscriptions, which Amazon does not do by itself.

No call lists the subscriptions of a destination, so every seller is asked for every type that it
can carry, once a second each.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from gateway.model import Seller, SellerState
from gateway.notifications.kinds import Workflow
from gateway.notifications.known import TYPES
from gateway.spapi.apis.notifications import Destination
from gateway.store.subscriptions import Subscriptions
from gateway.subscriptions.amazon import AmazonSide, resource_of
from gateway.subscriptions.declaration import Unit

_SELLERS_AT_ONCE = 8


class Removal:
    """See the module.

    Args:
        amazon: For the calls.
        changing: Returns the subscriptions to note in that one is gone, by unit and id.
    """

    def __init__(self, amazon: AmazonSide, changing: Callable[[Unit, str], Subscriptions]) -> None:
        self._amazon = amazon
        self._changing = changing

    async def subscriptions_of(
        self,
        destination: Destination,
        sellers: Sequence[Seller],
        *,
        on_step: Callable[[int], None] = lambda deleted: None,  # noqa: ARG005 nobody looks
    ) -> Sequence[str]:
        """Delete all subscriptions of a destination; return their ids.

        Args:
            destination: Theirs.
            sellers: Who may have some; those that are paused can't be asked and are passed over.
            on_step: Told after each seller and type how many were deleted so far.

        Raises:
            SpApiError: A call was refused; what was deleted stays so.
        """
        deleted: list[str] = []
        waiting = iter([one for one in sellers if one.state is not SellerState.PAUSED])

        async def work() -> None:
            for seller in waiting:
                for name in _types(destination):
                    deleted.extend(await self._of(destination.destination_id, seller, name))
                    on_step(len(deleted))

        ended = await asyncio.gather(
            *(work() for _ in range(_SELLERS_AT_ONCE)), return_exceptions=True
        )
        for fault in ended:
            if isinstance(fault, BaseException):
                raise fault
        return sorted(deleted)

    async def _of(self, destination_id: str, seller: Seller, name: str) -> Sequence[str]:
        unit = Unit(
            application_id=seller.application_id,
            region=seller.region,
            seller_id=seller.id,
            type=name,
        )
        found = [
            one.subscription_id
            for one in await self._amazon.subscriptions(unit)
            if one.destination_id == destination_id
        ]
        for subscription_id in found:
            await self._amazon.delete(unit, subscription_id)
            await self._changing(unit, subscription_id).gone(subscription_id)
        return found


def _types(destination: Destination) -> Sequence[str]:
    """Return the types that a destination can carry; every type where its kind is unknown."""
    place = resource_of(destination.resource)
    workflows = set(Workflow)
    if place is not None:
        workflows = {Workflow.SQS if place[0] == "sqs" else Workflow.EVENT_BRIDGE}
    return [
        kind.name for kind in TYPES.values() if kind.subscribable and kind.workflow in workflows
    ]
