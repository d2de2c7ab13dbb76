"""The import contracts hold, and each of them notices when it is broken.

A contract that is never seen to fail may be one that can't. So a tree of empty modules with the
project's own names is laid out, one forbidden import is planted in it at a time, and the contract
in charge, no other, must report that very import.
"""

import re
import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("gateway", "handlers")

LAYERS = "Layers of the engine"
CYCLES = "No cycles between siblings"
NO_HANDLERS = "The engine never imports handlers"
NO_ROOT = "Engine modules never import their own package root (the façade)"
KERNEL = "The kernel is standard library only"
SQL = "Only the store speaks SQL"
SETTINGS = "Settings are read only by the composition root and the CLI"
HANDLERS = "Handlers use only the public façade"


@dataclass(frozen=True, slots=True)
class Plant:
    """A forbidden import.

    Attributes:
        importer: Module that gets the import.
        imported: Module it names; the report must hold "importer -> imported".
        broken: The contract that must break; all others must hold.
    """

    importer: str
    imported: str
    broken: str


PLANTS = (
    # upwards, once for each step of the layers that a hurried author may skip
    Plant("gateway.service.a", "gateway.cli.a", LAYERS),
    Plant("gateway.simulator.a", "gateway.service.a", LAYERS),
    Plant("gateway.ingest.a", "gateway.simulator.a", LAYERS),
    Plant("gateway.handling.a", "gateway.dispatch.a", LAYERS),
    Plant("gateway.spapi.a", "gateway.handling.a", LAYERS),
    Plant("gateway.worker.a", "gateway.store.a", LAYERS),
    Plant("gateway.telemetry.a", "gateway.sealing.a", LAYERS),
    Plant("gateway.retry.a", "gateway.telemetry.a", LAYERS),
    Plant("gateway.model.a", "gateway.envelope.a", LAYERS),
    Plant("gateway.errors.a", "gateway.model.a", LAYERS),
    # sideways, between strangers
    Plant("gateway.ingest.a", "gateway.dispatch.a", LAYERS),
    Plant("gateway.dispatch.a", "gateway.delivery.a", LAYERS),
    Plant("gateway.spapi.a", "gateway.store.a", LAYERS),
    Plant("gateway.store.a", "gateway.aws.a", LAYERS),
    Plant("gateway.simulator.a", "gateway.admin.a", LAYERS),
    # the two packages, and the door between them
    Plant("gateway.dispatch.a", "handlers.a", NO_HANDLERS),
    Plant("gateway.cli.a", "handlers", NO_HANDLERS),
    Plant("gateway.dispatch.a", "gateway", NO_ROOT),
    Plant("gateway.testing.a", "gateway", NO_ROOT),
    Plant("handlers.a", "gateway.store.a", HANDLERS),
    Plant("handlers.a", "gateway.spapi.a", HANDLERS),
    Plant("handlers.a", "gateway.model.a", HANDLERS),
    # what a module may bring in from outside
    Plant("gateway.model.a", "pydantic", KERNEL),
    Plant("gateway.retry.a", "structlog", KERNEL),
    Plant("gateway.access.a", "pydantic", KERNEL),
    Plant("gateway.fanout.a", "orjson", KERNEL),
    Plant("gateway.delivery.a", "sqlalchemy", SQL),
    Plant("gateway.dispatch.a", "sqlite3", SQL),
    Plant("gateway.cli.a", "asyncpg", SQL),
    Plant("gateway.delivery.a", "gateway.settings.a", SETTINGS),
    Plant("gateway.admin.a", "gateway.settings.a", SETTINGS),
)


def contracts() -> list[dict[str, object]]:
    """The contracts as the project's own pyproject.toml states them."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        return tomllib.load(file)["tool"]["importlinter"]["contracts"]


def lint(folder: Path) -> tuple[int, dict[str, bool], str]:
    """Exit status, contract name → kept, and the report of import-linter run in `folder`."""
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-logo", "--no-cache"],
        cwd=folder,
        env={"COLUMNS": "400", "NO_COLOR": "1", "PATH": ""},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    verdicts = re.findall(r"^(.+) (KEPT|BROKEN)$", done.stdout, re.MULTILINE)
    return (
        done.returncode,
        {name: word == "KEPT" for name, word in verdicts},
        done.stdout + done.stderr,
    )


def add_import(tree: Path, importer: str, imported: str) -> None:
    path = tree.joinpath(*importer.split("."))
    file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    assert file.exists(), f"{importer} is no module of the tree"
    with file.open("a") as out:
        out.write(f"import {imported}\n")


@pytest.fixture(scope="module")
def stubs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tree of empty modules: each room of the layers a package of two modules, `a` and `b`."""
    tree = tmp_path_factory.mktemp("stubs")
    shutil.copy(ROOT / "pyproject.toml", tree)
    layers = next(each for each in contracts() if each["type"] == "layers")["layers"]
    rooms = re.findall(r"\w+", " ".join(layers))
    for folder in ("gateway", "handlers", *(f"gateway/{room}" for room in rooms)):
        (tree / folder).mkdir()
        for module in ("__init__", "a", "b"):
            (tree / folder / f"{module}.py").touch()
    for module in ("a", "b"):  # every module of the engine's root is a room
        (tree / "gateway" / f"{module}.py").unlink()
    return tree


@pytest.fixture
def tree(stubs: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(stubs, tmp_path / "tree"))


def test_the_project_keeps_its_contracts() -> None:
    status, kept, report = lint(ROOT)
    assert status == 0, report
    assert list(kept) == [each["name"] for each in contracts()]


def test_a_tree_without_a_forbidden_import_keeps_all_contracts(tree: Path) -> None:
    add_import(tree, "gateway.cli.a", "gateway.service.a")
    add_import(tree, "gateway.service.a", "gateway.settings.a")
    add_import(tree, "gateway.dispatch.a", "gateway.store.a")
    add_import(tree, "gateway.store.a", "sqlalchemy")
    add_import(tree, "gateway.store.b", "gateway.store.a")
    add_import(tree, "handlers.a", "gateway")
    status, kept, report = lint(tree)
    assert status == 0, report
    assert all(kept.values())


@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: f"{plant.importer}->{plant.imported}")
def test_a_planted_import_breaks_its_contract(plant: Plant, tree: Path) -> None:
    add_import(tree, plant.importer, plant.imported)
    status, kept, report = lint(tree)
    assert status == 1, report
    assert [name for name, held in kept.items() if not held] == [plant.broken], report
    assert re.search(rf"{re.escape(plant.importer)}\b.*{re.escape(plant.imported)}\b", report)


@pytest.mark.parametrize("room", ["store", "delivery", "cli"])
def test_a_circle_inside_a_room_breaks_its_contract(room: str, tree: Path) -> None:
    add_import(tree, f"gateway.{room}.a", f"gateway.{room}.b")
    add_import(tree, f"gateway.{room}.b", f"gateway.{room}.a")
    status, kept, report = lint(tree)
    assert status == 1, report
    assert [name for name, held in kept.items() if not held] == [CYCLES], report
    assert f"gateway.{room}" in report.partition("Broken contracts")[2]


def test_a_new_room_must_take_its_place_in_the_layers(tree: Path) -> None:
    (tree / "gateway" / "attic.py").touch()
    status, _, report = lint(tree)
    assert status == 1
    assert "attic" in report


def test_every_contract_has_a_plant() -> None:
    planted = {plant.broken for plant in PLANTS} | {CYCLES}
    assert planted == {each["name"] for each in contracts()}
