"""Client secrets of applications over their rotation: the one in use, and the one before it.

It decides which secret counts: one that Amazon sent in a notification, until an operator gives
another one in the settings than the settings gave before. The old one is kept until Amazon ends it.
Everything here is sealed, under one context for each application.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from gateway.model import Application
from gateway.results import RotatedSecret
from gateway.store.driver import Sealer
from gateway.store.statements import One, Plan, Row

COLUMNS: Final = (
    "id, client_id, sealed_client_secret, sealed_old_secret, old_expires_at_ms, "
    "sealed_given_secret, expires_at_ms"
)
_FIND: Final = One(f"SELECT {COLUMNS} FROM applications WHERE id = $1 {{lock}}")  # noqa: S608
_OF_CLIENT: Final = One(
    f"SELECT {COLUMNS} FROM applications WHERE client_id = $1 ORDER BY id {{lock}}"  # noqa: S608
)
_PUT: Final = One(
    """
    INSERT INTO applications (id, client_id, sealed_client_secret, sealed_given_secret)
    VALUES ($1, $2, $3, $3)
    ON CONFLICT (id) DO UPDATE SET client_id = excluded.client_id,
      sealed_client_secret = excluded.sealed_client_secret,
      sealed_given_secret = excluded.sealed_given_secret,
      sealed_old_secret = NULL, old_expires_at_ms = NULL, expires_at_ms = NULL
    """
)
_KEEP: Final = One("UPDATE applications SET client_id = $2, sealed_given_secret = $3 WHERE id = $1")
_ROTATE: Final = One(
    """
    UPDATE applications SET sealed_old_secret = sealed_client_secret, old_expires_at_ms = $3,
      sealed_client_secret = $2, expires_at_ms = $4
    WHERE id = $1
    """
)


def client_secret_context(application_id: str) -> str:
    """Return the context that an application's client secrets are bound to."""
    return f"client_secret:{application_id}"


def application_of(row: Row, sealer: Sealer) -> Application:
    """Return the application in a row of `COLUMNS`.

    Raises:
        SealError: A secret can't be opened.
    """
    return Application(
        id=row[0],
        client_id=row[1],
        client_secret=_opened(sealer, row[0], row[2]) or "",
        old_client_secret=_opened(sealer, row[0], row[3]),
        old_expires_at_ms=row[4],
    )


def give(application: Application, sealer: Sealer) -> Plan[None]:
    """Write what the settings say of an application; a secret they said before changes nothing.

    Without this a restart would bring back a secret that Amazon has replaced since.
    """
    context = client_secret_context(application.id)
    sealed = sealer.seal(application.client_secret.encode(), context=context)
    rows = yield _FIND(application.id)
    if rows:
        known = application_of(rows[0], sealer)
        given = _opened(sealer, known.id, rows[0][5])
        if application.client_secret in {given, known.client_secret}:
            yield _KEEP(application.id, application.client_id, sealed)
            return
    yield _PUT(application.id, application.client_id, sealed)


def rotate(secrets: Sequence[RotatedSecret], sealer: Sealer) -> Plan[None]:
    """Put new secrets in use; one that is not newer than what is in use changes nothing."""
    for one in secrets:
        for row in (yield _OF_CLIENT(one.client_id)):
            known = application_of(row, sealer)
            in_use = one.client_secret == known.client_secret
            older = row[6] is not None and one.expires_at_ms is not None
            if in_use or (older and one.expires_at_ms <= row[6]):
                continue
            sealed = sealer.seal(
                one.client_secret.encode(), context=client_secret_context(known.id)
            )
            yield _ROTATE(known.id, sealed, one.old_expires_at_ms, one.expires_at_ms)


def _opened(sealer: Sealer, application_id: str, sealed: bytes | None) -> str | None:
    if sealed is None:
        return None
    return sealer.open(bytes(sealed), context=client_secret_context(application_id)).decode()
