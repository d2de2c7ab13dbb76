"""Single calls that change an AWS account, as values: shown before they are made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gateway.aws.provisioning.clients import Clients


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One call.

    Attributes:
        service: As boto3 names it.
        operation: As boto3 names it.
        why: What it is for, in one line.
        alters: Whether it changes or removes what exists; such a step is never made unasked.
        adds: The statements that an existing policy gains by it.
    """

    service: str
    operation: str
    parameters: Mapping[str, Any]
    why: str
    alters: bool = False
    adds: Sequence[Mapping[str, Any]] = field(default=())


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Steps in their order, and what they can't do.

    Attributes:
        waits: What is not done yet because somebody else has to do something first.
    """

    steps: Sequence[Step]
    waits: Sequence[str] = ()

    @property
    def alters(self) -> bool:
        """Whether something that exists is changed or removed."""
        return any(step.alters for step in self.steps)


def take(clients: Clients, step: Step) -> None:
    """Make the call.

    Raises:
        AwsRefusedError: It failed; what was done before stays, and set-up may be run again.
    """
    clients.call(step.service, step.operation, **step.parameters)
