"""An open API for each test."""

from __future__ import annotations

import asyncio
import io
import logging
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from gateway.access import Scope
from gateway.store import upgrade
from gateway.telemetry import logs
from tests.integration.admin.world import AdminWorld, Caller, open_world
from tests.support.logging import forget_log_configuration


@pytest.fixture
def lines() -> Iterator[io.BytesIO]:
    """What the gateway logs."""
    stream = io.BytesIO()
    root = logging.getLogger()
    level, handlers = root.level, list(root.handlers)
    logs.configure(stream=stream)
    yield stream
    root.setLevel(level)
    for handler in set(root.handlers) - set(handlers):
        root.removeHandler(handler)
    forget_log_configuration()


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated file: copying it is quicker than migrating."""
    path = tmp_path_factory.mktemp("template") / "gateway.db"
    asyncio.run(upgrade(f"sqlite:///{path}"))
    return path


@pytest.fixture
async def world(tmp_path: Path, template: Path) -> AsyncIterator[AdminWorld]:
    shutil.copy(template, tmp_path / "gateway.db")
    async with open_world(tmp_path) as opened:
        yield opened


@pytest.fixture
async def admin(world: AdminWorld) -> Caller:
    return await world.caller(Scope.ADMIN)
