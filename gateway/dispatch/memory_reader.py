"""What handlers remember, read for many runs at once.

Runs that begin in the same turn of the loop ask the store together, with one statement. It starts
no task: whoever is first asks for all.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Protocol, TypeAlias

import orjson

Name: TypeAlias = tuple[str, str, str]
"""Handler, seller or empty, name of the thing."""


class MemoryStore(Protocol):
    """Where memories are kept."""

    async def recall(self, names: Sequence[Name]) -> Mapping[Name, bytes]:
        """Return the values of those that there are."""
        ...


class MemoryReader:
    """Reads memories; safe for any number of tasks."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store
        self._open: _Question | None = None

    async def read(self, handler: str, seller_id: str | None, name: str) -> Any:
        """Return what the handler remembers of a thing, or None.

        Raises:
            StoreUnavailableError: The store can't be asked.
        """
        wanted = (handler, seller_id or "", name)
        while True:
            found = await self._ask(wanted)
            if found is not None:
                value = found.get(wanted)
                return None if value is None else orjson.loads(value)

    async def _ask(self, wanted: Name) -> Mapping[Name, bytes] | None:
        """Return the answer to a question that `wanted` is part of; None if nobody asked it."""
        if self._open is not None:
            self._open.names.append(wanted)
            return await asyncio.shield(self._open.answer)
        question = self._open = _Question(wanted)
        try:
            await asyncio.sleep(0)
            self._open = None
            found = await self._store.recall(question.names)
            question.answer.set_result(found)
        finally:
            if self._open is question:
                self._open = None
            if not question.answer.done():
                # Failed or cut off: each of the others asks for itself, and hears why.
                question.answer.set_result(None)
        return found


class _Question:
    def __init__(self, first: Name) -> None:
        self.names = [first]
        self.answer: asyncio.Future[Mapping[Name, bytes] | None] = (
            asyncio.get_running_loop().create_future()
        )
