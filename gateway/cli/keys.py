"""`gateway keys`: who may use the HTTP API."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from gateway.access import ApiKey, Scope, new_api_key
from gateway.cli.changing import entry
from gateway.cli.invocation import invocation_of, new_app
from gateway.cli.output import Output
from gateway.cli.pages import After, Limit, ask, print_page
from gateway.cli.rows import plain
from gateway.clock import rfc3339
from gateway.errors import InvalidInputError

app = new_app()

_DAY_MS = 24 * 3_600_000


@app.callback()
def keys() -> None:
    """Manage the keys of the HTTP API."""


@app.command()
def create(
    ctx: typer.Context,
    *,
    scopes: Annotated[
        list[str], typer.Option(help="read, write or admin, or several with commas.")
    ],
    name: Annotated[str, typer.Option(help="What it is for.")] = "",
    tenant: Annotated[
        str | None, typer.Option(help="Whose endpoints it sees; without it, everything.")
    ] = None,
    expires_in_days: Annotated[
        float | None, typer.Option(min=0.001, max=36_500, help="Days until it ends by itself.")
    ] = None,
) -> None:
    """Make an API key and print it; it can't be shown again."""
    invocation = invocation_of(ctx)
    now_ms = invocation.clock.now_ms()
    lasts_ms = None if expires_in_days is None else round(expires_in_days * _DAY_MS)
    key, written = new_api_key(
        now_ms,
        name=name,
        scopes=_scopes(scopes),
        tenant=tenant or None,
        expires_at_ms=None if lasts_ms is None else now_ms + lasts_ms,
    )
    row = key_row(key)
    made = entry(invocation.clock, "key.create", key.id, tenant=key.tenant, changes=_changes(row))
    ask(invocation, lambda store: store.changing(made).api_keys.add(key))
    text = (
        f"Made {key.id}. Send it as `Authorization: Bearer KEY`; it is shown only now:\n{written}"
    )
    Output(invocation).value({**row, "key": written}, text=text)


@app.command("list")
def list_(ctx: typer.Context, *, after: After = None, limit: Limit = 100) -> None:
    """List the keys, without what proves them, in the order they were made."""
    print_page(
        invocation_of(ctx),
        lambda store, count: store.api_keys.list(after=after or "", limit=count),
        limit=limit,
        columns=("id", "name", "scopes", "tenant", "created_at", "last_used_at", "revoked_at"),
        row=key_row,
    )


@app.command()
def revoke(
    ctx: typer.Context, key_id: Annotated[str, typer.Argument(metavar="ID", help="Such as key_….")]
) -> None:
    """Make a key useless at once."""
    invocation = invocation_of(ctx)
    now_ms = invocation.clock.now_ms()
    revoked_at = {"from": None, "to": rfc3339(now_ms)}
    made = entry(invocation.clock, "key.revoke", key_id, changes={"revoked_at": revoked_at})
    ask(invocation, lambda store: store.changing(made).api_keys.revoke(key_id, now_ms))
    Output(invocation).value({"id": key_id, "revoked": True}, text=f"Revoked {key_id}.")


def key_row(key: ApiKey) -> dict[str, Any]:
    """Return what may be shown of a key."""
    row = plain(key)
    del row["digest"]
    row["scopes"] = sorted(key.scopes)
    return row


def _scopes(words: list[str]) -> list[Scope]:
    named = [part.strip() for word in words for part in word.split(",") if part.strip()]
    try:
        scopes = [Scope(word) for word in named]
    except ValueError as exc:
        raise InvalidInputError(f"--scopes: {exc}; write read, write or admin") from exc
    if not scopes:
        raise InvalidInputError("--scopes: none is named; write read, write or admin")
    return scopes


def _changes(row: dict[str, Any]) -> dict[str, Any]:
    shown = ("name", "scopes", "tenant", "expires_at")
    return {field: {"from": None, "to": row[field]} for field in shown if row[field]}
