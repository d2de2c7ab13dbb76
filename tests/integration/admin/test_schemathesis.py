"""An independent judge: schemathesis calls every route as the OpenAPI document says it may be.

It finds an answer with a 5xx, a status, header, media type or body that the document does not name,
nonsense that is taken, and routes that can be used without a key. It runs as a process of its own
against another process, so that nothing but HTTP stands between them.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.admin.table import ROUTES

ROOT = Path(__file__).parents[3]
SCHEMATHESIS = Path(sys.executable).with_name("schemathesis")

# What the document can't say makes it take for accepted what is rightly refused: the address guard,
# names that the gateway reserves, and that the last key of an endpoint stays.
EXCLUDED = "positive_data_acceptance"


@pytest.fixture
def served() -> Iterator[dict[str, Any]]:
    with subprocess.Popen(
        [sys.executable, "-m", "tests.integration.admin.serve"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=ROOT,
    ) as process:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())
        process.communicate()


def run(served: dict[str, Any], folder: Path, *arguments: str) -> str:
    """Let it judge, and return what it says where it finds nothing wrong."""
    lines = ["[parameters]", *_parameters(served["kept"])]
    for route in ROUTES:
        if route.method == "DELETE":
            lines += ["[[operations]]", f'include-operation-id = "{route.name}"']
            lines += ["[operations.parameters]", *_parameters(served["doomed"])]
    config = folder / "schemathesis.toml"
    config.write_text("\n".join(lines) + "\n")
    done = subprocess.run(
        [
            str(SCHEMATHESIS), "--config-file", str(config), "--no-color", "run",
            f"{served['base']}/v1/openapi.json", "--header",
            f"Authorization: {served['authorization']}", "--exclude-checks", EXCLUDED,
            # Longer than a pull may wait for events.
            "--request-timeout", "60", *arguments,
        ],
        capture_output=True,
        text=True,
        cwd=folder,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-12_000:] + done.stderr[-4_000:]
    return done.stdout


def _parameters(ids: dict[str, str]) -> list[str]:
    return [f'"path.{name}" = "{value}"' for name, value in ids.items()]


@pytest.mark.timeout(600)
def test_no_fault_of_the_servers_and_no_breach_of_the_document(
    served: dict[str, Any], tmp_path: Path
) -> None:
    said = run(served, tmp_path, "--phases", "coverage", "--seed", "1")
    # All but the document itself, which it reads first.
    assert f"Tested: {len(ROUTES) - 1}" in said


@pytest.mark.soak
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("seed", range(3))
def test_the_same_for_long_and_through_chains_of_calls(
    served: dict[str, Any], tmp_path: Path, seed: int
) -> None:
    run(served, tmp_path, "--phases", "coverage,fuzzing,stateful", "--max-examples", "100",
        "--max-time", "480", "--seed", str(seed))  # fmt: skip
