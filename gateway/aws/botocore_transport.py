"""Requests to SQS through aiobotocore: the conservative way, every rule Amazon's own.

It decides how aiobotocore is set up (one attempt a call, no limit on connections) and how its
errors are read. Retries, batches and limits of time are the queue's, credentials the source's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from typing import Any, Final

from aiobotocore.config import AioConfig
from aiobotocore.session import get_session
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    HTTPClientError,
    ProfileNotFound,
)
from botocore.exceptions import ConnectionError as BotoConnectionError

from gateway.aws.credentials import Credentials, CredentialSource
from gateway.aws.faults import CallError, bare_code, no_answer, refusal, unreadable

_METHODS: Final = {
    "ReceiveMessage": "receive_message",
    "DeleteMessageBatch": "delete_message_batch",
    "ChangeMessageVisibilityBatch": "change_message_visibility_batch",
    "SendMessageBatch": "send_message_batch",
    "GetQueueAttributes": "get_queue_attributes",
}
_CONNECT_WITHIN_S: Final = 5
_READ_WITHIN_S: Final = 60
"""Above every limit that the queue sets: the queue decides."""


class BotocoreTransport:
    """A `Transport` over one aiobotocore client, made at the first call."""

    def __init__(
        self,
        *,
        endpoint: str,
        region: str,
        credentials: CredentialSource,
        open_session: Callable[[], Any] = get_session,
    ) -> None:
        self._endpoint = endpoint.rstrip("/")
        self._region = region
        self._provider = _Provider(credentials)
        self._open_session = open_session
        self._opening = asyncio.Lock()
        self._stack = AsyncExitStack()
        self._client: Any = None

    async def call(self, operation: str, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        """See `Transport`."""
        try:
            client = self._client or await self._open()
            answer: Mapping[str, Any] = await getattr(client, _METHODS[operation])(**parameters)
        except ClientError as exc:
            fault = _refused(exc)
            if fault.reason != "credentials":
                raise fault from exc
            self._provider.forget()
            raise fault from None  # its text may quote the request, session token included
        except (HTTPClientError, BotoConnectionError, OSError) as exc:
            raise no_answer(exc) from exc
        except ProfileNotFound as exc:
            raise CallError(str(exc), reason="credentials") from exc
        except BotoCoreError as exc:
            raise CallError(f"{type(exc).__name__}: {exc}", reason="other") from exc
        headers = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {})
        if "json" not in headers.get("content-type", "json"):
            raise unreadable()
        return answer

    async def aclose(self) -> None:
        """See `Transport`."""
        await self._stack.aclose()

    async def _open(self) -> Any:
        async with self._opening:
            if self._client is None:
                session = self._open_session()
                session.register_component("credential_provider", self._provider)
                config = AioConfig(
                    connect_timeout=_CONNECT_WITHIN_S,
                    read_timeout=_READ_WITHIN_S,
                    max_pool_connections=0,
                    parameter_validation=False,
                    retries={"total_max_attempts": 1, "mode": "standard"},
                    warm_up_loader_caches=True,
                )
                self._client = await self._stack.enter_async_context(
                    session.create_client(
                        "sqs",
                        region_name=self._region,
                        endpoint_url=self._endpoint,
                        config=config,
                    )
                )
            return self._client


class _Provider:
    """Puts our source of credentials where aiobotocore looks for its own chain.

    Plays both parts that aiobotocore knows: the provider, and the credentials it loads.
    """

    method = "gateway"

    def __init__(self, source: CredentialSource) -> None:
        self._source = source
        self._last: Credentials | None = None

    async def load_credentials(self) -> _Provider:
        return self

    async def get_frozen_credentials(self) -> Credentials:
        self._last = await self._source.get()
        return self._last

    def get_deferred_property(self, name: str) -> Callable[[], None]:  # noqa: ARG002 theirs
        """Answer aiobotocore's question for the account id, which no endpoint of SQS needs."""
        return lambda: None

    async def get_account_id(self) -> None:
        return None

    def forget(self) -> None:
        if self._last is not None:
            self._source.forget(self._last)


def _refused(exc: ClientError) -> CallError:
    status = exc.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    error = exc.response.get("Error", {})
    return refusal(status, bare_code(error.get("Code")), str(error.get("Message") or ""))
