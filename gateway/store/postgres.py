"""The PostgreSQL driver: plans on a pool of asyncpg connections.

Each write is one READ COMMITTED transaction. A deadlock is no fault of the caller's: the plan runs
again. Signals also go to the other processes, by NOTIFY inside the transaction; one connection
listens, and losing it costs nothing but time until it is back, as everybody polls as well.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any, Final, TypeVar

import asyncpg
from sqlalchemy import Executable
from sqlalchemy.dialects.postgresql import asyncpg as dialects

from gateway.errors import ConflictError, StoreUnavailableError
from gateway.store.driver import Signals
from gateway.store.statements import Cold, Each, Many, One, Plan, Rows, Signal, Step

T = TypeVar("T")

_CHANNEL: Final = "gateway_store"
_COMMAND_TIMEOUT_S: Final = 60.0
_CONNECT_TIMEOUT_S: Final = 10.0
_LOCK_WAIT_S: Final = 10
_TRIES: Final = 5
_VACUUM_TIMEOUT_S: Final = 3_600.0
_SCRUBBED: Final = (
    "notifications",
    "handlings",
    "events",
    "deliveries",
    "attempts",
    "quarantine",
    "documents",
    "memories",
    "operations",
)
_RECONNECT_MIN_S: Final = 0.5
_RECONNECT_MAX_S: Final = 30.0
# Every hot statement has an index. A plan made, and kept, while a table was still small would walk
# over all of it once it has grown, until the next ANALYZE: for a minute, just when many rows come.
SETTINGS: Final = {
    "application_name": "spapi-event-gateway",
    "jit": "off",
    "enable_seqscan": "off",
}
_DIALECT: Final = dialects.dialect()  # type: ignore[no-untyped-call]
_DONT_WAIT: Final = "SET LOCAL synchronous_commit = off"
_NOTIFY: Final = "SELECT pg_notify($1, $2 || topic) FROM unnest($3::text[]) AS topics(topic)"

_UNAVAILABLE: Final = (
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.PostgresSystemError,
    asyncpg.ObjectNotInPrerequisiteStateError,
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.TransactionRollbackError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.InterfaceError,
    # A connection that the server closed just now may say so by confusion about its state.
    asyncpg.InternalClientError,
    OSError,
    TimeoutError,
)


class PostgresDriver:
    """Runs plans on one PostgreSQL database.

    Open it with `PostgresDriver.open`; `close` finishes what is under way.
    """

    def __init__(self, pool: asyncpg.Pool[Any], dsn: str, signals: Signals) -> None:
        self._pool = pool
        self._signals = signals
        # Told apart by this, our own notifications are not signalled twice.
        self._origin = f"{secrets.token_hex(8)}:"
        self._listener = asyncio.create_task(_listen(dsn, self._heard), name="store-listener")

    @classmethod
    async def open(cls, dsn: str, signals: Signals, *, pool_size: int) -> PostgresDriver:
        """Return a driver with a pool of at most `pool_size` connections, one more for signals.

        Raises:
            StoreUnavailableError: The server can't be reached, or lets us not in.
        """
        async with _translating():
            pool = await asyncpg.create_pool(
                dsn,
                min_size=1,
                max_size=pool_size,
                command_timeout=_COMMAND_TIMEOUT_S,
                timeout=_CONNECT_TIMEOUT_S,
                server_settings=SETTINGS,
                reset=_as_it_is,
            )
        return cls(pool, dsn, signals)

    async def write(
        self, plan: Callable[[], Plan[T]], *, brief: bool = False, durable: bool = True
    ) -> T:
        """See `Driver`."""
        del brief  # every plan runs in the loop's thread here, and waits in the server
        async with _translating():
            for last in (*[False] * (_TRIES - 1), True):
                try:
                    result, topics = await self._transaction(plan, durable=durable)
                except (asyncpg.DeadlockDetectedError, asyncpg.SerializationError):
                    if last:
                        raise
                else:
                    for topic in topics:
                        self._signals.notify(topic)
                    return result
        raise AssertionError("the last try returns or raises")

    async def read(self, plan: Callable[[], Plan[T]]) -> T:
        """See `Driver`."""
        async with (
            _translating(),
            self._pool.acquire() as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            return await _run(connection, plan(), set())

    async def scrub(self, *, rewrite: bool) -> None:
        """See `Scrubber`: dead rows are vacuumed; nothing is rewritten, as that locks tables."""
        del rewrite
        async with _translating(), self._pool.acquire() as connection:
            for table in _SCRUBBED:
                await connection.execute(f"VACUUM {table}", timeout=_VACUUM_TIMEOUT_S)

    async def close(self) -> None:
        """See `Driver`."""
        self._listener.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._listener
        async with _translating():
            await self._pool.close()

    async def _transaction(
        self, plan: Callable[[], Plan[T]], *, durable: bool
    ) -> tuple[T, set[str]]:
        topics: set[str] = set()
        async with self._pool.acquire() as connection, connection.transaction():
            if not durable:
                await connection.execute(_DONT_WAIT)
            result = await _run(connection, plan(), topics)
            if topics:
                await connection.fetch(_NOTIFY, _CHANNEL, self._origin, sorted(topics))
        return result, topics

    def _heard(self, payload: str) -> None:
        if not payload.startswith(self._origin):
            self._signals.notify(payload.rpartition(":")[2])


async def _as_it_is(connection: Any) -> None:
    """Hand a connection back to the pool: a transaction leaves nothing behind in it.

    No plan sets, locks or listens for longer than its transaction, so what asyncpg sends by itself
    to undo such things would be a round trip for nothing.
    """


async def fetch_revisions(dsn: str) -> tuple[str | None, str | None]:
    """Return the revision of the database's schema, and its floor; None where there is none.

    Raises:
        StoreUnavailableError: The server can't be reached, or lets us not in.
    """
    async with connection_to(dsn) as connection:
        return await revisions_on(connection)


async def revisions_on(connection: Any) -> tuple[str | None, str | None]:
    """Return the same on a connection that is open."""
    revision = await _only(connection, "alembic_version", "version_num")
    return revision, await _only(connection, "schema_floor", "revision")


async def run_script(dsn: str, *, lock: int, script: Callable[[str | None], str]) -> None:
    """Run the SQL that `script` makes for the schema's revision, alone and in one transaction.

    Raises:
        StoreUnavailableError: The server can't be reached, or a table is in use for too long;
            nothing was changed.
    """
    async with connection_to(dsn) as connection, connection.transaction():
        await connection.fetch("SELECT pg_advisory_xact_lock($1)", lock)
        sql = script(await _only(connection, "alembic_version", "version_num"))
        if sql:
            # Whoever wants a table after us waits behind us for as long as we wait for it.
            await connection.execute(f"SET LOCAL lock_timeout = '{_LOCK_WAIT_S}s'")
            await connection.execute(sql)


async def _only(connection: Any, table: str, column: str) -> str | None:
    """Return what stands in a table of one row; None where there is no such table."""
    if await connection.fetchval("SELECT to_regclass($1::text)", table) is None:
        return None
    found: str | None = await connection.fetchval(f"SELECT {column} FROM {table}")  # noqa: S608 ours
    return found


@contextlib.asynccontextmanager
async def connection_to(dsn: str) -> AsyncIterator[Any]:
    """Open one connection, for as long as it lasts.

    Raises:
        StoreUnavailableError: The server can't be reached, or lets us not in.
    """
    async with _translating():
        connection = await asyncpg.connect(
            dsn, timeout=_CONNECT_TIMEOUT_S, server_settings=SETTINGS
        )
        try:
            yield connection
        finally:
            await connection.close()


async def _run(connection: Any, plan: Plan[T], topics: set[str]) -> T:
    rows: Rows = ()
    try:
        step = next(plan)
        while True:
            if isinstance(step.statement, Signal):
                topics.add(step.statement.topic)
                rows = ()
            else:
                rows = await _execute(connection, step)
            step = plan.send(rows)
    except StopIteration as end:
        result: T = end.value
        return result
    finally:
        plan.close()


async def _execute(connection: Any, step: Step) -> Rows:
    sql, params = _sql(step)
    if sql is None:
        return ()
    rows: Rows = await connection.fetch(sql, *params)
    return rows


def _sql(step: Step) -> tuple[str | None, Sequence[Any]]:
    match step.statement:
        case Many(postgres=sql) | Each(postgres=sql):
            return sql, [list(column) for column in zip(*step.params, strict=True)]
        case One(postgres=text):
            return text, step.params
        case Cold(executable=executable):
            return _compiled(executable)
        case Signal():
            return None, ()


def _compiled(executable: Executable) -> tuple[str, Sequence[Any]]:
    compiled = executable.compile(  # type: ignore[attr-defined]
        dialect=_DIALECT, compile_kwargs={"render_postcompile": True}
    )
    params = compiled.construct_params()
    return str(compiled), [params[name] for name in compiled.positiontup or ()]


async def _listen(dsn: str, heard: Callable[[str], None]) -> None:
    delay_s = _RECONNECT_MIN_S
    while True:
        try:
            async with connection_to(dsn) as connection:
                lost = asyncio.Event()
                connection.add_termination_listener(lambda _, lost=lost: lost.set())
                await connection.add_listener(_CHANNEL, lambda *args: heard(args[3]))
                delay_s = _RECONNECT_MIN_S
                await lost.wait()
        except StoreUnavailableError:
            # The pool's users meet the same trouble and report it; here it only costs wake-ups.
            pass
        await asyncio.sleep(delay_s)
        delay_s = min(delay_s * 2, _RECONNECT_MAX_S)


@contextlib.asynccontextmanager
async def _translating() -> AsyncIterator[None]:
    try:
        yield
    except asyncpg.IntegrityConstraintViolationError as exc:
        raise ConflictError(f"PostgreSQL: {exc}") from exc
    except _UNAVAILABLE as exc:
        raise StoreUnavailableError(f"PostgreSQL: {exc or type(exc).__name__}") from exc
