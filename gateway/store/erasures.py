"""Erasures: kept, run by one process at a time, each step in one transaction with its cursor."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from gateway.clock import Clock
from gateway.erasures import Erasure, ErasureState, Subject, SubjectKind
from gateway.errors import NotFoundError
from gateway.store import schema
from gateway.store.driver import Driver, Sealer
from gateway.store.statements import One, Plan, Row, insert, one_step

_NAMES: Final = tuple(column.name for column in schema.erasures.c)[:11]
_COLUMNS: Final = ", ".join(_NAMES)
_INSERT: Final = insert(schema.erasures, _NAMES)
_GET: Final = One(f"SELECT {_COLUMNS} FROM erasures WHERE id = $1")  # noqa: S608 ours
_LIST: Final = One(
    f"SELECT {_COLUMNS} FROM erasures WHERE id < $1 ORDER BY id DESC LIMIT $2"  # noqa: S608 ours
)
_LAST: Final = "~"
_RUNNING: Final = One("SELECT id FROM erasures WHERE state = 'running' LIMIT 1")
_CLAIM: Final = One(
    f"""
    UPDATE erasures SET claim_token = $1, lease_until_ms = $2
    WHERE state = 'running'
      AND (claim_token = $1 OR claim_token IS NULL OR lease_until_ms <= $3)
    RETURNING {_COLUMNS}
    """  # noqa: S608 ours
)
_RELEASE_ALL: Final = One(
    "UPDATE erasures SET claim_token = NULL, lease_until_ms = NULL WHERE state = 'running'"
)
_MOVE: Final = One(
    """
    UPDATE erasures SET cursor = $4, updated_at_ms = $5
    WHERE id = $1 AND claim_token = $2 AND cursor = $3 AND state = 'running'
    RETURNING id
    """
)
_REPORT: Final = One("UPDATE erasures SET report = $2 WHERE id = $1")
_END: Final = One(
    """
    UPDATE erasures SET state = $3, last_error = $4, report = $5, updated_at_ms = $6,
      ended_at_ms = $6, sealed_subject = CASE WHEN $3 = 'failed' THEN sealed_subject END,
      claim_token = NULL, lease_until_ms = NULL
    WHERE id = $1 AND claim_token = $2 AND state = 'running'
    RETURNING id
    """,
    """
    UPDATE erasures SET state = $3::text, last_error = $4, report = $5, updated_at_ms = $6::bigint,
      ended_at_ms = $6::bigint,
      sealed_subject = CASE WHEN $3::text = 'failed' THEN sealed_subject END,
      claim_token = NULL, lease_until_ms = NULL
    WHERE id = $1 AND claim_token = $2 AND state = 'running'
    RETURNING id
    """,
)
_RESUME: Final = One(
    """
    UPDATE erasures SET state = 'running', ended_at_ms = NULL, updated_at_ms = $2
    WHERE id = $1 AND state = 'failed' RETURNING id
    """
)


class Erasures:
    """See the module."""

    def __init__(self, driver: Driver, sealer: Sealer, clock: Clock) -> None:
        self._driver = driver
        self._sealer = sealer
        self._clock = clock

    async def start(self, erasure: Erasure) -> None:
        """Keep a new erasure, its subject sealed; a running gateway does it.

        Raises:
            StoreUnavailableError: It was not kept.
        """
        row = self._row(erasure)
        await self._driver.write(lambda: one_step(_INSERT([row])))

    async def resume(self, erasure_id: str) -> None:
        """Go on with one that failed.

        Raises:
            NotFoundError: There is no failed erasure of this id.
        """
        step = _RESUME(erasure_id, self._clock.now_ms())
        if not await self._driver.write(lambda: one_step(step)):
            raise NotFoundError(f"there is no failed {erasure_id}")

    async def get(self, erasure_id: str) -> Erasure:
        """Return one erasure.

        Raises:
            NotFoundError: There is no such erasure.
        """
        rows = await self._driver.read(lambda: one_step(_GET(erasure_id)))
        if not rows:
            raise NotFoundError(f"there is no {erasure_id}")
        return self._erasure(rows[0])

    async def list(self, *, after: str | None = None, limit: int = 50) -> Sequence[Erasure]:
        """Return erasures, the newest first; `after` is the id of the last one before."""
        rows = await self._driver.read(lambda: one_step(_LIST(after or _LAST, limit)))
        return [self._erasure(row) for row in rows]

    async def claim(self, token: int, *, lease_ms: int) -> Sequence[Erasure]:
        """Return the running erasures that are the caller's from now on, or still.

        Raises:
            StoreUnavailableError: None was claimed.
        """
        if not await self._driver.read(lambda: one_step(_RUNNING())):
            return ()
        now_ms = self._clock.now_ms()
        rows = await self._driver.write(lambda: one_step(_CLAIM(token, now_ms + lease_ms, now_ms)))
        return sorted((self._erasure(row) for row in rows), key=lambda one: one.id)

    async def release_all(self) -> None:
        """Free every lease, for a process that knows itself to be the only one."""
        await self._driver.write(lambda: one_step(_RELEASE_ALL()))

    async def end(
        self,
        erasure: Erasure,
        token: int,
        state: ErasureState,
        report: Mapping[str, int],
        error: str | None = None,
    ) -> None:
        """End an erasure of the caller's; whom it was about is forgotten unless it failed."""
        written, now_ms = json.dumps(dict(report)), self._clock.now_ms()
        step = _END(erasure.id, token, state.value, error, written, now_ms)
        await self._driver.write(lambda: one_step(step))

    def _row(self, erasure: Erasure) -> tuple[Any, ...]:
        assert erasure.subject is not None
        sealed = self._sealer.seal(
            erasure.subject.value.encode(), context=subject_context(erasure.id)
        )
        values = {
            "subject_kind": erasure.kind.value,
            "sealed_subject": sealed,
            "archives": json.dumps(list(erasure.archives)),
            "state": erasure.state.value,
            "report": json.dumps(dict(erasure.report)),
        }
        return tuple(values[n] if n in values else getattr(erasure, n) for n in _NAMES)

    def _erasure(self, row: Row) -> Erasure:
        named = dict(zip(_NAMES, row, strict=True))
        kind = SubjectKind(named["subject_kind"])
        sealed = named["sealed_subject"]
        subject = None
        if sealed is not None:
            value = self._sealer.open(bytes(sealed), context=subject_context(named["id"])).decode()
            subject = Subject(kind=kind, value=value)
        return Erasure(
            id=named["id"],
            kind=kind,
            subject=subject,
            archives=tuple(json.loads(named["archives"])),
            state=ErasureState(named["state"]),
            cursor=named["cursor"],
            report=json.loads(named["report"]),
            last_error=named["last_error"],
            created_at_ms=named["created_at_ms"],
            updated_at_ms=named["updated_at_ms"],
            ended_at_ms=named["ended_at_ms"],
        )


def moved(erasure: Erasure, token: int, cursor: str, now_ms: int) -> Plan[bool]:
    """Move an erasure on; False if it is not the caller's any more, and nothing may be erased."""
    return bool((yield _MOVE(erasure.id, token, erasure.cursor, cursor, now_ms)))


def reported(erasure_id: str, report: Mapping[str, int]) -> Plan[None]:
    """Write an erasure's report."""
    yield _REPORT(erasure_id, json.dumps(dict(report)))


def subject_context(erasure_id: str) -> str:
    """Return the context that whom an erasure is about is bound to."""
    return f"erasure:{erasure_id}"
