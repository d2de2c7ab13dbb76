"""Runs migrations on the connection that `gateway.store.migrate` hands over, or writes them as SQL.

PostgreSQL's migrations are always written as SQL and run by the caller, because its driver is
asynchronous; so no migration may look at the data from Python.
"""

from __future__ import annotations

from alembic import context

from gateway.store.schema import metadata

if context.is_offline_mode():
    context.configure(
        dialect_name="postgresql", target_metadata=metadata, transactional_ddl=False, as_sql=True
    )
else:
    context.configure(
        connection=context.config.attributes["connection"],
        target_metadata=metadata,
        transactional_ddl=True,
        render_as_batch=True,
    )
context.run_migrations()
