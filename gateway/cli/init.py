"""`gateway init`: a commented example of the settings."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.invocation import invocation_of
from gateway.cli.output import Output
from gateway.errors import ConfigurationError, ConflictError, Fault
from gateway.settings import EXAMPLE

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def init(
    ctx: typer.Context,
    file: Annotated[Path | None, typer.Argument(help="Where; gateway.toml if left out.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the file.")] = False,
) -> None:
    """Write a commented gateway.toml to start from."""
    invocation = invocation_of(ctx)
    target = file or invocation.config or Path("gateway.toml")
    try:
        with target.open("w" if force else "x", encoding="utf-8") as stream:
            stream.write(EXAMPLE)
    except FileExistsError as exc:
        raise ConflictError(f"{target} exists; --force overwrites it") from exc
    except OSError as exc:
        what = f"can't be written ({exc.strerror})"
        mend = "choose another place"
        raise ConfigurationError([Fault(where=str(target), what=what, mend=mend)]) from exc
    Output(invocation).value({"file": str(target)}, text=f"Wrote {target}.")
