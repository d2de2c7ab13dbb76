"""The files that `gateway handlers new` writes: a working handler and a test of it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from gateway.errors import ConflictError, InvalidInputError
from gateway.notifications.known import TYPES

_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,62}\Z")

HANDLER: Final = '''"""{type} → `{name}.seen`.

Settings, under `[handlers.{name}]`: none yet.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway import Context, Event, EventType, Notification, Router

router = Router()
router.publishes(
    EventType(
        type="{name}.seen",
        summary="A notification of {type} came in.",
        members={{"payload": {{"type": "object"}}}},
        example={{"payload": {{}}}},
        source="{type}",
    )
)


@router.on("{type}")
async def {name}(notification: Notification[Mapping[str, Any]], ctx: Context) -> Event:
    """Publish what came in. It must be safe to run twice."""
    ctx.log.info("{name}.seen", notification=notification.id)
    return Event(type="{name}.seen", data={{"payload": notification.payload}})
'''

TEST: Final = '''"""Tests of {name}."""

from __future__ import annotations

import asyncio

from gateway.testing import a_notification, run_handler
from {name} import router


def test_what_comes_in_is_published() -> None:
    ran = asyncio.run(run_handler(router, a_notification("{type}")))
    assert ran.event.type == "{name}.seen"
'''


def write_handler(folder: Path, name: str, notification_type: str) -> tuple[Path, Path]:
    """Write the module `name` and its test into a folder; return the two files.

    Raises:
        InvalidInputError: It is no name for a module, or no notification type.
        ConflictError: One of the files exists; nothing was written.
    """
    if not _NAME.match(name):
        raise InvalidInputError(f"NAME {name!r}: write lower-case letters, digits, underscores")
    if notification_type not in TYPES:
        raise InvalidInputError(
            f"--type {notification_type!r}: `gateway notifications types` lists the types"
        )
    files = folder / f"{name}.py", folder / f"test_{name}.py"
    for file in files:
        if file.exists():
            raise ConflictError(f"{file} exists; it is not overwritten")
    for file, text in zip(files, (HANDLER, TEST), strict=True):
        file.write_text(text.format(name=name, type=notification_type), "utf-8")
    return files
