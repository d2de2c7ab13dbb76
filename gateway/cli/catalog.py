"""`gateway catalog`: every operation of the Selling Partner API, with its usage plan."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from gateway.cli.invocation import invocation_of, new_app
from gateway.cli.output import Output
from gateway.spapi.catalog import UNKNOWN_PLAN, Catalog, Operation, RemovedOperation

app = new_app()


@app.callback()
def catalog() -> None:
    """Look up the operations of the Selling Partner API."""


@app.command("list")
def list_(
    ctx: typer.Context,
    *,
    api: Annotated[str | None, typer.Option(help="Only of this API, such as orders.")] = None,
    search: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Only with this in name or path.")
    ] = None,
    grantless: Annotated[
        bool | None, typer.Option(help="Only those that need no seller, or only those that do.")
    ] = None,
    restricted: Annotated[
        bool | None, typer.Option(help="Only those with personal data, or only those without.")
    ] = None,
    removed: Annotated[
        bool | None, typer.Option(help="Only those that Amazon has removed, or only live ones.")
    ] = None,
) -> None:
    """List operations; rate is calls a second, burst the calls at once after a rest."""
    known = Catalog.load()
    rows = [*map(row_of, known.operations), *map(row_of, known.removed)]
    wanted = {"grantless": grantless, "restricted": restricted}
    shown = [
        row
        for row in rows
        if api in {None, row["api"]}
        and (search or "").lower() in f"{row['name']} {row['path']}".lower()
        and all(value in {None, row[name]} for name, value in wanted.items())
        and removed in {None, row["removed"] is not None}
    ]
    columns = ("name", "method", "path", "rate", "burst", "grantless", "restricted", "removed")
    Output(invocation_of(ctx)).items(shown, columns=columns)


@app.command()
def show(
    ctx: typer.Context,
    name: Annotated[
        str,
        typer.Argument(help="api.version.operation, a unique operation id, or 'METHOD /path'."),
    ],
) -> None:
    """Show one operation, live or removed."""
    Output(invocation_of(ctx)).value(row_of(Catalog.load().look_up(name)))


def row_of(operation: Operation | RemovedOperation) -> dict[str, Any]:
    """Return an operation as an object; all operations have the same members."""
    live = operation if isinstance(operation, Operation) else None
    gone = operation if isinstance(operation, RemovedOperation) else None
    return {
        "name": operation.name,
        "api": operation.api,
        "version": operation.version,
        "operation": operation.id,
        "method": operation.method,
        "path": operation.path,
        "rate": operation.rate_per_s,
        "burst": operation.burst,
        "grantless": live is not None and live.scope is not None,
        "restricted": live is not None and live.restricted,
        "sandbox_only": live is not None and live.sandbox_only,
        "removed": gone.removed if gone else None,
        "instead": gone.instead if gone else None,
        **(_details(live) if live else dict.fromkeys(_DETAILS)),
    }


_DETAILS = (
    "scope",
    "rate_source",
    "rate_date",
    "plan",
    "plan_is_guessed",
    "application_plan",
    "deprecated",
    "removal",
    "page_parameter",
    "next_token",
    "page_rule",
    "headers",
    "static_sandbox",
    "dynamic_sandbox",
)


def _details(live: Operation) -> dict[str, Any]:
    plan, application_plan = live.plan, live.application_plan
    details = {name: getattr(live, name, None) for name in _DETAILS}
    return {
        **details,
        "headers": list(live.headers),
        "plan": _plan(plan or UNKNOWN_PLAN),
        "plan_is_guessed": plan is None,
        "application_plan": _plan(application_plan) if application_plan else None,
    }


def _plan(plan: Any) -> dict[str, Any]:
    return {"rate": plan.rate_per_s, "burst": plan.burst}
