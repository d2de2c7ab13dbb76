"""Making erasures: checked subjects, and an erasure at its beginning."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.erasures import Erasure, ErasureState, SubjectKind
from gateway.errors import InvalidInputError
from gateway.model import IdPrefix, new_id
from gateway.retention.erasing import first_cursor
from gateway.retention.subject import checked


def new_erasure(
    given: dict[SubjectKind, str | None], archives: Sequence[str], now_ms: int
) -> Erasure:
    """Return an erasure that begins now, by the one thing that is given.

    Raises:
        InvalidInputError: Not exactly one is given, or it is too short to mean one.
    """
    named = {kind: value for kind, value in given.items() if value is not None}
    if len(named) != 1:
        raise InvalidInputError("whose data? Give exactly one of seller, order and buyer")
    ((kind, value),) = named.items()
    return Erasure(
        id=new_id(IdPrefix.ERASURE, now_ms),
        kind=kind,
        subject=checked(kind, value),
        archives=tuple(archives),
        state=ErasureState.RUNNING,
        cursor=first_cursor(kind),
        report={},
        last_error=None,
        created_at_ms=now_ms,
        updated_at_ms=now_ms,
        ended_at_ms=None,
    )
