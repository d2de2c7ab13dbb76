"""Every module can be the first one imported, and the light commands stay light."""

import json
import pkgutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]

# Alembic loads these itself, inside a running migration; they are no modules to import.
MIGRATIONS = "gateway.store.migrations"

# Forks before each import, so that every module meets an interpreter in which none of the project
# is loaded yet, without paying for a new interpreter and for the libraries again.
DRIVER = """
import contextlib, importlib, json, os, sys, traceback
for library in (
    "aiobotocore.session", "aiohttp.web", "alembic.command", "asyncpg", "boto3", "orjson",
    "prometheus_client", "pydantic", "rich.live", "rich.table", "sqlalchemy.dialects.postgresql",
    "standardwebhooks", "structlog", "typer.testing", "uvloop",
):
    importlib.import_module(library)
failed = {}
for name in json.load(sys.stdin):
    read, write = os.pipe()
    if os.fork() == 0:
        with os.fdopen(write, "w") as out:
            try:
                importlib.import_module(name)
            except BaseException:
                out.write(traceback.format_exc())
        os._exit(0)
    os.close(write)
    with os.fdopen(read) as answer:
        if fault := answer.read():
            failed[name] = fault
    os.wait()
json.dump(failed, sys.stdout)
"""


def modules() -> list[str]:
    found = [
        module.name
        for package in ("gateway", "handlers")
        for module in pkgutil.walk_packages([str(ROOT / package)], prefix=f"{package}.")
        if not module.name.startswith(f"{MIGRATIONS}.") and not module.name.endswith("__main__")
    ]
    return ["gateway", "handlers", *found]


def python(code: str, stdin: str = "") -> str:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        input=stdin,
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def loaded_by(code: str) -> set[str]:
    """Top-level and project modules in memory after `code` has run in a fresh interpreter."""
    return set(
        json.loads(python(f"{code}\nimport json, sys\nprint(json.dumps(list(sys.modules)))"))
    )


def test_each_module_can_be_imported_first() -> None:
    names = modules()
    assert len(names) > 20
    failed = json.loads(python(DRIVER, json.dumps(names)))
    assert not failed, "\n".join(failed.values())


def test_the_driver_notices_a_module_that_can_not_be_imported() -> None:
    failed = json.loads(python(DRIVER, json.dumps(["gateway.errors", "gateway.no_such_module"])))
    assert list(failed) == ["gateway.no_such_module"]


def test_importing_the_facade_brings_in_no_stage_and_no_database() -> None:
    loaded = loaded_by("import gateway")
    heavy = {"aiobotocore", "aiohttp", "alembic", "asyncpg", "boto3", "sqlalchemy", "uvloop"}
    rooms = {f"gateway.{room}" for room in ("store", "aws", "service", "cli", "settings", "ingest")}
    assert not loaded & (heavy | rooms)


def test_help_is_shown_without_loading_what_only_a_running_gateway_needs() -> None:
    code = """
import contextlib, os, sys
sys.argv = ["gateway", "--help"]
with open(os.devnull, "w") as null, contextlib.redirect_stdout(null):
    try:
        from gateway.cli import main
        main()
    except SystemExit as stopped:
        assert not stopped.code, stopped.code
"""
    loaded = loaded_by(code)
    assert "gateway.cli" in loaded
    heavy = {"aiobotocore", "aiohttp", "alembic", "asyncpg", "boto3", "sqlalchemy"}
    assert not loaded & heavy
