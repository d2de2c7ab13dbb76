"""Fixtures that several folders share; the servers behind them start when first asked for."""

from __future__ import annotations

pytest_plugins = ["tests.support.postgres"]
