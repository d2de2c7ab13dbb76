"""Sellers by command; their tokens go in and never come out."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from tests.integration.cli.conftest import Gateway

APPLICATION = '[{"id": "main", "client_id": "c", "client_secret": "app-secret"}]'


@pytest.fixture
def known(gateway: Gateway) -> Gateway:
    gateway.environ["SPGW_APPLICATIONS"] = APPLICATION
    Path("token").write_text("Atzr|hidden-token\n")
    return gateway


def add(gateway: Gateway, *more: str, region: str = "eu") -> dict[str, object]:
    added: dict[str, object] = gateway(
        "sellers", "add", "A1", "--application", "main", "--region", region,
        "--refresh-token-file", "token", *more,
    )  # fmt: skip
    return added


def test_a_seller_in_two_regions(known: Gateway) -> None:
    added = add(known, "--marketplace", "A1PA6795UKMFR9", "--subscription", "s-1")
    assert added["authorisations"] == [
        {
            "id": "A1",
            "application_id": "main",
            "region": "eu",
            "marketplace_ids": ["A1PA6795UKMFR9"],
            "tags": [],
            "state": "active",
            "paused_reason": None,
            "paused_by": None,
            "authorised_at": None,
            "authorised_until": None,
            "checked_at": None,
            "check_fault": None,
            "reason": None,
        }
    ]
    add(known, region="na")
    listed = known("sellers", "list")
    assert [row["region"] for row in listed["items"]] == ["eu", "na"]
    for command in (["sellers", "list"], ["sellers", "show", "A1"]):
        assert "hidden-token" not in known.said(*command)
    stored = b"".join(file.read_bytes() for file in Path().glob("gateway.db*"))
    assert b"hidden-token" not in stored
    assert b"app-secret" not in stored


def test_pause_and_resume(known: Gateway) -> None:
    add(known)
    paused = known("sellers", "pause", "A1", "--reason", "holiday")
    assert paused["authorisations"][0]["paused_reason"] == "holiday"
    Path("token").write_text("Atzr|another-token\n")
    add(known)  # a new authorisation
    (listed,) = known("sellers", "list", "--state", "paused")["items"]
    assert (listed["reason"], listed["paused_by"]) == ("holiday", "operator")
    assert known("sellers", "resume", "A1")["authorisations"][0]["state"] == "active"
    for command in ("show", "pause", "resume"):
        known.fails(1, "sellers", command, "A9")


def test_the_token_may_come_from_stdin(known: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("Atzr|from-stdin\n"))
    known("sellers", "add", "A1", "--application", "main", "--region", "eu",
          "--refresh-token-file", "-")  # fmt: skip


@pytest.mark.parametrize(
    ("application", "region", "file"),
    [
        ("other", "eu", "token"),
        ("main", "us", "token"),
        ("main", "eu", "absent"),
        ("main", "eu", "empty"),
    ],
)
def test_what_is_refused(known: Gateway, application: str, region: str, file: str) -> None:
    Path("empty").touch()
    known.fails(2, "sellers", "add", "A1", "--application", application, "--region", region,
                "--refresh-token-file", file)  # fmt: skip
    assert known("sellers", "list")["items"] == []


def test_each_change_of_a_seller_is_in_the_log_without_its_token(known: Gateway) -> None:
    add(known)
    known("sellers", "pause", "A1", "--reason", "holiday")
    known("sellers", "resume", "A1")
    known.fails(1, "sellers", "pause", "A9")
    log = known("audit", "list")["items"]
    assert [one["action"] for one in log] == ["seller.resume", "seller.pause", "seller.add"]
    assert {one["object_id"] for one in log} == {"A1"}
    assert log[1]["changes"] == {"paused_reason": {"from": None, "to": "holiday"}}
    assert "hidden-token" not in str(log)


def test_sellers_are_listed_by_tag_state_region_and_application_page_by_page(
    known: Gateway,
) -> None:
    add(known, "--tag", "gold", "--authorised-on", "2026-01-31")
    add(known, region="na")
    add(known, region="fe")
    updated = known("sellers", "update", "A1", "--region", "na", "--tag", "gold", "--tag", "new")
    assert [one["tags"] for one in updated["authorisations"]] == [["gold"], [], ["gold", "new"]]
    assert updated["authorisations"][0]["authorised_until"] == "2027-01-31T00:00:00.000Z"

    def regions(*arguments: str) -> list[str]:
        return [one["region"] for one in known("sellers", "list", *arguments)["items"]]

    assert regions("--tag", "gold") == ["eu", "na"]
    assert regions("--tag", "gold", "--region", "na") == ["na"]
    assert regions("--application", "other") == []
    known("sellers", "update", "A1", "--untag", "gold")
    assert regions("--tag", "gold") == []
    known("sellers", "pause", "A1")
    assert len(regions("--state", "paused")) == 3
    first = known("sellers", "list", "--limit", "2")
    assert first["next_cursor"] == "A1:fe"
    assert regions("--limit", "2", "--after", first["next_cursor"]) == ["na"]
    known.fails(2, "sellers", "update", "A1")
    known.fails(1, "sellers", "update", "A9", "--tag", "gold")
    changes = known("audit", "list")["items"][-4]
    assert (changes["action"], changes["changes"]["tag"]["to"]) == (
        "seller.update",
        ["gold", "new"],
    )


def test_a_seller_is_removed_unless_the_settings_bring_it_back(known: Gateway) -> None:
    add(known)
    add(known, region="na")
    assert known("sellers", "remove", "A1", "--region", "na")["removed"]
    assert len(known("sellers", "show", "A1")["authorisations"]) == 1
    known("sellers", "remove", "A1")
    known.fails(1, "sellers", "remove", "A1")
    assert known("audit", "list")["items"][0]["action"] == "seller.remove"
    known.environ["SPGW_SELLERS"] = (
        '[{"id": "A1", "application": "main", "region": "eu", "refresh_token": "t"}]'
    )
    known.fails(2, "sellers", "remove", "A1")


SOLUTION = (
    '[{"id": "main", "client_id": "c", "client_secret": "s", "solution_id": "amzn1.sp.solution.1"},'
    ' {"id": "plain", "client_id": "c", "client_secret": "s"}]'
)


@pytest.fixture
def inviting(known: Gateway) -> Gateway:
    known.environ["SPGW_APPLICATIONS"] = SOLUTION
    known.environ["SPGW_ONBOARDING__PUBLIC_URL"] = "https://gateway.example/"
    return known


def test_a_link_is_printed_for_new_sellers_and_for_one_who_is_known(inviting: Gateway) -> None:
    printed = inviting("sellers", "authorize", "--marketplace", "DE", "--tag", "gold")
    assert printed["url"].startswith("https://gateway.example/oauth/start?link=")
    shown = {name: printed[name] for name in ("application_id", "region", "marketplace_id")}
    assert shown == {"application_id": "main", "region": "eu", "marketplace_id": "A1PA6795UKMFR9"}
    assert inviting.said("sellers", "authorize", "--region", "fe").startswith("https://")
    add(inviting)
    again = inviting("sellers", "authorize", "--seller", "A1", "--days", "1")
    assert (again["seller_id"], again["region"]) == ("A1", "eu")
    inviting.fails(1, "sellers", "authorize", "--seller", "A9", "--region", "eu")
    inviting.fails(2, "sellers", "authorize")
    inviting.fails(2, "sellers", "authorize", "--marketplace", "DE", "--region", "na")
    inviting.fails(2, "sellers", "authorize", "--marketplace", "MOON")
    inviting.fails(2, "sellers", "authorize", "--region", "eu", "--application", "plain")
    add(inviting, region="na")
    inviting.fails(2, "sellers", "authorize", "--seller", "A1")
    del inviting.environ["SPGW_ONBOARDING__PUBLIC_URL"]
    inviting.fails(2, "sellers", "authorize", "--region", "eu")
