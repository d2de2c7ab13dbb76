"""What a command prints on stdout: one JSON value, a table where a person watches, or plain lines.

Progress and notes go to stderr, so that stdout can be piped.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import orjson
from rich.console import Console
from rich.table import Table

from gateway.cli.invocation import Invocation
from gateway.cli.telling import Tell

Row = Mapping[str, Any]


class Output:
    """Prints results in the form that was asked for."""

    def __init__(self, invocation: Invocation) -> None:
        self._json = invocation.json
        self._stdout = invocation.stdout
        self._stderr = invocation.stderr

    def value(self, value: Row, *, text: str | None = None) -> None:
        """Print one object; for a person `text`, else a line for each of its members."""
        if self._json:
            self._write_json(value)
        elif text is not None:
            self._stdout.write(f"{text}\n")
            self._stdout.flush()
        else:
            width = max((len(name) for name in value), default=0)
            for name, member in value.items():
                self._stdout.write(f"{name:<{width}}  {_cell(member)}\n")

    def document(self, value: Row) -> None:
        """Print one JSON document as it is; for a person with line breaks."""
        if self._json:
            self._write_json(value)
        else:
            self._stdout.write(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode() + "\n")

    def items(
        self, rows: Sequence[Row], *, columns: Sequence[str], next_cursor: str | None = None
    ) -> None:
        """Print one page of a list; `columns` are the members that a person sees."""
        if self._json:
            self._write_json({"items": list(rows), "next_cursor": next_cursor})
            return
        if self._stdout.isatty():
            self._write_table(rows, columns)
        else:
            self._stdout.write("\t".join(columns) + "\n")
            for row in rows:
                self._stdout.write("\t".join(_cell(row.get(name)) for name in columns) + "\n")
        if next_cursor is not None:
            self.note(f"There are more: --after {next_cursor}")

    def line(self, text: str) -> None:
        """Print one line of many for a person, at once."""
        self._stdout.write(f"{text}\n")
        self._stdout.flush()

    def raw(self, body: bytes) -> None:
        """Print a stored JSON body, byte for byte."""
        self._stdout.write(body.decode("utf-8", "surrogateescape"))
        self._stdout.flush()

    def note(self, text: str) -> None:
        """Print a note for a person on stderr."""
        self._stderr.write(f"{text}\n")

    @contextmanager
    def progress(self, text: str) -> Iterator[Tell]:
        """Show on a person's terminal how far work is; yields what changes words and bar."""
        if self._json or not self._stderr.isatty():
            yield lambda _text, _part=None: None
            return
        from gateway.cli.bar import shown_bar  # noqa: PLC0415 only for who watches

        with shown_bar(text, self._stderr) as tell:
            yield tell

    def _write_json(self, value: Any) -> None:
        self._stdout.write(orjson.dumps(value).decode() + "\n")
        self._stdout.flush()  # whoever started a command that goes on waits for this line

    def _write_table(self, rows: Sequence[Row], columns: Sequence[str]) -> None:
        table = Table(*columns, box=None, header_style="bold", pad_edge=False)
        for row in rows:
            table.add_row(*(_cell(row.get(name)) for name in columns))
        Console(file=self._stdout, markup=False, highlight=False, emoji=False).print(table)


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)) and not any(isinstance(one, Mapping) for one in value):
        return ", ".join(map(str, value)) or "-"
    if isinstance(value, (Mapping, list, tuple)):
        return orjson.dumps(value).decode()
    # One row stays one line, whatever an endpoint answered.
    return "".join(char if char.isprintable() else " " for char in str(value))
