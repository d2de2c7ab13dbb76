"""`gateway db backup`: one moment of the database in a file, while gateways go on running."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import typer

from gateway.cli.context import run, settings_of
from gateway.cli.invocation import Invocation, invocation_of
from gateway.cli.output import Output
from gateway.clock import rfc3339
from gateway.errors import ConfigurationError
from gateway.sealing import load_ring
from gateway.settings import Settings
from gateway.store.backups.file import BackupFile, Snapshot
from gateway.store.backups.sqlite import copy

BackupPath = Annotated[
    Path,
    typer.Argument(metavar="FILE", help="Where to; never one that exists.", dir_okay=False),
]


def backup(ctx: typer.Context, file: BackupPath) -> None:
    """Write the database as it is now into FILE, checked, beside a manifest of what is in it.

    Gateways may go on running. SQLite is copied page by page; PostgreSQL is dumped by pg_dump. The
    key ring is no part of it: without it no secret in the backup can be opened, and together with
    it anybody can read them all, so keep it elsewhere.
    """
    invocation = invocation_of(ctx)
    settings = settings_of(invocation)
    output = Output(invocation)
    with BackupFile(file) as target:
        taken_at = rfc3339(invocation.clock.now_ms())
        with output.progress("Backing up") as tell:
            snapshot = _taken(invocation, settings, target, tell)
        facts = {
            "taken_at": taken_at,
            "release": version("spapi-event-gateway"),
            "key_ids": _key_ids(settings),
        }
        manifest = target.finish(snapshot, facts, invocation.clock.now_ms())
    _print(output, file, settings.keys_file(), manifest)


def _taken(
    invocation: Invocation, settings: Settings, target: BackupFile, tell: Callable[[str], None]
) -> Snapshot:
    source = settings.database_file()
    if source is not None:
        return copy(source, target, tell)
    from gateway.store.backups.postgres import Programs, dump  # noqa: PLC0415 asyncpg only here

    programs = Programs.find(invocation.environ, settings.store.url, target.path)
    return run(dump(settings.store.url, target, programs, tell))


def _key_ids(settings: Settings) -> list[str] | None:
    """Return the ids of the keys that open what is sealed; None where the ring can't be read."""
    try:
        return [key.id for key in load_ring(settings.keys_file()).keys]
    except ConfigurationError:
        return None


def _print(output: Output, file: Path, keys: Path, manifest: Mapping[str, Any]) -> None:
    if manifest["key_ids"] is None:
        output.note(f"{keys} can't be read: is there another copy of the key ring?")
    held = f"{sum(manifest['rows'].values())} rows, {manifest['bytes']} bytes"
    output.value(
        {**manifest, "file": str(file), "keys_file": str(keys)},
        text=(
            f"Wrote {file}: what was committed by {manifest['taken_at']} ({held}), checked.\n"
            f"The key ring {keys} is not in it, and without it no secret in it can be opened: "
            "keep a copy of that file too, elsewhere."
        ),
    )
