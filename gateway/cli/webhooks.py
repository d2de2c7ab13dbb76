"""`gateway webhooks`: why a receiver's verification fails."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.faults import ExitCode
from gateway.cli.invocation import invocation_of, new_app
from gateway.cli.output import Output
from gateway.cli.pages import ask
from gateway.delivery.signing import encode_verifier
from gateway.delivery.verification import TOLERANCE_S, verify
from gateway.errors import InvalidInputError

app = new_app()


@app.callback()
def webhooks() -> None:
    """Verify what a receiver got."""


@app.command("verify")
def verify_(  # noqa: PLR0913 one for each option of the command
    ctx: typer.Context,
    body: Annotated[
        str, typer.Argument(metavar="FILE", help="The raw body; - for standard input.")
    ],
    *,
    webhook_id: Annotated[str, typer.Option("--id", help="The header webhook-id.")],
    timestamp: Annotated[str, typer.Option(help="The header webhook-timestamp.")],
    signature: Annotated[str, typer.Option(help="The header webhook-signature.")],
    secret: Annotated[
        list[str] | None,
        typer.Option(help="whsec_… or whpk_… that the receiver verifies with; may be repeated."),
    ] = None,
    endpoint: Annotated[
        str | None, typer.Option(metavar="ID", help="Verify with this endpoint's keys instead.")
    ] = None,
    any_age: Annotated[
        bool, typer.Option("--any-age", help="Accept a timestamp that is long past.")
    ] = False,
) -> None:
    """Say whether a request verifies, and which part of it is wrong; exit 1 if it does not."""
    invocation = invocation_of(ctx)
    secrets = list(secret or ())
    if endpoint is not None:
        stored = ask(invocation, lambda store: store.endpoints.get(endpoint))
        secrets += [encode_verifier(one) for one in stored.secrets]
    found = verify(
        secrets,
        webhook_id=webhook_id,
        timestamp=timestamp,
        signature=signature,
        body=_body(body),
        now_s=None if any_age else invocation.clock.now_ms() // 1000,
        tolerance_s=TOLERANCE_S,
    )
    value = {"valid": found.valid, "wrong": found.wrong, "detail": found.detail}
    text = "Valid." if found.valid else f"Not valid: {found.wrong}. {found.detail}."
    Output(invocation).value(value, text=text)
    if not found.valid:
        raise typer.Exit(ExitCode.FAILED)


def _body(path: str) -> bytes:
    if path == "-":
        stream: bytes = typer.get_binary_stream("stdin").read()
        return stream
    try:
        return Path(path).read_bytes()
    except OSError as exc:
        raise InvalidInputError(f"{path} can't be read") from exc
