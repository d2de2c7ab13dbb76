"""The command line: thin commands that parse, call and print. They decide nothing else."""

from gateway.cli.app import main

__all__ = ["main"]
