"""`gateway handlers new`: what it writes loads, passes its own test, and is typed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.cli.conftest import Gateway

ROOT = Path(__file__).parents[3]


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )


@pytest.mark.parametrize("type_", ["ORDER_CHANGE", "LISTINGS_ITEM_STATUS_CHANGE"])
def test_what_is_written_loads_and_its_test_passes(
    gateway: Gateway, tmp_path: Path, type_: str
) -> None:
    written = gateway("handlers", "new", "acme_seen", "--type", type_)
    assert written == {"module": "acme_seen.py", "test": "test_acme_seen.py"}
    (tmp_path / "gateway.toml").write_text('[handlers]\nmodules = ["acme_seen"]\n')
    checked = run(tmp_path, "gateway", "handlers", "list", "--json")
    assert '"acme_seen"' in checked.stdout, checked.stderr
    tested = run(tmp_path, "pytest", "-q", "-p", "no:cacheprovider", "test_acme_seen.py")
    assert tested.returncode == 0, tested.stdout


def test_what_is_written_is_typed(gateway: Gateway, tmp_path: Path) -> None:
    gateway("handlers", "new", "acme_seen")
    done = run(
        tmp_path, "mypy", "--strict", "--cache-dir", os.devnull, "acme_seen.py", "test_acme_seen.py"
    )
    assert done.returncode == 0, done.stdout


def test_nothing_is_overwritten(gateway: Gateway, tmp_path: Path) -> None:
    (tmp_path / "test_acme_seen.py").write_text("mine")
    assert "exists" in gateway.fails(3, "handlers", "new", "acme_seen")["detail"]
    assert not (tmp_path / "acme_seen.py").exists()
    assert (tmp_path / "test_acme_seen.py").read_text() == "mine"


@pytest.mark.parametrize(
    "arguments", [("../evil",), ("Acme",), ("acme_seen", "--type", "NO_SUCH_TYPE")]
)
def test_names_and_types_are_checked(
    gateway: Gateway, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    gateway.fails(2, "handlers", "new", *arguments)
    assert list(tmp_path.iterdir()) == []
