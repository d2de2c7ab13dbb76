"""Copies of rotated client secrets in AWS Secrets Manager, for those who keep secrets there.

It decides when a copy is due: once a secret has been rotated, until it is written. AWS takes the
same secret as often as it is given, so a copy needs no memory over restarts. It never reads back.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol

import structlog
from aiobotocore.session import get_session
from botocore.exceptions import BotoCoreError, ClientError

from gateway.errors import DependencyError
from gateway.model import Application

_log = structlog.get_logger("gateway.aws")


class SecretVault(Protocol):
    """Where copies go."""

    async def put(self, place: str, secret: str) -> None:
        """Write a secret.

        Raises:
            DependencyError: It was not written.
        """
        ...


class SecretsManager:
    """See `SecretVault`; `place` is the name or ARN of a secret that exists already.

    What is needed is `secretsmanager:PutSecretValue` on it, through AWS's credential chain.
    """

    def __init__(self, *, endpoint_url: str | None = None) -> None:
        self._endpoint_url = endpoint_url

    async def put(self, place: str, secret: str) -> None:
        """See `SecretVault`; `AWSCURRENT` is the new one from then on."""
        # Given again with the same token, the same secret makes no other version.
        token = hashlib.sha256(f"{place}\n{secret}".encode()).hexdigest()
        try:
            async with get_session().create_client(
                "secretsmanager", region_name=_region(place), endpoint_url=self._endpoint_url
            ) as client:
                await client.put_secret_value(
                    SecretId=place, SecretString=secret, ClientRequestToken=token
                )
        except (BotoCoreError, ClientError) as exc:
            raise DependencyError(
                f"AWS Secrets Manager takes no copy into {place}: {_reason(exc)}"
            ) from exc


class SecretCopies:
    """Copies what was rotated; call it again and again.

    Args:
        vault: Where copies go.
        places: By application id.
        applications: Returns all applications with their secrets.
    """

    def __init__(
        self,
        vault: SecretVault,
        places: Mapping[str, str],
        applications: Callable[[], Awaitable[Sequence[Application]]],
    ) -> None:
        self._vault = vault
        self._places = places
        self._applications = applications
        self._copied: dict[str, str] = {}

    async def __call__(self) -> None:
        """Bring the copies up to date.

        Raises:
            DependencyError: Some are not; the next call tries again.
        """
        for application in await self._applications():
            place = self._places.get(application.id)
            rotated = application.old_client_secret is not None
            if place is None or not rotated:
                continue
            if self._copied.get(application.id) == application.client_secret:
                continue
            await self._vault.put(place, application.client_secret)
            self._copied[application.id] = application.client_secret
            _log.info("client_secret.copied", application=application.id, place=place)


def _region(place: str) -> str | None:
    parts = place.split(":")
    return parts[3] if len(parts) > 6 and parts[0] == "arn" else None


def _reason(exc: Any) -> str:
    answer = getattr(exc, "response", {}).get("Error", {})
    return str(answer.get("Code") or type(exc).__name__)
