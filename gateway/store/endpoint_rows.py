"""How an endpoint stands in its row: JSON lists, and the version that every change replaces.

The version is a random number, not a count: a count that was rolled back would come again with
other endpoints behind it, and whoever keeps a copy of them could not tell.
"""

from __future__ import annotations

import json
from typing import Any, Final

from gateway.endpoints import Endpoint, EndpointState, PayloadForm, Transport
from gateway.model import new_token
from gateway.store.statements import One, Plan, Row, Signal

ENDPOINTS_TOPIC: Final = "endpoints"

ENDPOINT_COLUMNS: Final = (
    "id",
    "url",
    "description",
    "event_types",
    "seller_ids",
    "state",
    "disabled_reason",
    "concurrency",
    "timeout_s",
    "schedule_s",
    "headers",
    "created_at_ms",
    "updated_at_ms",
    "tags",
    "metadata",
    "marketplace_ids",
    "body_filter",
    "payload",
    "max_age_s",
    "rate_per_s",
    "burst",
    "ordered",
    "order_max_wait_s",
    "operator",
    "tenant",
    "sealed_credentials",
    "transport",
)
SEALED_COLUMN: Final = ENDPOINT_COLUMNS.index("sealed_credentials")

VERSION: Final = One("SELECT version FROM endpoints_version WHERE id = 1")
ALL_ENDPOINTS: Final = One(f"SELECT {', '.join(ENDPOINT_COLUMNS)} FROM endpoints ORDER BY id")  # noqa: S608
_SET_VERSION: Final = One("UPDATE endpoints_version SET version = $1 WHERE id = 1")


def changed() -> Plan[None]:
    """Tell all who keep a copy of the endpoints that it is old."""
    yield _SET_VERSION(new_token())
    yield Signal(ENDPOINTS_TOPIC)()


def endpoint_of(row: Row) -> Endpoint:
    """Return the endpoint in `row`, without its secrets and credentials."""
    schedule = row[9]
    return Endpoint(
        id=row[0],
        url=row[1],
        description=row[2],
        event_types=tuple(json.loads(row[3])),
        seller_ids=tuple(json.loads(row[4])),
        state=EndpointState(row[5]),
        disabled_reason=row[6],
        concurrency=row[7],
        timeout_s=row[8],
        schedule_s=None if schedule is None else tuple(json.loads(schedule)),
        headers=json.loads(row[10]),
        created_at_ms=row[11],
        updated_at_ms=row[12],
        tags=tuple(json.loads(row[13])),
        metadata=json.loads(row[14]),
        marketplace_ids=tuple(json.loads(row[15])),
        body_filter=row[16],
        payload=PayloadForm(row[17]),
        max_age_s=row[18],
        rate_per_s=row[19],
        burst=row[20],
        ordered=bool(row[21]),
        order_max_wait_s=row[22],
        operator=bool(row[23]),
        tenant=row[24],
        transport=Transport(row[26]),
    )


def row_of(endpoint: Endpoint, sealed_credentials: bytes | None) -> tuple[Any, ...]:
    """Return the row of `endpoint`, in the order of `ENDPOINT_COLUMNS`."""
    schedule = endpoint.schedule_s
    return (
        endpoint.id,
        endpoint.url,
        endpoint.description,
        json.dumps(list(endpoint.event_types)),
        json.dumps(list(endpoint.seller_ids)),
        endpoint.state.value,
        endpoint.disabled_reason,
        endpoint.concurrency,
        endpoint.timeout_s,
        None if schedule is None else json.dumps(list(schedule)),
        "{}",  # headers are among what is sealed; rows of older releases have them here
        endpoint.created_at_ms,
        endpoint.updated_at_ms,
        json.dumps(list(endpoint.tags)),
        json.dumps(dict(endpoint.metadata)),
        json.dumps(list(endpoint.marketplace_ids)),
        endpoint.body_filter,
        endpoint.payload.value,
        endpoint.max_age_s,
        endpoint.rate_per_s,
        endpoint.burst,
        endpoint.ordered,
        endpoint.order_max_wait_s,
        endpoint.operator,
        endpoint.tenant,
        sealed_credentials,
        endpoint.transport.value,
    )
