"""What an event says of an examination."""

from __future__ import annotations

from gateway.doctor.examination import Report
from gateway.findings import Finding, Level
from gateway.service.silence import findings_of


def finding(level: Level, number: int = 0) -> Finding:
    return Finding(
        id=f"queue.{number}",
        level=level,
        subject="orders",
        what="x" * 2_000,
        mend="gateway aws setup",
    )


def test_what_is_amiss_is_told_the_worst_first_and_bounded() -> None:
    warnings = [finding(Level.WARNING, number) for number in range(30)]
    well = [finding(Level.OK), finding(Level.SKIPPED)]
    report = Report(
        at_ms=1, took_s=0.1, findings={"queues": [*well, *warnings], "bus": [finding(Level.FAULT)]}
    )
    told = findings_of(report)
    assert (told["fault"], told["looked_at"], len(told["findings"])) == (None, 33, 20)
    assert [one["level"] for one in told["findings"][:2]] == ["fault", "warning"]
    assert told["findings"][0]["what"] == "x" * 500
    assert set(told["findings"][0]) == {"id", "level", "subject", "what", "why", "mend"}
