"""A bar on a person's terminal: how far work is, or only that it goes on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    SpinnerColumn,
    Task,
    TaskProgressColumn,
    TextColumn,
)
from rich.text import Text

from gateway.cli.telling import Tell


class _Percentage(TaskProgressColumn):
    """Nothing while nobody knows how much there is."""

    def render(self, task: Task) -> Text:
        return super().render(task) if task.total is not None else Text("")


@contextmanager
def shown_bar(text: str, stream: TextIO) -> Iterator[Tell]:
    """Show a bar while the block runs; yields what changes its words and how much is done."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        _Percentage(),
    )
    console = Console(file=stream, markup=False)
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(text, total=None)

        def tell(text: str, part: float | None = None) -> None:
            if part is None:
                progress.update(task, description=text)
            else:
                progress.update(task, description=text, total=1.0, completed=min(1.0, part))

        yield tell
