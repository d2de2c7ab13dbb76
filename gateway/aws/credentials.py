"""Where AWS credentials come from: AWS's standard chain, as aiobotocore walks it.

It decides when the chain is walked again and how its faults are told; each link (environment,
profile, SSO, web identity, container, instance) and the renewal before expiry are aiobotocore's.
It never keeps a credential longer than the chain says and never logs one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from aiobotocore.session import get_session
from botocore.exceptions import BotoCoreError, ClientError

from gateway.aws.faults import CallError

_TEXT_LIMIT = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """Keys to sign with, valid now.

    Attributes:
        token: Session token of temporary keys; None for long-lived ones.
    """

    access_key: str
    secret_key: str = field(repr=False)
    token: str | None = field(default=None, repr=False)


class CredentialSource(Protocol):
    """Gives credentials that are valid now."""

    async def get(self) -> Credentials:
        """Return credentials; raises `CallError` of reason `credentials` where there are none."""
        ...

    def forget(self, refused: Credentials) -> None:
        """Amazon refused these: let the next `get` look for others, unless it has some already."""
        ...


class FixedCredentials:
    """Always the same keys: for local servers and tests."""

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials

    async def get(self) -> Credentials:
        """See `CredentialSource`."""
        return self._credentials

    def forget(self, refused: Credentials) -> None:
        """Keep them: there are no others."""


class ChainCredentials:
    """Credentials from AWS's standard chain; one walk at a time, shared by all who wait for it.

    Temporary keys are renewed by aiobotocore minutes before they expire. Keys that Amazon refuses
    are dropped and the chain is walked again from the start, so that a mended profile or a new
    login is found without a restart.
    """

    def __init__(self, open_session: Callable[[], Any] = get_session) -> None:
        self._open_session = open_session
        self._lock = asyncio.Lock()
        self._found: Any = None
        self._last: Credentials | None = None
        self._walks = 0
        self._fault: CallError | None = None

    async def get(self) -> Credentials:
        """See `CredentialSource`."""
        found = self._found or await self._walk()
        try:
            frozen = await found.get_frozen_credentials()
        except (BotoCoreError, ClientError, OSError, RuntimeError) as exc:
            raise _fault(exc) from exc
        if frozen is None:
            raise CallError("the AWS credentials found are empty", reason="credentials")
        self._last = Credentials(
            access_key=frozen.access_key, secret_key=frozen.secret_key, token=frozen.token
        )
        return self._last

    def forget(self, refused: Credentials) -> None:
        """See `CredentialSource`."""
        if refused == self._last:
            self._found = self._last = None

    async def _walk(self) -> Any:
        """Walk the chain, or share the outcome of a walk that ended while this one waited."""
        walks = self._walks
        async with self._lock:
            if self._walks == walks:
                await self._walk_now()
            if self._found is None:
                raise self._fault or _none_found()
            return self._found

    async def _walk_now(self) -> None:
        self._fault = None
        try:
            self._found = await self._open_session().get_credentials()
        except (BotoCoreError, ClientError, OSError, RuntimeError) as exc:
            self._fault = _fault(exc)
            self._fault.__cause__ = exc
        self._walks += 1  # not where it was cancelled: then the next who waits walks it anew


def _none_found() -> CallError:
    return CallError("no AWS credentials were found", reason="credentials")


def _fault(exc: Exception) -> CallError:
    text = str(exc)[:_TEXT_LIMIT].strip()
    return CallError(
        f"AWS credentials can't be had: {type(exc).__name__}: {text}", reason="credentials"
    )
