"""Entries of the audit log for changes made over HTTP: who, what, and each member before and after.

Changes are worked out from what is shown of an object, where secrets are masked already; that a
secret changed is told, never what it was or is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel

from gateway.admin.api import Api
from gateway.admin.routes import Call
from gateway.model import IdPrefix, new_id
from gateway.store.audit import AuditEntry


def entry(
    api: Api,
    call: Call,
    action: str,
    object_id: str,
    *,
    tenant: str | None = None,
    changes: Mapping[str, Any] | None = None,
) -> AuditEntry:
    """Return the entry of a change that `call` makes."""
    now_ms = api.clock.now_ms()
    return AuditEntry(
        id=new_id(IdPrefix.AUDIT, now_ms),
        at_ms=now_ms,
        actor=call.key.id,
        action=action,
        object_id=object_id,
        tenant=tenant,
        request_id=call.request_id,
        changes=changes or {},
    )


def created(made: BaseModel, members: Sequence[str]) -> Mapping[str, Any]:
    """Return the changes that making an object is: those of `members` that say anything."""
    values = made.model_dump(mode="json", include=set(members))
    return {name: {"from": None, "to": value} for name, value in values.items() if value}


def differences(
    before: BaseModel, after: BaseModel, *, hidden: Sequence[str] = ()
) -> Mapping[str, Any]:
    """Return what differs between what was shown and what is, without the times of changing.

    Args:
        before: The object as it was.
        after: The object as it is.
        hidden: Members that changed although what is shown of them did not.
    """
    was, is_ = before.model_dump(mode="json"), after.model_dump(mode="json")
    return {
        name: {"from": was[name], "to": is_[name]}
        for name in was
        if name != "updated_at" and (was[name] != is_[name] or name in hidden)
    }
