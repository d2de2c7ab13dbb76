"""The examination: checks run side by side, each within its time, in the order of what they need.

A check whose ground is missing (a store that can't be opened, a Login with Amazon that is away)
is not run: it says so, names what is in its way, and how that is mended.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, aclosing
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import structlog

from gateway.clock import Clock, rfc3339
from gateway.doctor.check import Before, Check
from gateway.doctor.declarations import SETTINGS, of_fault
from gateway.doctor.kinds import BLOCKING, found, skipped
from gateway.errors import Fault, GatewayError, InvalidInputError
from gateway.findings import Finding, Level, worst
from gateway.telemetry.redaction import redact_text

LIMIT_S = 30.0

_log: structlog.stdlib.BoundLogger = structlog.get_logger("gateway.doctor")


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What an examination found.

    Attributes:
        findings: By check, in the checks' own order.
        took_s: How long it took.
    """

    at_ms: int
    took_s: float
    findings: Mapping[str, Sequence[Finding]]

    @property
    def all(self) -> Sequence[Finding]:
        """The findings of all checks."""
        return [one for findings in self.findings.values() for one in findings]

    @property
    def level(self) -> Level:
        """How it stands on the whole; what could not be looked at counts as a warning."""
        level = worst(self.all)
        return Level.WARNING if level is Level.SKIPPED else level

    def as_data(self) -> dict[str, Any]:
        """Return it as one JSON object: a summary, and the findings in a list."""
        levels = [one.level for one in self.all]
        return {
            "summary": {
                "level": self.level.value,
                **{f"{level.value}": levels.count(level) for level in Level},
                "checks": list(self.findings),
                "examined_at": rfc3339(self.at_ms),
                "took_s": round(self.took_s, 3),
            },
            "findings": [
                {"check": check, **asdict(one), "level": one.level.value}
                for check, findings in self.findings.items()
                for one in findings
            ],
        }


def refused(faults: Sequence[Fault], *, at_ms: int) -> Report:
    """Return the report where the settings can't even be read: nothing else is looked at."""
    findings = [of_fault(fault) for fault in faults]
    return Report(at_ms=at_ms, took_s=0.0, findings={SETTINGS: findings})


class Doctor:
    """Examines, as often as it is asked; examinations don't disturb each other.

    Args:
        opened: Opens what the checks look through, for one examination, and gives the checks.
        limit_s: How long one check may take.
        limits_s: How long single checks may take instead, by name.
    """

    def __init__(
        self,
        opened: Opened,
        *,
        names: Collection[str],
        clock: Clock,
        limit_s: float = LIMIT_S,
        limits_s: Mapping[str, float] | None = None,
    ) -> None:
        self._opened = opened
        self._names = tuple(names)
        self._clock = clock
        self._limits_s = dict.fromkeys(self._names, limit_s) | dict(limits_s or {})

    async def examine(self, *, only: Collection[str] = (), skip: Collection[str] = ()) -> Report:
        """Run the checks and return what they found; nothing that they meet raises.

        Args:
            only: Names of the checks to report; all where empty. What they need is run too.
            skip: Names of checks to leave out.

        Raises:
            InvalidInputError: There is no check of a name.
        """
        chosen = self._chosen(only, skip)
        at_ms, started_s = self._clock.now_ms(), self._clock.monotonic_s()
        async with self._opened() as checks:
            found_by = await _Round(checks, chosen, self._limits_s).findings()
        return Report(at_ms=at_ms, took_s=self._clock.monotonic_s() - started_s, findings=found_by)

    def _chosen(self, only: Collection[str], skip: Collection[str]) -> Sequence[str]:
        for name in (*only, *skip):
            if name not in self._names:
                raise InvalidInputError(
                    f"there is no check {name!r}; write one of {', '.join(self._names)}"
                )
        return [name for name in self._names if (not only or name in only) and name not in skip]


class Opened(Protocol):
    """See `Doctor`."""

    def __call__(self) -> AbstractAsyncContextManager[Sequence[Check]]:
        """Open what one examination looks through."""
        ...


class _Round:
    """One examination of the chosen checks, and of those that they need."""

    def __init__(
        self, checks: Sequence[Check], chosen: Sequence[str], limits_s: Mapping[str, float]
    ) -> None:
        self._checks = {check.name: check for check in checks}
        self._chosen = chosen
        self._limits_s = limits_s
        self._done: dict[str, asyncio.Future[Sequence[Finding]]] = {}

    async def findings(self) -> Mapping[str, Sequence[Finding]]:
        loop = asyncio.get_running_loop()
        run = self._with_needed()
        self._done = {name: loop.create_future() for name in run}
        await asyncio.gather(*(self._run(self._checks[name]) for name in run))
        return {name: self._done[name].result() for name in self._chosen}

    def _with_needed(self) -> Sequence[str]:
        wanted: set[str] = set()

        def want(name: str) -> None:
            if name not in wanted:
                wanted.add(name)
                for needed in self._checks[name].needs:
                    want(needed)

        for name in self._chosen:
            want(name)
        return [name for name in self._checks if name in wanted]

    async def _run(self, check: Check) -> None:
        before = {name: await self._done[name] for name in check.needs}
        in_the_way = next(
            (one for findings in before.values() for one in findings if _blocks(one)), None
        )
        if in_the_way is not None:
            result: Sequence[Finding] = [skipped(check.name, in_the_way)]
        else:
            result = await self._looked(check, before)
        self._done[check.name].set_result(result)

    async def _looked(self, check: Check, before: Before) -> Sequence[Finding]:
        findings: list[Finding] = []
        limit_s = self._limits_s[check.name]
        try:
            async with asyncio.timeout(limit_s), aclosing(check.look(before)) as looking:
                async for one in looking:
                    findings.append(one)  # noqa: PERF401 kept one by one, should it be cut off
        except TimeoutError:
            what = f"was not through after {limit_s:g} s"
            findings.append(found("check.timed_out", f"check {check.name}", what, check=check.name))
        except GatewayError as exc:
            findings.append(_failed(check, str(exc)))
        except Exception as exc:  # noqa: BLE001 a fault of one check must not cost the others
            _log.exception("doctor.check_failed", check=check.name)
            findings.append(_failed(check, f"{type(exc).__name__}: {exc}"))
        return findings


def _failed(check: Check, text: str) -> Finding:
    what = f"could not be carried out: {redact_text(text)}"
    return found("check.failed", f"check {check.name}", what, check=check.name)


def _blocks(one: Finding) -> bool:
    return one.level is Level.SKIPPED or one.id in BLOCKING
