"""What commands that need the database share: settings, logs on stderr, and an open store."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from gateway.cli.invocation import Invocation
from gateway.service.opening import open_store_for
from gateway.service.signals import Signals
from gateway.settings import Settings, load
from gateway.store import Store
from gateway.telemetry import logs

T = TypeVar("T")


def settings_of(invocation: Invocation) -> Settings:
    """Load the settings and send log lines to stderr.

    Raises:
        ConfigurationError: With every fault found.
    """
    settings = load(invocation.config_file(), invocation.environ).settings
    logs.configure(
        level=settings.logging.level, log_format=settings.logging.format, clock=invocation.clock
    )
    return settings


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run a command's work to its end."""
    return asyncio.run(work)


@asynccontextmanager
async def opened_store(invocation: Invocation, settings: Settings) -> AsyncIterator[Store]:
    """Open the store for one command; a SQLite file is made, or brought up to date, first.

    Nobody in this process waits for signals: a running gateway sees changes by itself.

    Raises:
        ConfigurationError: The key ring can't be used.
        SchemaOutdatedError: A PostgreSQL database waits for `gateway db upgrade`.
        StoreUnavailableError: The database can't be reached.
    """
    async with await open_store_for(
        settings, clock=invocation.clock, signals=Signals(), pool_size=1
    ) as store:
        yield store
