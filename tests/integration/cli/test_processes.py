"""The command as a process: quick help, one value on stdout, signals."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

COMMAND = [sys.executable, "-m", "gateway"]
ROOT = Path(__file__).parents[3]


def test_help_loads_little() -> None:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "gateway", "--help"],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
        timeout=60,
    )
    assert "endpoints" in done.stdout
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "gateway.cli.app" in loaded
    heavy = {"aiohttp", "aiobotocore", "sqlalchemy", "pydantic", "structlog", "rich", "orjson"}
    assert not loaded & heavy


def test_the_simulator_tells_where_it_is_and_stops_on_a_signal(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [*COMMAND, "simulate", "serve", "--port", "0", "--queue", "q", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT)},
    )
    try:
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        assert told["queue_urls"][0].endswith("/q")
        request = urllib.request.Request(f"{told['spapi']}/_simulator/calls")
        with urllib.request.urlopen(request, timeout=10) as answer:
            assert answer.status == 200
        process.send_signal(signal.SIGTERM)
        out, _ = process.communicate(timeout=20)
        assert out == ""
        assert process.returncode == 0
    finally:
        process.kill()
        process.communicate()


def test_a_reader_that_goes_away_is_no_traceback(tmp_path: Path) -> None:
    done = subprocess.run(
        f"{sys.executable} -m gateway config show --json | true",
        shell=True,
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
        timeout=60,
    )
    assert "Traceback" not in done.stderr
