"""The command `gateway`: finds the command, runs it, turns what it raises into an exit code.

The module of a command is imported when that command is called, so that `gateway --help` and a
misspelt command answer at once.
"""

from __future__ import annotations

import importlib
import os
import sys
import traceback
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperCommand, TyperGroup

from gateway.cli.faults import ExitCode, problem_of, tell, usage_problem
from gateway.cli.invocation import EVERYWHERE, Invocation, take_global_options, wants_json
from gateway.errors import GatewayError, InvalidInputError

# Name → (module with a Typer `app`, what `--help` says). The order is that of the help.
COMMANDS: Mapping[str, tuple[str, str]] = {
    "init": ("gateway.cli.init", "Write a commented gateway.toml to start from."),
    "run": ("gateway.cli.run", "Run the gateway, or some of its stages."),
    "demo": ("gateway.cli.demo", "Show the main job from end to end, with no account."),
    "doctor": ("gateway.cli.doctor", "Find out why nothing arrives."),
    "config": ("gateway.cli.config", "Show and check the settings."),
    "db": ("gateway.cli.db", "Upgrade and compact the database, rotate its keys."),
    "handlers": ("gateway.cli.handlers", "List and check the handlers that are loaded."),
    "sellers": ("gateway.cli.sellers", "Manage the sellers that follow-up calls are made for."),
    "destinations": ("gateway.cli.destinations", "Manage where Amazon sends notifications."),
    "subscriptions": ("gateway.cli.subscriptions", "Keep Amazon's subscriptions as declared."),
    "endpoints": ("gateway.cli.endpoints", "Manage the webhook endpoints that events go to."),
    "notifications": ("gateway.cli.notifications", "See what arrived, and how it is understood."),
    "handlings": ("gateway.cli.handlings", "See the work of handlers: what waits, what failed."),
    "jobs": ("gateway.cli.jobs", "Run jobs, such as an export, and see how they stand."),
    "sweeps": ("gateway.cli.sweeps", "See and start the sweeps for what Amazon never told."),
    "quarantine": ("gateway.cli.quarantine", "See the messages that could not be read."),
    "dlq": ("gateway.cli.dlq", "Look into dead-letter queues, bring messages back."),
    "events": ("gateway.cli.events", "See what was published, and what it looks like."),
    "deliveries": ("gateway.cli.deliveries", "See what was sent, and how endpoints answered."),
    "webhooks": ("gateway.cli.webhooks", "Find out why a receiver refuses a signature."),
    "replay": ("gateway.cli.replay", "Run handlers again on what is stored, in bulk."),
    "retention": ("gateway.cli.retention", "See what is too old, and delete it now."),
    "erase": ("gateway.cli.erase", "Delete everything about a seller, an order or a buyer."),
    "redeliver": ("gateway.cli.redeliver", "Send events again, in bulk."),
    "archive": ("gateway.cli.archive", "Keep notifications in files or S3, bring them back."),
    "trace": ("gateway.cli.trace", "Tell the whole story of one thing, in the order of time."),
    "usage": ("gateway.cli.usage", "Count the calls that were made to Amazon."),
    "listen": ("gateway.cli.listen", "Forward events to your own machine as they come."),
    "keys": ("gateway.cli.keys", "Manage the keys of the HTTP API."),
    "audit": ("gateway.cli.audit", "See who changed what."),
    "aws": ("gateway.cli.aws", "Make and check the queue's side in your AWS account."),
    "catalog": ("gateway.cli.catalog", "Look up the operations of the Selling Partner API."),
    "call": ("gateway.cli.call", "Call any operation of the Selling Partner API."),
    "simulate": ("gateway.cli.simulate", "Run a local SQS and SP-API to develop against."),
}


class LazyGroup(TyperGroup):
    """The root group: commands are stand-ins with a help text until one is called."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        for name, (_, summary) in COMMANDS.items():
            stand_in = TyperCommand(name=name, help=summary, rich_markup_mode=None)
            self.add_command(stand_in, name)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Replace the stand-in by the command itself, then go on as ever."""
        if args and args[0] in COMMANDS:
            self.add_command(load_command(args[0]), args[0])
        return super().resolve_command(ctx, args)


def load_command(name: str) -> Any:
    """Return a top-level command, imported from its module."""
    module, summary = COMMANDS[name]
    command = typer.main.get_command(importlib.import_module(module).app)
    command.name, command.help = name, summary
    _append_epilog(command)
    return command


def _append_epilog(command: Any) -> None:
    command.epilog = EVERYWHERE
    for inner in getattr(command, "commands", {}).values():
        _append_epilog(inner)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(version("spapi-event-gateway"))
        raise typer.Exit


def root(
    _version: Annotated[
        bool,
        typer.Option("--version", help="Print the release.", callback=_show_version, is_eager=True),
    ] = False,
) -> None:
    """Amazon SP-API notifications in, signed webhooks out."""


def build() -> Any:
    """Return the root command."""
    app = typer.Typer(
        name="gateway",
        cls=LazyGroup,
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode=None,
        epilog=EVERYWHERE,
    )
    app.callback()(root)
    return typer.main.get_command(app)


def call(arguments: Sequence[str], *, environ: Mapping[str, str]) -> int:
    """Run one command and return its exit code."""
    as_json = wants_json(arguments)
    try:
        options = take_global_options(arguments)
        invocation = Invocation(
            json=options.json,
            config=options.config,
            environ=environ,
            stdout=sys.stdout,
            stderr=sys.stderr,
        )
        ended = build().main(
            args=list(options.rest), prog_name="gateway", standalone_mode=False, obj=invocation
        )
        sys.stdout.flush()
    except typer.TyperException as exc:
        return _usage(exc, as_json=as_json)
    except typer.Abort:
        return int(ExitCode.FAILED)
    except BrokenPipeError:
        # Whoever read stdout has gone; nothing may be written there at exit either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return int(ExitCode.FAILED)
    except Exception as exc:  # noqa: BLE001 the end of the line: told, and turned into a code
        return _failed(exc, as_json=as_json)
    return ended if isinstance(ended, int) else int(ExitCode.OK)


def main() -> NoReturn:
    """Run the command that the process was called with, and exit."""
    sys.exit(call(sys.argv[1:], environ=os.environ))


def _usage(exc: typer.TyperException, *, as_json: bool) -> int:
    context = getattr(exc, "ctx", None)
    message = exc.format_message()
    if context is not None and message == context.get_help():
        if not as_json:  # a group was called without a command: its help is the answer
            sys.stderr.write(f"{message}\n")
            return int(ExitCode.USAGE)
        message = f"{context.command_path}: no command is named"
    tell(usage_problem(message), stderr=sys.stderr, as_json=as_json)
    if context is not None and not as_json:
        sys.stderr.write(f"{context.get_usage()}\n")
    return int(ExitCode.USAGE)


def _failed(exc: Exception, *, as_json: bool) -> int:
    problem = problem_of(exc)
    if not isinstance(exc, GatewayError) and not as_json:
        traceback.print_exception(exc, file=sys.stderr)
    tell(problem, stderr=sys.stderr, as_json=as_json)
    if isinstance(exc, InvalidInputError) and not as_json:
        sys.stderr.write("Try --help.\n")
    return int(problem.exit_code)
