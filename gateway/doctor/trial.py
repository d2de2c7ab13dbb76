"""Check `trial`, only where it is asked for: a message is sent, and must come to the store.

What goes through a queue is a notification of a type of our own. Any gateway stores it as it stores
others, and no handler gets it, so nothing is called and nothing is sent on. Of Amazon's sandbox, a
notification is asked for that Amazon makes up; handlers take it for a real one.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

import orjson

from gateway.aws.provisioning.clients import AwsRefusedError
from gateway.clock import rfc3339
from gateway.doctor.kinds import found, well
from gateway.errors import NotFoundError, SpApiError
from gateway.findings import Finding
from gateway.routing import TRIAL_TYPE

if TYPE_CHECKING:
    from gateway.clock import Clock
    from gateway.doctor.check import Before
    from gateway.doctor.queues import Aim, MakeClients
    from gateway.doctor.store import StoreDoor
    from gateway.store import Store

_LOOK_EVERY_S: Final = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxTest:
    """A notification that Amazon's sandbox is asked to send.

    Attributes:
        scenario: One of Amazon's names for what is in it.
        destination_id: Amazon's id of a destination that is a queue of ours.
    """

    type: str
    scenario: str
    destination_id: str


class Sandbox(Protocol):
    """Who asks Amazon's sandbox."""

    @property
    def there(self) -> bool:
        """Whether the settings point to it."""
        ...

    async def send_test(self, test: SandboxTest) -> None:
        """Have the notification sent.

        Raises:
            SpApiError: Amazon refuses, or can't be reached.
        """
        ...


class TrialCheck:
    """See the module."""

    name: str = "trial"
    needs: Sequence[str] = ("store",)

    def __init__(
        self,
        aims: Sequence[Aim],
        make_clients: MakeClients,
        door: StoreDoor,
        *,
        clock: Clock,
        patience_s: float,
        sandbox: Sandbox,
        test: SandboxTest | None,
    ) -> None:
        """Bind what is tried; it is waited for `patience_s` at most."""
        self._aims = aims
        self._make_clients = make_clients
        self._door = door
        self._clock = clock
        self._patience_s = patience_s
        self._sandbox = sandbox
        self._test = test

    async def look(self, before: Before) -> AsyncGenerator[Finding]:  # noqa: ARG002 see `Check`
        """See `Check`."""
        store = await self._door.open()
        tries = [self._through(aim, store) for aim in self._aims]
        if self._test is not None:
            tries.append(self._from_sandbox(self._test, store))
        for one in await asyncio.gather(*tries):
            yield one

    async def _through(self, aim: Aim, store: Store) -> Finding:
        identity = f"trial-{uuid.uuid4()}"
        body = _message(identity, self._clock.now_ms())
        try:
            await asyncio.to_thread(self._send, aim, body)
        except AwsRefusedError as exc:
            return found("trial.not_sent", aim.subject, f"takes no message from us: {exc}")

        async def came() -> bool:
            try:
                return bool(await store.traces.trace(identity))
            except NotFoundError:
                return False

        return await self._awaited(f"message that was sent to {aim.subject}", came)

    async def _from_sandbox(self, test: SandboxTest, store: Store) -> Finding:
        subject = f"{test.type} of Amazon's sandbox"
        if not self._sandbox.there:
            return found("trial.no_sandbox", subject, "is not asked for")
        newest = await _newest(store, test.type)
        try:
            await self._sandbox.send_test(test)
        except SpApiError as exc:
            return found("trial.not_sent", subject, str(exc))

        async def came() -> bool:
            return await _newest(store, test.type) != newest

        return await self._awaited(subject, came)

    async def _awaited(self, subject: str, came: Callable[[], Awaitable[bool]]) -> Finding:
        began_s = self._clock.monotonic_s()
        while not await came():
            if self._clock.monotonic_s() - began_s >= self._patience_s:
                late = f"did not come to the store within {self._patience_s:g} s"
                return found("trial.not_seen", subject, late)
            await self._clock.sleep(_LOOK_EVERY_S)
        took_s = self._clock.monotonic_s() - began_s
        return well("trial", subject, f"came to the store within {took_s:.1f} s")

    def _send(self, aim: Aim, body: str) -> None:
        clients = self._make_clients(aim.region, aim.endpoint)
        clients.call("sqs", "send_message", QueueUrl=aim.url, MessageBody=body)


async def _newest(store: Store, notification_type: str) -> str | None:
    there = await store.lists.notifications(notification_type=notification_type, limit=1)
    return there[0].id if there else None


def _message(identity: str, now_ms: int) -> str:
    """Return a message as Amazon would send it."""
    envelope = {
        "NotificationVersion": "1.0",
        "NotificationType": TRIAL_TYPE,
        "PayloadVersion": "1.0",
        "EventTime": rfc3339(now_ms),
        "Payload": {},
        "NotificationMetadata": {"NotificationId": identity, "PublishTime": rfc3339(now_ms)},
    }
    return orjson.dumps(envelope).decode()
