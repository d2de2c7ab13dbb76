"""The form of log lines."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from gateway.telemetry.logs import configure


class FixedClock:
    def now_ms(self) -> int:
        return 1_767_225_600_123

    def monotonic_s(self) -> float:
        return 0.0

    async def sleep(self, delay_s: float) -> None:
        raise NotImplementedError


@pytest.fixture
def stream() -> Iterator[io.BytesIO]:
    root = logging.getLogger()
    level, handlers = root.level, list(root.handlers)
    yield io.BytesIO()
    root.setLevel(level)
    for handler in set(root.handlers) - set(handlers):
        root.removeHandler(handler)


def lines(stream: io.BytesIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_json_line(stream: io.BytesIO) -> None:
    configure(stream=stream, clock=FixedClock())
    structlog.get_logger().info("handling", handler="order_change", refresh_token="x", tries=2)
    assert lines(stream) == [
        {
            "at": "2026-01-01T00:00:00.123Z",
            "level": "info",
            "event": "handling",
            "handler": "order_change",
            "refresh_token": "********",
            "tries": 2,
        }
    ]
    assert stream.getvalue().startswith(b'{"at":"2026-01-01T00:00:00.123Z","level":"info","event":')


def test_lower_levels_are_left_out(stream: io.BytesIO) -> None:
    configure(level="warning", stream=stream)
    structlog.get_logger().info("hidden")
    structlog.get_logger().warning("seen")
    assert [line["event"] for line in lines(stream)] == ["seen"]


def test_tracebacks_are_redacted(stream: io.BytesIO) -> None:
    configure(stream=stream)
    try:
        raise ValueError("refused Atzr|abcdefgh")
    except ValueError:
        structlog.get_logger().exception("failed")
    (line,) = lines(stream)
    assert "ValueError: refused Atzr|********" in str(line["exception"])


def test_lines_of_libraries_take_the_same_form(stream: io.BytesIO) -> None:
    configure(level="debug", stream=stream)
    configure(level="debug", stream=stream)  # twice must not double the lines
    logging.getLogger("aiohttp.client").warning("secret is %s", "whsec_abcdefgh")
    logging.getLogger("aiohttp.client").info("too much")
    (line,) = lines(stream)
    assert line["event"] == "secret is whsec_********"
    assert (line["logger"], line["level"]) == ("aiohttp.client", "warning")


@pytest.mark.parametrize("value", [2**80, "\ud800", {1: {2: 3}}, float("nan"), {3}, object()])
def test_no_value_can_break_a_line(stream: io.BytesIO, value: object) -> None:
    configure(stream=stream)
    structlog.get_logger().info("odd", value=value)
    assert lines(stream)[0]["event"] == "odd"


def test_console_lines(stream: io.BytesIO) -> None:
    configure(log_format="console", stream=stream, clock=FixedClock())
    structlog.get_logger().info("handling", handler="x", client_secret="y")
    text = stream.getvalue().decode()
    assert "handling" in text
    assert "handler=x" in text
    assert "client_secret=********" in text
