"""SQL that handlings and deliveries share: due times, leases, and their end.

Both tables have the columns state, readiness, due_at_ms, claims, claim_token and lease_until_ms,
with the same meaning and the same partial indexes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from gateway.store.statements import Many, One, Plan, Signal

CLAIMS_LIMIT: Final = 5
"""Claims without a recorded result after which a row is given up: it kills the process."""

SUSPECT_CLAIMS: Final = 2
"""Claims without a recorded result after which a row is a suspect; see `suspects`."""

_PROMOTE_LIMIT: Final = 500
_REAP_LIMIT: Final = 500


@dataclass(frozen=True, slots=True)
class LeaseSql:
    """Statements about one table's leases."""

    next_due: One
    promote: One
    release: Many
    extend: Many
    expired: One
    free: One
    free_all: One
    suspected: One
    let_go: One

    @classmethod
    def of(cls, table: str) -> LeaseSql:
        """Return the statements for `table`."""
        return cls(
            next_due=One(_NEXT_DUE.format(table=table)),
            promote=One(_fill(_PROMOTE, table)),
            release=Many(_fill(_RELEASE, table), ("text", "bigint")),
            extend=Many(_fill(_EXTEND, table), ("text", "bigint", "bigint")),
            expired=One(_EXPIRED.format(table=table)),
            free=One(_fill(_FREE, table)),
            free_all=One(_FREE_ALL.format(table=table)),
            suspected=One(_SUSPECTED.format(table=table)),
            let_go=One(_fill(_LET_GO, table)),
        )

    def promote_due(self, now_ms: int) -> Plan[tuple[int | None, bool]]:
        """Make due rows ready; return the next due time, and whether more are due already."""
        next_due_ms = (yield self.next_due())[0][0]
        if next_due_ms is None or next_due_ms > now_ms:
            return next_due_ms, False
        yield self.promote(now_ms, _PROMOTE_LIMIT)
        next_due_ms = (yield self.next_due())[0][0]
        return next_due_ms, next_due_ms is not None and next_due_ms <= now_ms

    def free_expired(self, now_ms: int) -> Plan[int]:
        """Give back rows whose lease ended and that may be tried again; return how many."""
        if not (yield self.expired(now_ms)):
            return 0
        return len((yield self.free(now_ms, CLAIMS_LIMIT, _REAP_LIMIT)))

    def give_back(self, rows: Sequence[tuple[str, int]], topic: str) -> Plan[None]:
        """Release rows named as (id, token), which were not started."""
        if rows and (yield self.release(rows)):
            yield Signal(topic)()

    def kept(self, rows: Sequence[tuple[str, int, int]]) -> Plan[frozenset[str]]:
        """Prolong leases named as (id, token, new end); return the ids that had one."""
        if not rows:
            return frozenset()
        return frozenset(row[0] for row in (yield self.extend(rows)))


_NEXT_DUE: Final = """
SELECT min(due_at_ms) FROM {table} WHERE state = 'pending' AND readiness = 1
"""

_PROMOTE: Final = """
WITH picked AS (
  SELECT id FROM {table} WHERE state = 'pending' AND readiness = 1 AND due_at_ms <= $1
  ORDER BY due_at_ms LIMIT $2 {skip_locked}
)
UPDATE {table} SET readiness = 2
WHERE id IN (SELECT id FROM picked)
"""

_RELEASE: Final = """
WITH v(id, token) AS ({rows})
UPDATE {table} SET state = 'pending', claims = claims - 1, claim_token = NULL,
  lease_until_ms = NULL,
  readiness = CASE WHEN claims > {suspect_claims} THEN 3 ELSE readiness END
FROM v WHERE {table}.id = v.id AND {table}.state = 'leased' AND {table}.claim_token = v.token
RETURNING {table}.id
"""

_EXTEND: Final = """
WITH v(id, token, lease_until_ms) AS ({rows})
UPDATE {table} SET lease_until_ms = v.lease_until_ms
FROM v WHERE {table}.id = v.id AND {table}.state = 'leased' AND {table}.claim_token = v.token
RETURNING {table}.id
"""

_EXPIRED: Final = """
SELECT 1 FROM {table} WHERE state = 'leased' AND lease_until_ms <= $1 LIMIT 1
"""

_FREE: Final = """
WITH picked AS (
  SELECT id FROM {table} WHERE state = 'leased' AND lease_until_ms <= $1 AND claims < $2
  ORDER BY lease_until_ms LIMIT $3 {skip_locked}
)
UPDATE {table} SET state = 'pending', claim_token = NULL, lease_until_ms = NULL,
  readiness = CASE WHEN claims >= {suspect_claims} THEN 3 ELSE readiness END
WHERE id IN (SELECT id FROM picked) RETURNING id
"""

_FREE_ALL: Final = """
UPDATE {table} SET lease_until_ms = 0 WHERE state = 'leased'
"""

_SUSPECTED: Final = """
SELECT 1 FROM {table} WHERE state = 'pending' AND readiness = 3 LIMIT 1
"""

# Not while the one before is still on its way. A scalar subquery is asked once; behind IN it may be
# asked for each row again, and would find another one to lock each time.
_LET_GO: Final = """
UPDATE {table} SET readiness = 2 WHERE id = (
  SELECT id FROM {table} WHERE state = 'pending' AND readiness = 3
  ORDER BY id LIMIT 1 {skip_locked}
) AND NOT EXISTS (
  SELECT 1 FROM {table} AS earlier WHERE earlier.id = $1
    AND earlier.state IN ('pending', 'leased') AND earlier.readiness = 2
    AND earlier.claims >= {suspect_claims}
) RETURNING id
"""


def _fill(template: str, table: str) -> str:
    filled = template.replace("{suspect_claims}", str(SUSPECT_CLAIMS))
    return filled.replace("{table}", table)
