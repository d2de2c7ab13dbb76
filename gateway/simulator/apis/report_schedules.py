"""Report schedules: reports that are requested again and again by themselves.

Source: Amazon's page "Reports API v2021-06-30".
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from gateway.clock import rfc3339
from gateway.simulator.apis.reports import read_request
from gateway.simulator.spapi.answers import bad_input, not_found
from gateway.simulator.spapi.call import Answer, Call, time_ms

if TYPE_CHECKING:
    from gateway.clock import Clock
    from gateway.simulator.agenda import Agenda
    from gateway.simulator.apis.reports import Reports
    from gateway.simulator.spapi.call import Answering

_FIRST_ID = 50_000_010_000
_PERIOD = re.compile(r"P(?:(\d+)D|T(\d+)H|T(\d+)M|(\d)M)")
_DAYS = (1, 2, 3, 7, 14, 15, 18, 30)
_PERIODS = frozenset(
    ["PT5M", "PT15M", "PT30M", "PT1H", "PT2H", "PT4H", "PT8H", "PT12H", "PT84H", "P1M"]
    + [f"P{days}D" for days in _DAYS]
)
_MINUTES = (1_440, 60, 1, 43_200)


class ReportSchedules:
    """The schedules of all sellers."""

    def __init__(self, reports: Reports, *, clock: Clock, agenda: Agenda) -> None:
        self._reports = reports
        self._clock = clock
        self._agenda = agenda
        self._by_seller: defaultdict[str, dict[str, dict[str, Any]]] = defaultdict(dict)
        self._count = 0

    def answers(self) -> Mapping[str, Answering]:
        """See `Api`."""
        return {
            "reports.2021-06-30.createReportSchedule": self._create,
            "reports.2021-06-30.getReportSchedules": self._list,
            "reports.2021-06-30.getReportSchedule": lambda call: Answer(body=self._called(call)),
            "reports.2021-06-30.cancelReportSchedule": self._cancel,
        }

    def _create(self, call: Call) -> Answer:
        asked, fields = read_request(call), call.fields()
        period = fields.get("period")
        if period not in _PERIODS:
            raise bad_input(f"period is one of {', '.join(sorted(_PERIODS))}.", "period")
        first_ms = self._clock.now_ms()
        if (given := fields.get("nextReportCreationTime")) is not None:
            first_ms = max(first_ms, time_ms(given, "nextReportCreationTime"))
        mine = self._by_seller[call.seller.id]
        for schedule_id, other in list(mine.items()):
            if (other["reportType"], other["marketplaceIds"]) == (
                asked["reportType"],
                asked["marketplaceIds"],
            ):
                # Amazon cancels the schedule that a new one of the same kind replaces.
                del mine[schedule_id]
        self._count += 1
        schedule_id = str(_FIRST_ID + self._count)
        mine[schedule_id] = {
            "reportScheduleId": schedule_id,
            **asked,
            "period": period,
            "nextReportCreationTime": rfc3339(first_ms),
        }
        self._note(call.seller.id, schedule_id, first_ms, call.caller.region)
        return Answer(status=201, body={"reportScheduleId": schedule_id})

    def _note(self, seller_id: str, schedule_id: str, at_ms: int, region: str) -> None:
        def due() -> None:
            schedule = self._by_seller[seller_id].get(schedule_id)
            if schedule is None:
                return
            asked: dict[str, Any] = {
                name: schedule[name]
                for name in ("reportType", "marketplaceIds", "reportOptions")
                if name in schedule
            }
            self._reports.begin(seller_id, asked, region=region, schedule_id=schedule_id)
            next_ms = at_ms + _minutes(schedule["period"]) * 60_000
            schedule["nextReportCreationTime"] = rfc3339(next_ms)
            self._note(seller_id, schedule_id, next_ms, region)

        self._agenda.at(at_ms, due)

    def _list(self, call: Call) -> Answer:
        types = call.listed("reportTypes")
        if not types:
            raise bad_input("reportTypes is required.", "reportTypes")
        mine = self._by_seller[call.seller.id].values()
        shown = [schedule for schedule in mine if schedule["reportType"] in types]
        return Answer(body={"reportSchedules": shown})

    def _cancel(self, call: Call) -> Answer:
        del self._by_seller[call.seller.id][self._called(call)["reportScheduleId"]]
        return Answer(body={})

    def _called(self, call: Call) -> Mapping[str, Any]:
        schedule_id = call.arguments["reportScheduleId"]
        schedule = self._by_seller[call.seller.id].get(schedule_id)
        if schedule is None:
            raise not_found("report schedule", schedule_id)
        return schedule


def _minutes(period: str) -> int:
    match = _PERIOD.fullmatch(period)
    assert match is not None, period
    return sum(
        int(number) * minutes
        for number, minutes in zip(match.groups(), _MINUTES, strict=True)
        if number
    )
