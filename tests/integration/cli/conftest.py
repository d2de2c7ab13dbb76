"""A folder of its own for each command, and logs put back as they were."""

from __future__ import annotations

import json
import logging
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from gateway.cli.app import call
from tests.support.emulators import ministack_server, moto_server
from tests.support.logging import forget_log_configuration

LOCAL = {
    "SPGW_DELIVERY__ALLOW_HTTP": "true",
    "SPGW_DELIVERY__ALLOWED_PORTS": '["1-65535"]',
    "SPGW_DELIVERY__ALLOW_PRIVATE_CIDRS": '["127.0.0.0/8"]',
}


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    root = logging.getLogger()
    level, handlers = root.level, list(root.handlers)
    yield
    root.setLevel(level)
    for handler in set(root.handlers) - set(handlers):
        root.removeHandler(handler)
    forget_log_configuration()


class Gateway:
    """Calls commands with `--json` and reads what they print."""

    def __init__(self, capsys: pytest.CaptureFixture[str], environ: Mapping[str, str]) -> None:
        self._capsys = capsys
        self.environ = dict(environ)

    def __call__(self, *arguments: str) -> Any:
        """Return the JSON value on stdout of a command that succeeds."""
        code = call([*arguments, "--json"], environ=self.environ)
        captured = self._capsys.readouterr()
        assert code == 0, captured.err
        assert captured.out.count("\n") == 1
        return json.loads(captured.out)

    def fails(self, code: int, *arguments: str) -> Any:
        """Return the problem on stderr of a command that ends with `code`."""
        assert call([*arguments, "--json"], environ=self.environ) == code
        captured = self._capsys.readouterr()
        assert captured.out == ""
        return json.loads(captured.err)

    def checks(self, code: int, *arguments: str) -> Any:
        """Return the JSON value on stdout of a check that ends with `code`."""
        assert call([*arguments, "--json"], environ=self.environ) == code
        return json.loads(self._capsys.readouterr().out)

    def code(self, *arguments: str) -> int:
        """Return how a command ends that a person calls."""
        return call(arguments, environ=self.environ)

    def said(self, *arguments: str) -> str:
        """Return what a person would read of a command that succeeds."""
        assert call(arguments, environ=self.environ) == 0
        return self._capsys.readouterr().out


@pytest.fixture
def gateway(capsys: pytest.CaptureFixture[str]) -> Gateway:
    return Gateway(capsys, LOCAL)


# ── AWS, as two others wrote it ───────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    with moto_server() as url:
        yield url


@pytest.fixture(scope="module")
def ministack() -> Iterator[str]:
    with ministack_server() as url:
        yield url


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL_SQS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    # moto serves in this process, whose log a command sends to stderr.
    monkeypatch.setattr(logging.getLogger("werkzeug"), "level", logging.ERROR)


@pytest.fixture
def on_moto(moto: str, keys: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty account at moto."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", moto)
    reset = urllib.request.Request(f"{moto}/moto-api/reset", method="POST")
    urllib.request.urlopen(reset, timeout=30).close()


@pytest.fixture
def on_ministack(ministack: str, keys: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty account at ministack."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", ministack)
    reset = urllib.request.Request(f"{ministack}/_ministack/reset", method="POST")
    urllib.request.urlopen(reset, timeout=30).close()
