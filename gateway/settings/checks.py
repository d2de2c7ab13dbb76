"""What several settings must be together.

The checks read raw values, so that they find their faults beside those of single values and all are
reported at once. A value of the wrong type is passed over here: it has its own fault already.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gateway.settings.tree import Place, Tree
from gateway.settings.values import sqlite_path

_DEFAULT_STORE = "sqlite:///gateway.db"
_PULL_DAYS = _PAYLOAD_DAYS = 30


def check_together(tree: Tree) -> None:
    """Record each contradiction between values as a fault of `tree`."""
    _check_unique(tree, "queues", ("url",))
    _check_unique(tree, "applications", ("id",))
    _check_unique(tree, "sellers", ("id", "region"))
    _check_unique(tree, "schedules", ("name",))
    _check_unique(tree, "destinations", ("name",))
    _check_applications(tree)
    _check_subscriptions(tree)
    _check_lease(tree, "dispatch", timeout_s=60.0, lease_s=120.0)
    _check_lease(tree, "delivery", timeout_s=15.0, lease_s=60.0)
    _check_sealing(tree)
    _check_pulling(tree)


def _items(tree: Tree, table: str) -> Iterator[tuple[Place, dict[str, Any]]]:
    value = tree.values.get(table)
    for index, item in enumerate(value if isinstance(value, list) else ()):
        if isinstance(item, dict):
            yield (table, index), item


def _check_unique(tree: Tree, table: str, keys: tuple[str, ...]) -> None:
    seen: set[tuple[str, ...]] = set()
    for place, item in _items(tree, table):
        identity = tuple(str(item.get(key)) for key in keys)
        if any(key not in item for key in keys):
            continue
        if identity in seen:
            what = f"{' and '.join(keys)} {' '.join(map(repr, identity))} stand in {table} twice"
            tree.fault((*place, keys[0]), what, "remove one of the two")
        seen.add(identity)


def _check_applications(tree: Tree) -> None:
    known = {str(item.get("id")) for _, item in _items(tree, "applications")}
    tables = ("sellers", "destinations", "subscriptions")
    for place, item in (found for table in tables for found in _items(tree, table)):
        wanted = item.get("application")
        if isinstance(wanted, str) and wanted not in known:
            names = ", ".join(f'"{name}"' for name in sorted(known))
            mend = f"write one of {names}" if known else "add it as [[applications]]"
            tree.fault((*place, "application"), f'there is no application "{wanted}"', mend)


def _check_subscriptions(tree: Tree) -> None:
    owners: dict[str, str] = {}
    for place, item in _items(tree, "sellers"):
        ids = item.get("subscription_ids")
        for subscription in ids if isinstance(ids, list) else ():
            owner = owners.setdefault(str(subscription), str(item.get("id")))
            if owner != str(item.get("id")):
                what = f'subscription "{subscription}" belongs to seller "{owner}" already'
                tree.fault((*place, "subscription_ids"), what, "keep it at one seller")


def _check_lease(tree: Tree, table: str, *, timeout_s: float, lease_s: float) -> None:
    values = tree.values.get(table)
    if not isinstance(values, dict):
        return
    try:
        timeout = float(values.get("timeout_s", timeout_s))
        lease = float(values.get("lease_s", lease_s))
    except (TypeError, ValueError):
        return
    if lease <= timeout:
        key = "lease_s" if "lease_s" in values else "timeout_s"
        what = f"a lease of {lease:g} s ends before a time limit of {timeout:g} s"
        tree.fault((table, key), what, "make lease_s longer than timeout_s")


def _check_sealing(tree: Tree) -> None:
    store, sealing = tree.values.get("store"), tree.values.get("sealing")
    url = store.get("url", _DEFAULT_STORE) if isinstance(store, dict) else _DEFAULT_STORE
    keys_file = sealing.get("keys_file") if isinstance(sealing, dict) else None
    if isinstance(url, str) and sqlite_path(url) is None and not keys_file:
        what = "a store on PostgreSQL needs a key ring of its own"
        mend = "set sealing.keys_file and make it: `gateway db create-keys`"
        tree.fault(("sealing", "keys_file"), what, mend)


def _check_pulling(tree: Tree) -> None:
    delivery, retention = tree.values.get("delivery"), tree.values.get("retention")
    pulled = delivery.get("pull_days", _PULL_DAYS) if isinstance(delivery, dict) else _PULL_DAYS
    kept = retention if isinstance(retention, dict) else {}
    for key in ("payload_days", "personal_data_days"):
        days = kept.get(key, _PAYLOAD_DAYS)
        if not isinstance(pulled, int | float) or not isinstance(days, int) or days >= pulled:
            continue
        what = f"events wait {pulled:g} days to be pulled, and are empty after {days}"
        mend = f"make delivery.pull_days at most {days}, or this one longer"
        tree.fault(("retention", key), what, mend)
