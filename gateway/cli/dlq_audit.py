"""Who took what out of a dead-letter queue, noted before it begins.

The commands on dead-letter queues work without the database. Where it is away, or there is none on
this machine, they say so or go on without; nothing waits for the audit log at night.
"""

from __future__ import annotations

from typing import Any

from gateway.cli.changing import entry
from gateway.cli.context import opened_store, settings_of
from gateway.cli.dlq_options import Opened
from gateway.cli.invocation import Invocation
from gateway.cli.output import Output
from gateway.errors import GatewayError
from gateway.replay.dlq.filters import LetterFilter


async def noted(
    invocation: Invocation, opened: Opened, action: str, wanted: LetterFilter, **more: Any
) -> None:
    """Make an entry of the audit log for what is about to be done; a fault is told and no more."""
    settings = settings_of(invocation)
    file = settings.database_file()
    if file is not None and not file.exists():
        return
    changes = {"messages": opened.facts.messages, **_filter(wanted), **more}
    given = {name: value for name, value in changes.items() if value is not None}
    try:
        async with opened_store(invocation, settings) as store:
            await store.audit.add(entry(invocation.clock, action, opened.queue.url, changes=given))
    except GatewayError as exc:
        Output(invocation).note(f"No entry was made in the audit log: {exc}")


def _filter(wanted: LetterFilter) -> dict[str, Any]:
    """Return a filter as JSON; a text that was looked for may be a buyer's name."""
    named = {
        name: sorted(values)
        for name in ("types", "sellers", "reasons")
        if (values := getattr(wanted, name))
    }
    bounds = ("older_than_ms", "younger_than_ms", "least_receives", "most_receives")
    return {
        **named,
        **{name: getattr(wanted, name) for name in bounds},
        "text": None if wanted.text is None else "given",
    }
