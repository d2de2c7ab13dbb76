"""Application Management 2023-11-30: the rotation of an application's client secret.

The new secret goes to the queue that is registered with the application; the old one works for a
week more. Source: Amazon's page "Rotate your application client secret".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from gateway.simulator.payloads import Subject
from gateway.simulator.spapi.answers import RefusalError
from gateway.simulator.spapi.call import Answer, Call

if TYPE_CHECKING:
    from gateway.clock import Clock
    from gateway.simulator.apis.publishing import Publisher
    from gateway.simulator.spapi.accounts import Accounts
    from gateway.simulator.spapi.call import Answering


class ApplicationManagement:
    """The one operation.

    Args:
        accounts: Whose secrets.
        publisher: Sends the new secret.
        queue_arn: Queue that is registered with every application; None where none is.
        clock: Time of the rotation.
    """

    def __init__(
        self, accounts: Accounts, publisher: Publisher, *, queue_arn: str | None, clock: Clock
    ) -> None:
        self._accounts = accounts
        self._publisher = publisher
        self._queue_arn = queue_arn
        self._clock = clock

    def answers(self) -> Mapping[str, Answering]:
        """See `Api`."""
        name = "applicationManagement.2023-11-30.rotateApplicationClientSecret"
        return {name: self._rotate}

    def _rotate(self, call: Call) -> Answer:
        if self._queue_arn is None:
            raise RefusalError(
                400, "InvalidInput", "No queue is registered with the application for its secrets."
            )
        rotated = self._accounts.rotate(call.caller.application)
        if rotated is None:
            raise RefusalError(
                400, "InvalidInput", "Only the secret of a listed application can be rotated."
            )
        about = Subject(
            seller_id="",
            at_ms=self._clock.now_ms(),
            client_id=rotated.client_id,
            client_secret=rotated.secret,
            new_secret_ends_at_ms=rotated.ends_at_ms,
            old_secret_ends_at_ms=rotated.old_ends_at_ms,
        )
        self._publisher.to_queue(
            "APPLICATION_OAUTH_CLIENT_NEW_SECRET",
            about,
            arn=self._queue_arn,
            application=call.caller.application,
        )
        return Answer(status=204)
