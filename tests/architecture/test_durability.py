"""What a loss of power may undo stands here, one by one; all else that is committed is kept."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import gateway.store

MAY_BE_UNDONE = {
    # A claim that is gone lets its rows be claimed again; whoever held it is fenced off.
    "handlings.py: claim",
    "deliveries.py: claim",
    # Leases end by themselves.
    "handlings.py: extend",
    "deliveries.py: extend",
    "handlings.py: release",
    "deliveries.py: release",
    # Amazon counts too, and says no.
    "buckets.py: take",
}


def test_only_what_may_be_undone_does_without_the_disk() -> None:
    folder = Path(gateway.store.__path__[0])
    found = {f"{file.name}: {name}" for file in folder.rglob("*.py") for name in _not_durable(file)}
    assert found == MAY_BE_UNDONE


def _not_durable(file: Path) -> Iterator[str]:
    for function in ast.walk(ast.parse(file.read_text())):
        if not isinstance(function, ast.AsyncFunctionDef | ast.FunctionDef):
            continue
        for call in ast.walk(function):
            if isinstance(call, ast.Call) and any(
                word.arg == "durable" and isinstance(word.value, ast.Constant)
                for word in call.keywords
            ):
                yield function.name
