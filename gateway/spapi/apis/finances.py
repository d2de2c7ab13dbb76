"""Typed calls of the Finances API 2024-06-19: listTransactions. Every 2 s, burst 10."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime

from gateway.spapi.apis.views import Calls, Listed, View, listed

_LIST = "finances.2024-06-19.listTransactions"


class Amount(View):
    """An amount as Amazon writes it, its digits as text, and its ISO 4217 currency."""

    currency_code: str | None = None
    currency_amount: str | None = None


class RelatedIdentifier(View):
    """What a transaction is about.

    Attributes:
        related_identifier_name: Such as `ORDER_ID` or `FINANCIAL_EVENT_GROUP_ID`.
    """

    related_identifier_name: str | None = None
    related_identifier_value: str | None = None


class MarketplaceDetails(View):
    """Where a transaction happened."""

    marketplace_id: str | None = None
    marketplace_name: str | None = None


class Transaction(View):
    """A movement of money; items and break-downs are in `raw`.

    Attributes:
        transaction_id: None where Amazon sends none, which it does.
        transaction_type: Such as `Shipment`.
        transaction_status: `DEFERRED`, `RELEASED` or `DEFERRED_RELEASED`.
    """

    transaction_id: str | None = None
    transaction_type: str | None = None
    transaction_status: str | None = None
    description: str | None = None
    posted_date: str | None = None
    total_amount: Amount | None = None
    marketplace_details: MarketplaceDetails | None = None
    related_identifiers: tuple[RelatedIdentifier, ...] = ()


class Finances:
    """The Finances API 2024-06-19."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def list_transactions(
        self,
        *,
        posted_after: datetime | None = None,
        posted_before: datetime | None = None,
        marketplace_id: str | None = None,
        transaction_status: str | None = None,
        related_identifier: tuple[str, str] | None = None,
        start: str | None = None,
    ) -> AsyncIterator[Listed[Transaction]]:
        """List transactions, page by page; a page may be empty and not be the last.

        Args:
            posted_after: Not before; needed unless `related_identifier` is given.
            posted_before: Before; more than 180 days after `posted_after` Amazon lists nothing.
            marketplace_id: Only of this marketplace.
            transaction_status: Only in this state.
            related_identifier: `ORDER_ID` or `FINANCIAL_EVENT_GROUP_ID`, and its value.
            start: `next_token` of the last page that was read, with the other arguments as then.

        Raises:
            SpApiError: A call failed; the subclass says what to do.
        """
        name, value = related_identifier or (None, None)
        pages = self._calls.paginate(
            _LIST,
            postedAfter=posted_after,
            postedBefore=posted_before,
            marketplaceId=marketplace_id,
            transactionStatus=transaction_status,
            relatedIdentifierName=name,
            relatedIdentifierValue=value,
            start=start,
        )
        return listed(pages, "payload", "transactions", read=Transaction.read)
