"""Objects that belong to somebody: found for their tenant and for operators, for nobody else.

What is another tenant's is answered like what is not there, so that nobody learns that it is.
"""

from __future__ import annotations

from gateway.admin.api import Api
from gateway.admin.routes import Call
from gateway.endpoints import Endpoint
from gateway.errors import NotFoundError
from gateway.store.views import DeliveryDetail, EventDetail


async def own_endpoint(api: Api, call: Call) -> Endpoint:
    """Return the endpoint that the path names.

    Raises:
        NotFoundError: There is none, or it is another tenant's.
    """
    endpoint_id = call.path["endpoint_id"]
    endpoint = await api.store.endpoints.get(endpoint_id)
    call.check_sees(endpoint.tenant, f"endpoint {endpoint_id}")
    return endpoint


async def own_delivery(api: Api, call: Call) -> DeliveryDetail:
    """Return the delivery that the path names, with its attempts.

    Raises:
        NotFoundError: There is none, or it is to another tenant's endpoint.
    """
    delivery_id = call.path["delivery_id"]
    detail = await api.store.queries.delivery(delivery_id)
    if call.key.tenant is not None and not await api.store.tenancy.owns_endpoint(
        call.key.tenant, detail.delivery.endpoint_id
    ):
        raise NotFoundError(f"there is no {delivery_id}")
    return detail


async def own_event(api: Api, call: Call) -> EventDetail:
    """Return the event that the path names; for a tenant, with its own deliveries only.

    Raises:
        NotFoundError: There is none, or it goes to other tenants only.
    """
    event_id = call.path["event_id"]
    detail = await api.store.queries.event(event_id)
    tenant = call.key.tenant
    if tenant is None:
        return detail
    if not await api.store.tenancy.sees_event(tenant, event_id):
        raise NotFoundError(f"there is no {event_id}")
    own = await api.store.tenancy.endpoint_ids(tenant)
    return EventDetail(
        event=detail.event,
        body=detail.body,
        deliveries=[one for one in detail.deliveries if one.endpoint_id in own],
    )
