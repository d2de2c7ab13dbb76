"""Changes made by command, each with its entry of the audit log."""

from __future__ import annotations

import getpass
from collections.abc import Mapping
from functools import partial
from typing import Any

from gateway.clock import Clock
from gateway.model import IdPrefix, new_id
from gateway.service.ledger import Entries
from gateway.store.audit import AuditEntry


def entry(
    clock: Clock,
    action: str,
    object_id: str,
    *,
    tenant: str | None = None,
    changes: Mapping[str, Any] | None = None,
) -> AuditEntry:
    """Return the entry of a change that this machine's user makes; `changes` without secrets."""
    now_ms = clock.now_ms()
    return AuditEntry(
        id=new_id(IdPrefix.AUDIT, now_ms),
        at_ms=now_ms,
        actor=f"cli:{_user()}",
        action=action,
        object_id=object_id,
        tenant=tenant,
        changes=changes or {},
    )


def entries(clock: Clock) -> Entries:
    """Return who makes the entries of changes at Amazon: this machine's user."""
    return partial(entry, clock)


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user that no file knows
        return "unknown"
