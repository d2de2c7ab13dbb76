"""`gateway doctor`: finds why nothing arrives, link by link, and says what mends it."""

from __future__ import annotations

from typing import Annotated

import typer

from gateway.cli.context import run, settings_of
from gateway.cli.invocation import Invocation, invocation_of, new_app
from gateway.cli.output import Output
from gateway.cli.verdict import verdict
from gateway.doctor.examination import Report, refused
from gateway.doctor.trial import SandboxTest
from gateway.errors import ConfigurationError
from gateway.findings import Finding, Level
from gateway.service.doctor import TRIAL, doctor_for
from gateway.settings import Settings

app = new_app()

_SANDBOX = ("type", "scenario", "destination_id")

_MARKS = {
    Level.OK: "ok     ",
    Level.SKIPPED: "skipped",
    Level.WARNING: "WARNING",
    Level.FAULT: "FAULT  ",
}
_COUNTED = {
    Level.OK: "ok",
    Level.SKIPPED: "skipped",
    Level.WARNING: "warnings",
    Level.FAULT: "faults",
}


@app.command()
def doctor(
    ctx: typer.Context,
    *,
    only: Annotated[
        list[str] | None, typer.Option("--only", help="Only this check; may be repeated.")
    ] = None,
    skip: Annotated[
        list[str] | None, typer.Option("--skip", help="Not this check; may be repeated.")
    ] = None,
    limit_s: Annotated[
        float | None,
        typer.Option("--time-limit", min=1, help="Seconds that one check may take."),
    ] = None,
    trial: Annotated[
        bool,
        typer.Option("--trial", help="Send a message through each queue, and see it stored."),
    ] = False,
    sandbox: Annotated[
        tuple[str, str, str] | None,
        typer.Option(
            "--sandbox",
            metavar="TYPE SCENARIO DESTINATION_ID",
            help="Have Amazon's sandbox send a test notification too.",
        ),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Show what is well too.")] = False,
) -> None:
    """Find out why nothing arrives. Exit 0: all well, 10: warnings, 11: faults."""
    invocation = invocation_of(ctx)
    try:
        settings = _settings(invocation, limit_s)
    except ConfigurationError as exc:
        report = refused(exc.faults, at_ms=invocation.clock.now_ms())
    else:
        examined = doctor_for(
            settings,
            clock=invocation.clock,
            trial=trial or sandbox is not None or TRIAL in (only or ()),
            sandbox=sandbox and SandboxTest(**dict(zip(_SANDBOX, sandbox, strict=True))),
        )
        with Output(invocation).progress("Looking…"):
            report = run(examined.examine(only=only or (), skip=skip or ()))
    _print(invocation, report, everything=everything)
    raise typer.Exit(verdict(report.level))


def _settings(invocation: Invocation, limit_s: float | None) -> Settings:
    settings = settings_of(invocation)
    if limit_s is None:
        return settings
    chosen = settings.doctor.model_copy(update={"time_limit_s": limit_s})
    return settings.model_copy(update={"doctor": chosen})


def _print(invocation: Invocation, report: Report, *, everything: bool) -> None:
    output = Output(invocation)
    if invocation.json:
        output.document(report.as_data())
        return
    for one in report.all:
        if everything or one.level is not Level.OK:
            output.line(_told(one))
    counts = report.as_data()["summary"]
    said = ", ".join(
        f"{counts[level.value]} {word}" for level, word in _COUNTED.items() if counts[level.value]
    )
    output.line(f"{len(report.findings)} checks: {said}.")


def _told(one: Finding) -> str:
    lines = [f"{_MARKS[one.level]} {one.id}: {one.subject} {one.what}"]
    if one.level is Level.SKIPPED:  # what is in its way has said the rest
        return lines[0]
    if one.why:
        lines.append(f"          so: {one.why}")
    if one.mend:
        lines.append(f"        mend: {one.mend}")
    return "\n".join(lines)
