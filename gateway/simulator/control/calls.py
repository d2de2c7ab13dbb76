"""Control of calls: counts, usage plans, and what goes wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.errors import InvalidInputError
from gateway.model import UsagePlan
from gateway.simulator.control.fields import Fields, Routes, number, text

if TYPE_CHECKING:
    from gateway.simulator.spapi.faults import SpApiFaults
    from gateway.simulator.spapi.lwa import Lwa
    from gateway.simulator.spapi.usage import Usage
    from gateway.simulator.sqs.faults import SqsFaults


class CallControl:
    """Routes over calls and faults."""

    def __init__(
        self, *, lwa: Lwa, usage: Usage, spapi_faults: SpApiFaults, sqs_faults: SqsFaults
    ) -> None:
        self._lwa = lwa
        self._usage = usage
        self._spapi_faults = spapi_faults
        self._sqs_faults = sqs_faults

    def routes(self) -> Routes:
        """Return the routes by method and path."""
        return {
            ("GET", "/calls"): lambda _: {"items": self._usage.show(), "lwa": self._lwa.calls},
            ("GET", "/plans"): lambda _: self._plans(),
            ("PUT", "/plans"): self._plan,
            ("DELETE", "/plans"): self._no_plans,
            ("GET", "/sqs/faults"): lambda _: self._sqs_faults.show(),
            ("PUT", "/sqs/faults"): self._turn,
            ("DELETE", "/sqs/faults"): lambda _: self._clear(self._sqs_faults),
            ("GET", "/spapi/faults"): lambda _: self._in_force(),
            ("POST", "/spapi/faults"): self._add,
            ("DELETE", "/spapi/faults"): lambda _: self._clear(self._spapi_faults),
        }

    def _plans(self) -> object:
        return {
            "items": [
                {"operation": name, "rate": plan.rate_per_s, "burst": plan.burst}
                for name, plan in self._usage.plans.items()
            ]
        }

    def _plan(self, fields: Fields) -> object:
        rate_per_s, burst = number(fields, "rate", 0), number(fields, "burst", 1)
        if rate_per_s <= 0 or burst < 1:
            raise InvalidInputError("rate takes a number above 0, and burst one from 1 up")
        self._usage.plans[text(fields, "operation")] = UsagePlan(
            rate_per_s=rate_per_s, burst=int(burst)
        )
        return self._plans()

    def _no_plans(self, _: Fields) -> object:
        self._usage.plans.clear()
        return {}

    def _turn(self, fields: Fields) -> object:
        self._sqs_faults.turn(fields)
        return self._sqs_faults.show()

    def _clear(self, faults: SqsFaults | SpApiFaults) -> object:
        faults.clear()
        return {}

    def _in_force(self) -> object:
        return {"items": self._spapi_faults.show()}

    def _add(self, fields: Fields) -> object:
        chance, times = fields.get("chance", 1.0), fields.get("times")
        if not isinstance(chance, int | float) or not isinstance(times, int | None):
            raise InvalidInputError("chance takes a number and times a whole one")
        self._spapi_faults.add(
            text(fields, "fault"),
            operation=fields.get("operation"),
            seller=fields.get("seller"),
            chance=chance,
            times=times,
        )
        return self._in_force()
