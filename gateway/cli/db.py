"""`gateway db`: the database's schema and the keys that its secrets are sealed with."""

from __future__ import annotations

from typing import Annotated

import typer

from gateway.cli.context import opened_store, run, settings_of
from gateway.cli.db_backup import backup
from gateway.cli.invocation import invocation_of, new_app
from gateway.cli.output import Output
from gateway.errors import InvalidInputError
from gateway.sealing import add_key, create_ring, load_ring, open_sealer
from gateway.store import acquire_service_lock
from gateway.store.migrate import REVISIONS, SchemaState, Standing, schema_state, standing, upgrade

app = new_app()
app.command("backup")(backup)


@app.callback()
def db() -> None:
    """Back up, upgrade and compact the database, rotate the keys of its secrets."""


@app.command("upgrade")
def upgrade_(ctx: typer.Context) -> None:
    """Bring the database's schema to this release's."""
    invocation = invocation_of(ctx)
    settings = settings_of(invocation)
    url = settings.store.url

    async def work() -> tuple[SchemaState, Standing]:
        before = await schema_state(url)
        # A database is never made without its keys; while it is empty nothing is sealed yet.
        is_new = before is SchemaState.EMPTY
        open_sealer(settings.keys_file(), clock=invocation.clock, create=is_new)
        await upgrade(url)
        return before, await standing(url)

    before, after = run(work())
    text = f"The schema was {before} and is {after.state} ({after.revision})."
    if after.state is SchemaState.AHEAD:
        text = f"The schema is a newer release's ({after.revision}), on which this one can work."
    value = {"before": before.value, "state": after.state.value, "revision": after.revision}
    Output(invocation).value(value, text=text)


@app.command()
def current(ctx: typer.Context) -> None:
    """Say how the database's schema compares with this release's."""
    invocation = invocation_of(ctx)
    found = run(standing(settings_of(invocation).store.url))
    value = {
        "state": found.state.value,
        "revision": found.revision,
        "floor": found.floor,
        "release_revision": REVISIONS[-1],
    }
    text = (
        f"The schema is {found.state} ({found.revision or 'no revision'}); this release's is "
        f"{REVISIONS[-1]}, and releases from {found.floor or REVISIONS[-1]} on can work with it."
    )
    Output(invocation).value(value, text=text)


@app.command()
def compact(ctx: typer.Context) -> None:
    """Write a SQLite file anew: no trace of what was deleted is left, and it can shrink by itself.

    No gateway may run on it meanwhile, and the disk needs room for the file twice more.
    """
    invocation = invocation_of(ctx)
    settings = settings_of(invocation)
    file = settings.database_file()
    if file is None:
        raise InvalidInputError("only a SQLite file is compacted; PostgreSQL has VACUUM FULL")

    async def work() -> tuple[int, int]:
        async with opened_store(invocation, settings) as store:
            before = (await store.space.size()).bytes
            await store.space.scrub(rewrite=True)
            return before, (await store.space.size()).bytes

    lock = acquire_service_lock(file)
    try:
        before, after = run(work())
    finally:
        lock.release()
    text = f"{file} had {before:,} bytes and has {after:,}."
    Output(invocation).value({"before_bytes": before, "after_bytes": after}, text=text)


@app.command("create-keys")
def create_keys(ctx: typer.Context) -> None:
    """Make the key ring that secrets are sealed with; one that exists is never overwritten."""
    invocation = invocation_of(ctx)
    file = settings_of(invocation).keys_file()
    ring = create_ring(file, clock=invocation.clock)
    text = f"Wrote {file}. Back it up apart from the database: without it no secret can be opened."
    Output(invocation).value({"file": str(file), "key_id": ring.newest.id}, text=text)


@app.command("rotate-keys")
def rotate_keys(
    ctx: typer.Context,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with a rotation that was cut off: no new key.")
    ] = False,
) -> None:
    """Add a key to the ring and seal every secret again with it; gateways may go on running."""
    invocation = invocation_of(ctx)
    settings = settings_of(invocation)
    output = Output(invocation)
    file = settings.keys_file()

    async def work() -> tuple[str, int]:
        async with opened_store(invocation, settings):
            pass  # nothing is added to the ring of a database that can't be used
        ring = load_ring(file) if resume else add_key(file, clock=invocation.clock)
        with output.progress("Sealing again") as tell:
            async with opened_store(invocation, settings) as store:
                count = await store.rotation.reseal(lambda done: tell(f"Sealed again: {done}"))
        return ring.newest.id, count

    key_id, count = run(work())
    text = f"{count} values are sealed again with key {key_id}. Back up {file} before all else."
    output.value({"key_id": key_id, "resealed": count, "file": str(file)}, text=text)
