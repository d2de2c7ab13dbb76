"""Logs as they were before a test configured them."""

from __future__ import annotations

import sys

import structlog


def forget_log_configuration() -> None:
    """Undo `gateway.telemetry.logs.configure`, for loggers too that were used under it.

    A logger keeps the configuration that it was used with first; the next test's would be lost on it.
    """
    structlog.reset_defaults()
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] in {"gateway", "handlers"}:
            logger = getattr(module, "_log", None)
            if logger is not None:
                vars(logger).pop("bind", None)
