"""How the demo looks: bars that move where a person watches, single lines elsewhere."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Self, TextIO

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
from rich.progress import Progress as Bars
from rich.table import Table

if TYPE_CHECKING:
    from gateway.cli.demo.messages import Batch
    from gateway.cli.demo.story import Progress, Summary

_LINE_EVERY = 10


class Screen:
    """Shows progress on stderr while it is entered."""

    def __init__(self, stderr: TextIO, batch: Batch) -> None:
        self._console = Console(file=stderr, highlight=False)
        self._batch = batch
        self._looks = 0
        self._bars = Bars(
            TextColumn("{task.description:<38}"),
            BarColumn(),
            MofNCompleteColumn(),
            console=self._console,
            disable=not self._console.is_terminal,
        )
        messages = len(batch.bodies)
        self._sent = self._bars.add_task("sent to the local SQS", total=messages)
        self._accepted = self._bars.add_task("stored once, or quarantined", total=None)
        self._handled = self._bars.add_task("handled (or coalesced)", total=None)
        self._calls = self._bars.add_task("getOrder calls inside the usage plan", total=None)
        self._delivered = self._bars.add_task("events delivered", total=None)
        self._verified = self._bars.add_task("signatures verified independently", total=None)

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bars.stop()

    def say(self, text: str) -> None:
        """Print a line above the bars."""
        self._console.print(text, markup=False, soft_wrap=True)  # commands are there to be copied

    def show(self, seen: Progress) -> None:
        """Move the bars."""
        wanted = len(self._batch.notification_ids)
        self._bars.update(self._sent, completed=seen.sent)
        self._bars.update(
            self._accepted, completed=seen.accepted, total=wanted + self._batch.unreadable
        )
        self._bars.update(self._handled, completed=seen.handled, total=wanted)
        self._bars.update(self._calls, completed=seen.calls, total=max(seen.calls, 1))
        self._bars.update(self._delivered, completed=seen.delivered, total=max(seen.events, 1))
        self._bars.update(self._verified, completed=seen.verified, total=max(seen.events, 1))
        self._looks += 1
        if not self._console.is_terminal and self._looks % _LINE_EVERY == 1:
            self.say(
                f"sent {seen.sent}  stored {seen.accepted}  handled {seen.handled}  "
                f"calls {seen.calls}  events {seen.events}  delivered {seen.delivered}  "
                f"verified {seen.verified}"
            )

    def conclude(self, summary: Summary) -> None:
        """Print the summary as a table."""
        table = Table(show_header=False, box=None, pad_edge=False)
        rows = (
            ("messages sent", summary.messages, "over HTTP, to a local SQS"),
            ("notifications stored", summary.notifications, "each once, before its delete"),
            ("duplicates recognised", summary.duplicates, ""),
            ("quarantined", summary.quarantined, "unreadable: kept, with the reason"),
            (
                "handlings ended",
                summary.handled,
                f"{summary.coalesced} coalesced, {summary.skipped} overtaken by newer ones",
            ),
            (
                "follow-up calls",
                summary.follow_up_calls,
                f"{summary.throttled} over the usage plan",
            ),
            ("events published", summary.events, ""),
            ("delivered", summary.delivered, ""),
            ("signatures verified", summary.signatures_verified, "by `standardwebhooks`"),
            ("lost", summary.lost, ""),
        )
        for name, count, remark in rows:
            table.add_row(name, f"{count:>6}", f"  {remark}")
        self._console.print(table)
        verdict = "Everything arrived." if summary.good else "Something is missing: see above."
        self.say(f"{verdict} ({summary.seconds} s)")
