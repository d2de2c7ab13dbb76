"""Retention by command."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from tests.integration.cli.conftest import Gateway
from tests.support.world import order_change

BODY = order_change("n-1", "902-0000001-0000001")


def _age(days: int) -> None:
    """Let what came in be so much older: its id is its time."""
    with sqlite3.connect("gateway.db") as connection:
        ((old,),) = connection.execute("SELECT id FROM notifications")
        moved = f"{int(old[4:16], 16) - days * 86_400_000:012x}"
        connection.execute("UPDATE notifications SET id = ?", (f"ntf_{moved}{old[16:]}",))
        connection.execute("UPDATE handlings SET state = 'handled', readiness = 0")
    connection.close()


def test_what_is_too_old_is_shown_and_then_goes(gateway: Gateway) -> None:
    Path("bodies.json").write_text(BODY)
    gateway("notifications", "inject", "bodies.json")
    _age(31)
    plan = {row["kind"]: row for row in gateway("retention", "plan")["items"]}
    assert (plan["messages"]["rows"], plan["messages"]["bytes"]) == (1, len(BODY))
    assert plan["messages"]["days"] == 30
    assert plan["messages"]["oldest_at"] is not None
    assert plan["notifications"]["rows"] == plan["documents"]["rows"] == 0
    assert gateway("retention", "run") == {"gone": {"messages": 1}}
    assert gateway("retention", "run") == {"gone": {}}
    assert "Nothing was too old" in gateway.said("retention", "run")


def test_an_old_file_is_compacted_and_can_shrink_then(gateway: Gateway) -> None:
    gateway("db", "upgrade")
    with sqlite3.connect("gateway.db", isolation_level=None) as old:
        old.execute("PRAGMA auto_vacuum = NONE")
        old.execute("VACUUM")
        assert old.execute("PRAGMA auto_vacuum").fetchone() == (0,)
        old.execute("CREATE TABLE filler AS SELECT zeroblob(1000000) AS x")
        old.execute("DROP TABLE filler")
    old.close()
    sizes = gateway("db", "compact")
    assert sizes["after_bytes"] < sizes["before_bytes"] - 900_000
    with sqlite3.connect("gateway.db") as compacted:
        assert compacted.execute("PRAGMA auto_vacuum").fetchone() == (2,)
    compacted.close()
