"""What a notification is about, and what is fixed about its type."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from gateway.clock import rfc3339


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What a notification is about; a type takes from it what it needs.

    Attributes:
        at_ms: When it happened.
        document_id: Document that holds the result; None for work that made none.
        next_token: Data Kiosk: token that the next query takes to read on.
        new_secret_ends_at_ms: When a new secret ends; None for 180 days on.
        old_secret_ends_at_ms: When the one before it ends; None for a week on.
    """

    seller_id: str
    at_ms: int
    marketplace_id: str = "ATVPDKIKX0DER"
    order_id: str = "902-0000000-0000000"
    order_status: str = "Unshipped"
    order_change_type: str = "OrderStatusChange"
    fulfillment_order_id: str = "FO-0001"
    asin: str = "B000SIMUL8"
    sku: str = "SKU-0001"
    report_type: str = "GET_MERCHANT_LISTINGS_ALL_DATA"
    report_id: str = "100000020000"
    feed_type: str = "JSON_LISTINGS_FEED"
    feed_id: str = "200000020000"
    query: str = "query { sample }"
    query_id: str = "300000020000"
    processing_status: str = "DONE"
    document_id: str | None = "amzn1.spdoc.1.4.na.00000000-0000-4000-8000-000000000000"
    client_id: str = "amzn1.application-oa2-client.00000000000000000000000000000001"
    error_document_id: str | None = None
    next_token: str | None = None
    client_secret: str = "amzn1.oa2-cs.v1.simulator-0002"  # noqa: S105 opens nothing

    new_secret_ends_at_ms: int | None = None
    old_secret_ends_at_ms: int | None = None

    @property
    def at(self) -> str:
        """When it happened."""
        return rfc3339(self.at_ms)

    @property
    def account_id(self) -> str:
        """The seller as account-wide types name it."""
        return f"amzn1.merchant.o.{self.seller_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """What is fixed about a notification type.

    Attributes:
        pascal: Whether the envelope is in PascalCase rather than camelCase.
        event_bridge: Whether it comes through EventBridge rather than straight to SQS.
        version: Version of the envelope.
        payload_version: As the payload's schema has it; a subscription may say `1.0` too.
        subscribable: Whether createSubscription takes it.
    """

    pascal: bool
    payload: Callable[[Subject], Mapping[str, Any]]
    event_bridge: bool = False
    version: str = "1.0"
    payload_version: str = "1.0"
    subscribable: bool = True
