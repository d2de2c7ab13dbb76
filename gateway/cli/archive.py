"""`gateway archive`: notifications in files or S3, taken out of the store and brought back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import typer

from gateway.archive.compression import Compression
from gateway.archive.exporting import PART_LINES, Estimate, Exporting, Order
from gateway.archive.importing import Importing
from gateway.archive.manifest import Manifest, Scope, summary
from gateway.archive.places import Location
from gateway.archive.source import archives, stem_of
from gateway.archive.verifying import verify as verified
from gateway.cli.archives import EndpointUrl, Region, opened_places
from gateway.cli.context import opened_store, run, settings_of
from gateway.cli.faults import ExitCode
from gateway.cli.invocation import Invocation, invocation_of, new_app
from gateway.cli.output import Output
from gateway.cli.times import TIME_HELP, time_ms
from gateway.clock import rfc3339
from gateway.errors import ArchiveFaultError, InvalidInputError
from gateway.model import IdPrefix, new_id
from gateway.operations import time_of
from gateway.service.opening import sealer_for
from gateway.store.migrate import REVISIONS

app = new_app()

Target = Annotated[
    str,
    typer.Argument(
        metavar="FILE|s3://…", help="Such as nov.jsonl.zst, or s3://bucket/prefix/nov.jsonl.gz."
    ),
]
Source = Annotated[
    str,
    typer.Argument(
        metavar="FILE|s3://…", help="An archive's name, or a folder or prefix with archives below."
    ),
]


@app.callback()
def archive() -> None:
    """Keep notifications in files or S3, and bring them back."""


@app.command()
def export(  # noqa: PLR0913 one for each option of the command
    ctx: typer.Context,
    target: Target,
    *,
    from_: Annotated[
        str | None, typer.Option("--from", metavar="TIME", help=f"Received then. {TIME_HELP}")
    ] = None,
    to: Annotated[
        str | None, typer.Option("--to", metavar="TIME", help="Until then; else until now.")
    ] = None,
    types: Annotated[
        list[str] | None,
        typer.Option("--type", help="Only this type, or quarantine; may be repeated."),
    ] = None,
    sellers: Annotated[
        list[str] | None, typer.Option("--seller", help="Only of this seller; may be repeated.")
    ] = None,
    marketplaces: Annotated[
        list[str] | None, typer.Option("--marketplace", help="Only of this one; may be repeated.")
    ] = None,
    compression: Annotated[
        Compression | None,
        typer.Option("--compress", help="What the name says, else zstd."),
    ] = None,
    plain: Annotated[
        bool,
        typer.Option(
            "--plain", help="Bodies in the clear, customer data too; live credentials stay sealed."
        ),
    ] = False,
    part_lines: Annotated[
        int, typer.Option(metavar="N", help="At most so many lines in one file.", min=1)
    ] = PART_LINES,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with an export that was cut off.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what it would hold; write nothing.")
    ] = False,
    region: Region = None,
    endpoint_url: EndpointUrl = None,
) -> None:
    """Write notifications into an archive: files of bounded size, and a manifest beside them.

    Bodies are sealed with the gateway's key ring unless --plain is given. Messages that could not
    be read are among them, always sealed, unless a type, seller or marketplace is asked for.
    """
    invocation = invocation_of(ctx)
    location = _named(target)
    stem, by_name = stem_of(location.name)
    order = None
    if not resume:
        order = Order(
            scope=_scope(invocation, from_, to, types, sellers, marketplaces),
            compression=_compression(compression, by_name),
            plain=plain,
            part_lines=part_lines,
        )
    elif dry_run or any((from_, to, types, sellers, marketplaces, compression, plain)):
        raise InvalidInputError("--resume goes with no other option: the manifest has them")
    settings = settings_of(invocation)

    async def work() -> dict[str, Any]:
        async with (
            opened_store(invocation, settings) as store,
            opened_places(settings, location, region=region, endpoint_url=endpoint_url) as places,
        ):
            exporting = Exporting(
                store.archiving,
                places,
                sealer_for(settings, clock=invocation.clock),
                invocation.clock,
                schema=REVISIONS[-1],
            )
            if order is not None and dry_run:
                return _estimate_row(await exporting.estimate(order))
            return _manifest_row(await _exported(invocation, exporting, stem, order), location)

    Output(invocation).value(run(work()))


async def _exported(
    invocation: Invocation, exporting: Exporting, stem: str, order: Order | None
) -> Manifest:
    if order is None:
        manifest = await exporting.resumed(stem)
    else:
        archive_id = new_id(IdPrefix.ARCHIVE, invocation.clock.now_ms())
        manifest = await exporting.begin(stem, archive_id, order)
    with Output(invocation).progress("Exporting") as tell:
        return await exporting.run(stem, manifest, lambda made: tell(_progress(made)))


@app.command()
def verify(
    ctx: typer.Context,
    source: Source,
    *,
    region: Region = None,
    endpoint_url: EndpointUrl = None,
) -> None:
    """Read an archive from end to end; exit 1 if anything is not as it was written."""
    invocation = invocation_of(ctx)
    location = Location.parse(source)
    settings = settings_of(invocation)

    async def work() -> Any:
        async with opened_places(
            settings, location, region=region, endpoint_url=endpoint_url
        ) as places:
            sealer = sealer_for(settings, clock=invocation.clock)
            with Output(invocation).progress("Reading") as tell:
                return await verified(
                    places, location, sealer, lambda found: tell(f"{found.lines} lines are whole")
                )

    found = run(work())
    Output(invocation).value(
        {
            "archives": found.archives,
            "files": found.parts,
            "lines": found.lines,
            "size_bytes": found.size_bytes,
            "by_type": found.by_type,
            "faults": [
                {"file": one.file, "line": one.line, "fault": str(one)} for one in found.faults
            ],
        }
    )
    if found.faults:
        raise typer.Exit(ExitCode.FAILED)


@app.command("import")
def import_(
    ctx: typer.Context,
    source: Source,
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what is in it; take nothing in.")
    ] = False,
    region: Region = None,
    endpoint_url: EndpointUrl = None,
) -> None:
    """Take an archive's notifications in as they were; handle none of them.

    What is in the store already is left as it is. Messages from quarantine are read again, and go
    there again where that fails. A file that was altered or cut short is refused with the line at
    fault; what stands before it is taken in, and doing it again goes on. To handle them too:
    `gateway replay start --archive`, or a replay afterwards.
    """
    invocation = invocation_of(ctx)
    location = Location.parse(source)
    settings = settings_of(invocation)

    async def work() -> dict[str, Any]:
        async with opened_places(
            settings, location, region=region, endpoint_url=endpoint_url
        ) as places:
            if dry_run:
                manifests = [one.manifest async for one in archives(places, location)]
                return _manifests_row(manifests)
            sealer = sealer_for(settings, clock=invocation.clock)
            async with opened_store(invocation, settings) as store:
                importing = Importing(store.archiving, places, sealer)
                return await _imported(invocation, importing, location)

    Output(invocation).value(run(work()))


async def _imported(
    invocation: Invocation, importing: Importing, location: Location
) -> dict[str, Any]:
    done = importing.imported
    output = Output(invocation)
    try:
        with output.progress("Taking in") as tell:
            await importing.run(
                location, lambda far: tell(f"{far.lines} lines read, {far.new} of them new")
            )
    except ArchiveFaultError:
        if not invocation.json:
            output.note(f"{done.lines} lines before that are in, {done.new} of them new.")
        raise
    return {
        "archives": done.archives,
        "files": done.parts,
        "lines": done.lines,
        "new": done.new,
        "known": done.lines - done.new,
    }


def _named(target: str) -> Location:
    location = Location.parse(target)
    if not location.name:
        raise InvalidInputError(f"{target}: name a file in it, such as nov.jsonl.zst")
    return location


def _scope(
    invocation: Invocation,
    from_: str | None,
    to: str | None,
    types: Sequence[str] | None,
    sellers: Sequence[str] | None,
    marketplaces: Sequence[str] | None,
) -> Scope:
    now_ms = invocation.clock.now_ms()
    if from_ is None:
        raise InvalidInputError("--from: say from when, such as 30d")
    scope = Scope(
        from_ms=time_ms(from_, "--from", now_ms),
        to_ms=now_ms if to is None else time_ms(to, "--to", now_ms),
        types=tuple(types or ()),
        sellers=tuple(sellers or ()),
        marketplaces=tuple(marketplaces or ()),
    )
    if scope.from_ms >= scope.to_ms:
        raise InvalidInputError("--from has to be before --to")
    return scope


def _compression(asked: Compression | None, by_name: Compression | None) -> Compression:
    if asked is not None and by_name not in (None, asked):
        raise InvalidInputError(f"--compress {asked}: the file's name says {by_name}")
    return asked or by_name or Compression.ZSTD


def _progress(manifest: Manifest) -> str:
    scope = manifest.scope
    span = max(1, scope.to_ms - scope.from_ms)
    share = min(1.0, max(0, time_of(manifest.cursor) - scope.from_ms) / span)
    return f"{manifest.lines} lines, {share:.0%} of the time; --resume goes on if this is stopped"


def _manifest_row(manifest: Manifest, location: Location) -> dict[str, Any]:
    return {
        "place": str(location),
        **summary(manifest),
        "files": [part.name for part in manifest.parts],
    }


def _manifests_row(manifests: Sequence[Manifest]) -> dict[str, Any]:
    parts = [part for manifest in manifests for part in manifest.parts]
    firsts = [part.first_received_at_ms for part in parts]
    lasts = [part.last_received_at_ms for part in parts]
    by_type: dict[str, int] = {}
    for part in parts:
        for type_, count in part.by_type.items():
            by_type[type_] = by_type.get(type_, 0) + count
    return {
        "archives": len(manifests),
        "files": len(parts),
        "lines": sum(part.lines for part in parts),
        "body_bytes": sum(part.body_bytes for part in parts),
        "size_bytes": sum(part.size_bytes for part in parts),
        "first_received_at": rfc3339(min(firsts)) if firsts else None,
        "last_received_at": rfc3339(max(lasts)) if lasts else None,
        "by_type": by_type,
    }


def _estimate_row(found: Estimate) -> dict[str, Any]:
    return {
        "lines": found.lines,
        "files": found.parts,
        "body_bytes": found.body_bytes,
        "size_bytes_about": found.size_bytes,
        "first_received_at": None if found.first_id is None else rfc3339(time_of(found.first_id)),
        "last_received_at": None if found.last_id is None else rfc3339(time_of(found.last_id)),
        "by_type": found.by_type,
    }
