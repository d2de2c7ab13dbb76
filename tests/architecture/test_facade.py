"""What handler authors import is stated once, whole, and importable."""

import ast
import importlib
from pathlib import Path

import gateway

ROOT = Path(__file__).parents[2]


def test_all_names_exist_and_are_sorted() -> None:
    assert list(gateway.__all__) == sorted(gateway.__all__)
    assert all(hasattr(gateway, name) for name in gateway.__all__)


def test_the_names_promised_to_handler_authors_are_there() -> None:
    promised = {"Context", "Event", "Later", "Notification", "Reject", "Retry", "Router", "Skip"}
    assert promised <= set(gateway.__all__)


def test_nothing_public_is_left_out_of_all() -> None:
    public = {
        name
        for name, value in vars(gateway).items()
        if not name.startswith("_") and getattr(value, "__module__", "").startswith("gateway.")
    }
    assert public <= set(gateway.__all__)


def test_public_names_are_documented() -> None:
    undocumented = [
        name
        for name in gateway.__all__
        if callable(getattr(gateway, name)) and not getattr(gateway, name).__doc__
    ]
    assert not undocumented


def test_bundled_handlers_name_nothing_of_the_engine_but_the_facade() -> None:
    for path in sorted((ROOT / "handlers").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.ImportFrom) or node.module is None:
                continue
            if node.module == "gateway":
                names = {alias.name for alias in node.names}
                assert names <= set(gateway.__all__), f"{path.name}: {names}"
            elif node.module.startswith("gateway."):
                assert node.module.startswith("gateway.notifications"), path.name
                importlib.import_module(node.module)
