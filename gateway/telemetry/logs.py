"""How log lines look: one JSON object a line on stderr, or coloured text for a person.

It decides the form of a line and passes each through the redactor. What is logged, and when, is
decided where it happens: one canonical line for each handling and each attempt. Lines of libraries
that use `logging` come out in the same form.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable, MutableMapping
from typing import Any, BinaryIO, Literal

import orjson
import structlog

from gateway.clock import Clock, SystemClock, rfc3339
from gateway.telemetry.redaction import hides_nothing, may_hold_shape, redact

LogFormat = Literal["json", "console"]
Level = Literal["debug", "info", "warning", "error"]

_Event = MutableMapping[str, Any]
_Processor = Callable[[Any, str, _Event], Any]

# Libraries say at INFO what our own canonical lines already say.
_LIBRARY_LEVEL = logging.WARNING


def configure(
    *,
    level: Level = "info",
    log_format: LogFormat = "json",
    stream: BinaryIO | None = None,
    clock: Clock | None = None,
) -> None:
    """Send every log line of the process to `stream` (stderr unless given), redacted.

    Args:
        level: The lowest level that is written.
        log_format: `json` for machines, `console` for a person.
        stream: Where the bytes go.
        clock: What the time stamp is taken from.
    """
    target = stream if stream is not None else sys.stderr.buffer
    lowest = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            _stamp(clock or SystemClock()),
            structlog.processors.format_exc_info,
            _json_line if log_format == "json" else _console_line(target),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(lowest),
        logger_factory=structlog.BytesLoggerFactory(target),
        cache_logger_on_first_use=True,
    )
    root = logging.getLogger()
    for handler in [held for held in root.handlers if isinstance(held, _Bridge)]:
        root.removeHandler(handler)
    root.addHandler(_Bridge())
    root.setLevel(max(lowest, _LIBRARY_LEVEL))


class _Bridge(logging.Handler):
    """Hands lines of the standard `logging` module to structlog."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            structlog.get_logger().log(
                record.levelno,
                record.getMessage(),
                logger=record.name,
                exc_info=record.exc_info,
            )
        except Exception:  # noqa: BLE001 as logging demands: a broken line must not break its caller
            self.handleError(record)


def _stamp(clock: Clock) -> _Processor:
    def stamp(_logger: Any, _method: str, event: _Event) -> _Event:
        event["at"] = rfc3339(clock.now_ms())
        return event

    return stamp


def _json_line(_logger: Any, _method: str, event: _Event) -> bytes:
    """Return the line; one that can hold no secret, as nearly all, is not looked through twice."""
    if hides_nothing(event):
        line = _dumped(event)
        if not may_hold_shape(line):
            return line
    return _dumped(redact(event))


def _dumped(event: _Event) -> bytes:
    line = {"at": event.get("at"), "level": event.get("level"), "event": event.get("event")}
    line.update(event)
    try:
        return orjson.dumps(line)
    except orjson.JSONEncodeError:  # a huge integer, or half of a surrogate pair
        return json.dumps(line, default=repr).encode("ascii")


def _console_line(stream: BinaryIO) -> _Processor:
    render = structlog.dev.ConsoleRenderer(colors=stream.isatty(), timestamp_key="at")

    def line(logger: Any, method: str, event: _Event) -> bytes:
        return str(render(logger, method, redact(event))).encode("utf-8", "replace")

    return line
