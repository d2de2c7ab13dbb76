"""Opening what every command needs: the key ring, the store, and the rules for endpoints.

Apart from `parts`, so that a command which only looks into the database loads no AWS library.
"""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.delivery.egress import EgressPolicy
from gateway.delivery.sender import Sender
from gateway.delivery.trust import trust_context
from gateway.errors import ConfigurationError, SchemaOutdatedError
from gateway.sealing import open_sealer
from gateway.store import SchemaState, open_store, schema_state
from gateway.store.publishing import EVENT_URL

if TYPE_CHECKING:
    from gateway.clock import Clock
    from gateway.delivery.egress import Resolver
    from gateway.sealing import Sealer
    from gateway.settings import Settings
    from gateway.store import Signals, Store


def sealer_for(settings: Settings, *, clock: Clock) -> Sealer:
    """Open the key ring, and make it where the SQLite database is yet to be made.

    Raises:
        ConfigurationError: The ring is missing beside a database that may hold sealed values, is
            damaged, or is open to others.
    """
    database = settings.database_file()
    is_new = database is not None and _is_empty(database)
    return open_sealer(settings.keys_file(), clock=clock, create=is_new)


def _is_empty(database: Path) -> bool:
    try:
        return database.stat().st_size == 0
    except FileNotFoundError:
        return True


async def open_store_for(
    settings: Settings, *, clock: Clock, signals: Signals, pool_size: int | None = None
) -> Store:
    """Open the store that the settings name; SQLite is migrated on the way.

    Raises:
        SchemaOutdatedError: PostgreSQL needs `gateway db upgrade`.
        StoreUnavailableError: The database can't be reached.
        ConfigurationError: The key ring can't be used.
    """
    try:
        sealer = sealer_for(settings, clock=clock)
    except ConfigurationError:
        if await schema_state(settings.store.url) is SchemaState.EMPTY:
            raise SchemaOutdatedError(
                "the database is empty; `gateway db upgrade` makes its tables and its key ring"
            ) from None
        raise
    return await open_store(
        settings.store.url,
        sealer=sealer,
        clock=clock,
        signals=signals,
        migrate=True,
        pool_size=settings.store.pool_size if pool_size is None else pool_size,
        event_url=f"{settings.documents_public_url()}{EVENT_URL}",
    )


def egress_policy(settings: Settings) -> EgressPolicy:
    """Return what the settings allow endpoints to be."""
    delivery = settings.delivery
    return EgressPolicy(
        allow_http=delivery.allow_http,
        allow_private_cidrs=delivery.allow_private_cidrs,
        allowed_ports=delivery.allowed_ports,
    )


def make_sender(
    settings: Settings, resolver: Resolver, clock: Clock, *, connections: int
) -> Sender:
    """Return who makes attempts, and tests of endpoints: by the same guard, trust and way out.

    Raises:
        InvalidInputError: The file of authorities can't be used.
    """
    delivery = settings.delivery
    ca_file = delivery.ca_file
    return Sender(
        egress_policy(settings),
        resolver,
        clock,
        timeout_s=delivery.timeout_s,
        connections=connections,
        user_agent=f"spapi-event-gateway/{version('spapi-event-gateway')}",
        ssl_context=None if ca_file is None else trust_context(ca_file),
        ca_file=ca_file,
        proxy_url=delivery.proxy_url,
        transport=delivery.transport,
    )
