"""Fixtures that several folders share; the servers behind them start when first asked for."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import structlog

from tests.support.logging import forget_log_configuration

pytest_plugins = ["tests.support.postgres"]


@pytest.fixture(autouse=True)
def _logs_of_its_own() -> Iterator[None]:
    """A test that configures the logs must not leave loggers that write to where it did."""
    yield
    if structlog.is_configured():
        forget_log_configuration()
