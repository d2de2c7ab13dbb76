"""The store: the only room that speaks SQL.

Accept, claim and settle are its verbs; each method is one transaction. The same plans run on SQLite
(`sqlite.py`) and on PostgreSQL (`postgres.py`).
"""

from gateway.store.driver import Sealer, Signals
from gateway.store.lock import ServiceLock, acquire_service_lock
from gateway.store.migrate import SchemaState, schema_state, upgrade
from gateway.store.store import Store, open_store

__all__ = [
    "SchemaState",
    "Sealer",
    "ServiceLock",
    "Signals",
    "Store",
    "acquire_service_lock",
    "open_store",
    "schema_state",
    "upgrade",
]
