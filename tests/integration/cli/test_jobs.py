"""`gateway jobs`, with a job of a team's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.cli.conftest import Gateway

MODULE = '''
"""A job of a team's own."""
from datetime import date

from pydantic import BaseModel

from gateway import Context, Notification, Router

router = Router()


class Options(BaseModel, extra="forbid"):
    date_start: date | None = None
    statuses: list[str] = []


@router.job(Options)
async def acme_export(request: Notification[Options], ctx: Context) -> None:
    """Do nothing."""
'''
SCHEDULES = """
[handlers]
modules = ["acme_cli_jobs"]

[[schedules]]
name = "nightly"
job = "acme_export"
cron = "0 3 * * *"
options = { statuses = ["DONE"] }
"""


@pytest.fixture
def team(gateway: Gateway, tmp_path: Path) -> Gateway:
    (tmp_path / "acme_cli_jobs.py").write_text(MODULE)
    (tmp_path / "gateway.toml").write_text(SCHEDULES)
    return gateway


def test_a_job_is_requested_and_shown(team: Gateway) -> None:
    asked = team(
        *("jobs", "run", "acme_export", "--seller", "A1", "--seller", "A2"),
        *("--from", "2026-11-01", "--option", 'statuses=["DONE"]'),
    )["items"]
    assert [one["seller_id"] for one in asked] == ["A1", "A2"]
    listed = team("jobs", "list", "--job", "acme_export")["items"]
    assert {one["id"] for one in listed} == {one["id"] for one in asked}
    assert {(one["state"], one["origin"]) for one in listed} == {("pending", "request")}
    shown = team("jobs", "show", asked[0]["id"])
    assert shown["options"] == {"date_start": "2026-11-01", "statuses": ["DONE"]}
    assert [one["handler"] for one in shown["handlings"]] == ["acme_export"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("acme_export",), "--seller"),
        (("acme_export", "--seller", "A1", "--option", "x=1"), "x: Extra inputs"),
        (("acme_export", "--seller", "A1", "--from", "soon"), "date_start"),
        (("acme_export", "--seller", "A1", "--option", "x"), "NAME=VALUE"),
        (("none", "--seller", "A1"), "known here: acme_export"),
    ],
)
def test_what_cant_be_asked_for_is_refused(
    team: Gateway, arguments: tuple[str, ...], says: str
) -> None:
    code = 2 if arguments[0] == "acme_export" else 1
    assert says in team.fails(code, "jobs", "run", *arguments)["detail"]


def test_schedules_are_shown_and_checked(team: Gateway, tmp_path: Path) -> None:
    (one,) = team("jobs", "schedules")["items"]
    assert one["next"].endswith("T03:00:00.000Z")
    wrong = SCHEDULES.replace("statuses", "status").replace("acme_export", "acme_export")
    (tmp_path / "gateway.toml").write_text(wrong)
    assert "status: Extra inputs" in str(team.fails(4, "jobs", "schedules"))
