"""What one call of the command line was given, beside the command's own arguments.

`--config FILE` and `--json` are accepted before and after every command, so they are taken out of
the arguments before the command is looked for.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

import typer

from gateway.clock import Clock, SystemClock
from gateway.errors import InvalidInputError

EVERYWHERE = "Everywhere: --config FILE (else SPGW_CONFIG, else ./gateway.toml) and --json."

_CONFIG = "--config"
_JSON = "--json"
_DEFAULT_FILE = "gateway.toml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Invocation:
    """One call of the command line.

    Attributes:
        json: Whether stdout holds exactly one JSON value.
        config: The file of `--config`, or None.
        environ: The process's environment.
    """

    json: bool
    config: Path | None
    environ: Mapping[str, str]
    stdout: TextIO
    stderr: TextIO
    clock: Clock = field(default_factory=SystemClock)

    def config_file(self) -> Path | None:
        """Return the file that is named, else `./gateway.toml` if it is there, else None."""
        named = self.config or self.environ.get("SPGW_CONFIG")
        if named:
            return Path(named)
        default = Path(_DEFAULT_FILE)
        return default if default.exists() else None


def new_app() -> typer.Typer:
    """Return an empty group of commands; its help is plain text, which needs no library."""
    return typer.Typer(no_args_is_help=True, add_completion=False, rich_markup_mode=None)


def invocation_of(ctx: typer.Context) -> Invocation:
    """Return what the call was given, inside a command."""
    found = ctx.find_object(Invocation)
    assert found is not None
    return found


def find_modules_here() -> None:
    """Let handler modules beside the working directory's config be found.

    An installed command's path lacks the working directory, which `python -m` would have.
    """
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)


@dataclass(frozen=True, slots=True, kw_only=True)
class GlobalOptions:
    """The options that every command takes, and the arguments that are left."""

    json: bool
    config: Path | None
    rest: Sequence[str]


def take_global_options(arguments: Sequence[str]) -> GlobalOptions:
    """Take `--config` and `--json` out of the arguments; what follows `--` is left alone.

    Raises:
        InvalidInputError: `--config` stands without a file.
    """
    json, config = wants_json(arguments), None
    rest: list[str] = []
    waiting = iter(arguments)
    for argument in waiting:
        if argument == "--":
            rest.extend((argument, *waiting))
        elif argument == _CONFIG or argument.startswith(f"{_CONFIG}="):
            config = argument.partition("=")[2] or next(waiting, "")
            if not config or config.startswith("--"):
                raise InvalidInputError(f"{_CONFIG}: no file is named; write {_CONFIG} FILE")
        elif argument != _JSON:
            rest.append(argument)
    return GlobalOptions(json=json, config=Path(config) if config else None, rest=rest)


def wants_json(arguments: Sequence[str]) -> bool:
    """Return whether `--json` is among the arguments."""
    own = arguments[: arguments.index("--")] if "--" in arguments else arguments
    return _JSON in own
