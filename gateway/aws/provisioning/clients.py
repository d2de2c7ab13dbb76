"""Calls to AWS through boto3, and what AWS's refusals mean.

It decides how clients are made (once each, short limits, a few retries) and which errors mean that
a thing isn't there. Credentials and endpoints are boto3's: environment, profile, role.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import boto3
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    NoCredentialsError,
    PartialCredentialsError,
    ProfileNotFound,
)

from gateway.aws.address import elsewhere
from gateway.aws.faults import bare_code, reason_of
from gateway.errors import DependencyError

_CONFIG: Final = Config(
    connect_timeout=5, read_timeout=20, retries={"total_max_attempts": 4, "mode": "standard"}
)
_MISSING: Final = frozenset(
    {
        "AWS.SimpleQueueService.NonExistentQueue",
        "NotFoundException",
        "QueueDoesNotExist",
        "ResourceNotFoundException",
    }
)
_DENIED: Final = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"})
_NO_CREDENTIALS: Final = (
    CredentialRetrievalError,
    NoCredentialsError,
    PartialCredentialsError,
    ProfileNotFound,
)
_SERVICES: Final = ("events", "kms", "sqs", "sts")
_TEXT_LIMIT: Final = 300

Answer = Mapping[str, Any]


class AwsRefusedError(DependencyError):
    """AWS can't be reached or refuses a call; the message names the call and the mend.

    Attributes:
        missing: Whether what the call is about isn't there.
        reason: As in `QueueUnavailableError`.
    """

    def __init__(self, message: str, *, missing: bool = False, reason: str = "other") -> None:
        super().__init__(message)
        self.missing = missing
        self.reason = "missing" if missing else reason


class Clients:
    """Makes calls to the services of one region.

    Args:
        endpoints: By service, where calls go instead of to AWS.
        make_client: For tests.
    """

    def __init__(
        self,
        region: str | None,
        *,
        endpoints: Mapping[str, str] | None = None,
        make_client: Callable[..., Any] | None = None,
    ) -> None:
        self._endpoints = endpoints or {}
        try:
            session = boto3.Session(region_name=region)
        except BotoCoreError as exc:
            raise AwsRefusedError(f"AWS's configuration can't be read: {exc}") from exc
        self.region: str | None = session.region_name
        self._make = make_client or session.client
        self._made: dict[str, Any] = {}

    def call(self, service: str, operation: str, **parameters: Any) -> Answer:
        """Make one call, such as `("sqs", "get_queue_url", QueueName="orders")`.

        Raises:
            AwsRefusedError: It failed.
        """
        try:
            answer: Answer = getattr(self._client(service), operation)(**parameters)
        except ClientError as exc:
            error = exc.response.get("Error", {})
            code, text = str(error.get("Code", "")), str(error.get("Message", ""))[:_TEXT_LIMIT]
            reason = reason_of(bare_code(code))
            # Amazon quotes the request where it refuses the credentials, session token included.
            said = "the credentials are refused" if reason == "credentials" else text
            what = f"{service} {operation}: {code}: {said}{_mend(code)}"
            raise AwsRefusedError(what, missing=code in _MISSING, reason=reason) from exc
        except BotoCoreError as exc:
            raise AwsRefusedError(
                f"{service} {operation}: {exc}; check AWS's credentials, region and network",
                reason="credentials" if isinstance(exc, _NO_CREDENTIALS) else "network",
            ) from exc
        if answer.get("FailedEntryCount"):
            raise AwsRefusedError(f"{service} {operation}: {answer['FailedEntries']}")
        return answer

    def find(self, service: str, operation: str, **parameters: Any) -> Answer | None:
        """Make one call; None where what it asks for isn't there.

        Raises:
            AwsRefusedError: It failed otherwise.
        """
        try:
            return self.call(service, operation, **parameters)
        except AwsRefusedError as exc:
            if exc.missing:
                return None
            raise

    def _client(self, service: str) -> Any:
        client = self._made.get(service)
        if client is None:
            endpoint = self._endpoints.get(service)
            client = self._make(
                service, region_name=self.region, endpoint_url=endpoint, config=_CONFIG
            )
            self._made[service] = client
        return client


def clients_beside(region: str | None, sqs_endpoint: str | None) -> Clients:
    """Return clients for a queue and what belongs to it.

    Args:
        region: As AWS's own configuration has it where None.
        sqs_endpoint: Where SQS is; None for AWS. A queue that is elsewhere than at AWS has its key,
            bus and account there too: AWS itself is not asked about it.

    Raises:
        AwsRefusedError: AWS's configuration can't be read.
    """
    if sqs_endpoint is None:
        return Clients(region)
    services = ("sqs",) if elsewhere(sqs_endpoint) is None else _SERVICES
    return Clients(region, endpoints=dict.fromkeys(services, sqs_endpoint))


def _mend(code: str) -> str:
    if code in _DENIED:
        return "; allow your own user or role this action (infra/README.md lists them)"
    return ""
