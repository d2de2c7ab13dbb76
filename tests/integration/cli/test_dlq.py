"""`gateway dlq` against two SQS servers; boto3 and the AWS CLI judge what it says and does."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.cli.app import call
from tests.integration.cli.conftest import Gateway
from tests.integration.cli.dead_letters import (
    REGION,
    Queues,
    identity_of,
    new_secret,
    order,
    report,
)
from tests.support.emulators import local_sqs_server, ministack_server

SERVERS = {"local": local_sqs_server, "ministack": ministack_server}
AWS = Path(__file__).parents[3] / ".tools" / "awscli" / "bin" / "aws"
KEYS = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_EC2_METADATA_DISABLED": "true",
}
POSTAL_CODE = "10115"
BROKEN = "not json, but Jane Doe's"
MIXED = [order(1), order(2), order(3, "ASELLER2"), report(1), report(2), BROKEN]


@pytest.fixture(scope="module", params=sorted(SERVERS))
def endpoint(request: pytest.FixtureRequest) -> Iterator[str]:
    with SERVERS[request.param]() as url:
        yield url


@pytest.fixture(scope="module")
def local() -> Iterator[str]:
    with local_sqs_server() as url:
        yield url


@pytest.fixture(autouse=True)
def _keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)


def aws(endpoint: str, *arguments: str) -> Any:
    """Run `aws sqs …` and return what it prints."""
    if not AWS.exists():
        raise RuntimeError(f"{AWS} is missing: run `make tools`")
    done = subprocess.run(
        [AWS, "sqs", *arguments, "--endpoint-url", endpoint, "--output", "json"],
        env={"PATH": os.environ["PATH"], "AWS_DEFAULT_REGION": REGION, **KEYS},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return json.loads(done.stdout) if done.stdout.strip() else None


# ── looking ──────────────────────────────────────────────────────────────────────────────────────


def test_a_look_takes_nothing_and_costs_each_message_one_receive(
    endpoint: str, gateway: Gateway
) -> None:
    queues = Queues(endpoint)
    queues.fill(queues.dead, MIXED)
    for looks in (1, 2):
        found = gateway("dlq", "peek", queues.dead, *queues.there)["items"]
        assert len(found) == len(MIXED)
        assert {each["receive_count"] for each in found} == {looks}
        assert queues.counts(queues.dead) == (len(MIXED), 0)
    left = queues.drain(queues.dead)
    assert {each["Attributes"]["ApproximateReceiveCount"] for each in left} == {"3"}
    assert sorted(each["Body"] for each in left) == sorted(MIXED)


def test_groups_and_filters_tell_messages_apart(endpoint: str, gateway: Gateway) -> None:
    queues = Queues(endpoint)
    queues.fill(queues.dead, MIXED)

    def peek(*options: str) -> Any:
        return gateway("dlq", "peek", queues.dead, *queues.there, *options)["items"]

    kinds = peek("--by", "type", "--by", "seller")
    assert {(each["type"], each["seller_id"]): each["messages"] for each in kinds} == {
        ("ORDER_CHANGE", "ASELLER1"): 2,
        ("ORDER_CHANGE", "ASELLER2"): 1,
        ("REPORT_PROCESSING_FINISHED", "ASELLER1"): 2,
        (None, None): 1,
    }
    reasons = {each["reason"]: each["messages"] for each in peek("--by", "reason")}
    assert reasons == {"received_too_often": 5, "unreadable": 1}
    assert len(peek("--type", "ORDER_CHANGE", "--seller", "ASELLER2")) == 1
    assert len(peek("--reason", "unreadable")) == 1
    assert [each["identity"] for each in peek("--text", "REPORT-2")] == ["report-2"]
    assert peek("--older-than", "1h") == []
    assert len(peek("--younger-than", "1h")) == len(MIXED)
    assert peek("--max-receives", "1") == []
    assert len(peek("--min-receives", "2", "--limit", "2")) == 2


def test_an_error_code_of_the_sender_is_the_reason(local: str, gateway: Gateway) -> None:
    queues = Queues(local)
    code = {"ERROR_CODE": {"DataType": "String", "StringValue": "NO_PERMISSIONS"}}
    queues.fill(queues.dead, [{"MessageBody": order(1), "MessageAttributes": code}])
    [found] = gateway("dlq", "peek", queues.dead, *queues.there)["items"]
    assert found["reason"] == "NO_PERMISSIONS"


def test_a_filter_of_a_wrong_form_is_refused(local: str, gateway: Gateway) -> None:
    queues = Queues(local)
    for options in (("--older-than", "soon"), ("--by", "colour")):
        gateway.fails(2, "dlq", "peek", queues.dead, *queues.there, *options)


def test_a_queue_is_found_by_name_and_one_that_is_not_there_is_told(
    endpoint: str, gateway: Gateway
) -> None:
    queues = Queues(endpoint)
    queues.fill(queues.dead, [order(1)])
    name = queues.dead.rpartition("/")[2]
    assert len(gateway("dlq", "peek", name, *queues.there)["items"]) == 1
    problem = gateway.fails(1, "dlq", "peek", "nowhere", *queues.there)
    assert "nowhere" in problem["detail"]


def test_show_finds_one_message_and_tells_of_one_that_is_not_there(
    endpoint: str, gateway: Gateway
) -> None:
    queues = Queues(endpoint)
    queues.fill(queues.dead, MIXED)
    [wanted] = gateway("dlq", "peek", queues.dead, *queues.there, "--text", "order-3")["items"]
    shown = gateway("dlq", "show", queues.dead, wanted["message_id"], *queues.there, "--reveal")
    assert shown["body"] == json.loads(order(3, "ASELLER2"))
    gateway.fails(1, "dlq", "show", queues.dead, "no-such-id", *queues.there)
    assert queues.counts(queues.dead) == (len(MIXED), 0)


def test_a_policy_of_its_own_forbids_a_look_until_it_is_accepted(
    local: str, gateway: Gateway
) -> None:
    queues = Queues(local)
    last = queues.queue("last")
    policy = json.dumps({"deadLetterTargetArn": queues.arn(last), "maxReceiveCount": "2"})
    queues.sqs.set_queue_attributes(QueueUrl=queues.dead, Attributes={"RedrivePolicy": policy})
    queues.fill(queues.dead, MIXED)
    problem = gateway.fails(2, "dlq", "peek", queues.dead, *queues.there)
    assert "2 times" in problem["detail"]
    taken = ("--type", "ORDER_CHANGE")
    gateway.fails(2, "dlq", "redrive", queues.dead, *queues.there, *taken)
    gateway.fails(2, "dlq", "purge", queues.dead, *queues.there, "--yes")
    [untouched, *_] = queues.sqs.receive_message(
        QueueUrl=queues.dead, VisibilityTimeout=0, MessageSystemAttributeNames=["All"]
    )["Messages"]
    assert untouched["Attributes"]["ApproximateReceiveCount"] == "1"
    accepted = gateway("dlq", "peek", queues.dead, *queues.there, "--accept-redrive-policy")
    assert len(accepted["items"]) == len(MIXED)
    assert queues.counts(last) == (0, 0)


def test_personal_data_and_secrets_stay_hidden_unless_revealed(
    endpoint: str, gateway: Gateway
) -> None:
    queues = Queues(endpoint)
    secret = "amzn1.oa2-cs.v1.0123456789abcdef"
    hidden = (POSTAL_CODE, secret, "Jane Doe")
    token = {"note": {"DataType": "String", "StringValue": "for Jane Doe"}}
    queues.fill(
        queues.dead,
        [{"MessageBody": order(1), "MessageAttributes": token}, new_secret(secret), BROKEN],
    )
    peeked = gateway("dlq", "peek", queues.dead, *queues.there, "--body")["items"]
    shown = [
        gateway("dlq", "show", queues.dead, each["message_id"], *queues.there) for each in peeked
    ]
    gateway("dlq", "export", queues.dead, "masked.jsonl", *queues.there)
    for text in (json.dumps(peeked), json.dumps(shown), Path("masked.jsonl").read_text()):
        assert not [each for each in hidden if each in text]
        assert "123-1234567-1234567" in text  # an operator finds the order
    revealed = gateway("dlq", "peek", queues.dead, *queues.there, "--reveal")["items"]
    gateway("dlq", "export", queues.dead, "whole.jsonl", *queues.there, "--reveal")
    for text in (json.dumps(revealed), Path("whole.jsonl").read_text()):
        assert [each for each in hidden if each in text] == list(hidden)


def test_list_finds_the_dead_letter_queues_of_queues(endpoint: str, gateway: Gateway) -> None:
    queues = Queues(endpoint)
    queues.fill(queues.dead, MIXED)
    name = queues.dead.rpartition("/")[2]
    [found] = gateway("dlq", "list", queues.main, *queues.there)["items"]
    assert (found["name"], found["messages"]) == (name, len(MIXED))
    assert found["sources"] == [queues.main.rpartition("/")[2]]
    every = gateway("dlq", "list", "--all", *queues.there)["items"]
    assert name in {each["name"] for each in every}
    [itself] = gateway("dlq", "list", queues.dead, *queues.there)["items"]
    assert {**itself, "fault": None} == {**found, "fault": None}
    gateway.fails(2, "dlq", "list")


def test_list_tells_of_a_dead_letter_queue_that_is_gone(local: str, gateway: Gateway) -> None:
    queues = Queues(local)
    queues.sqs.delete_queue(QueueUrl=queues.dead)
    [found] = gateway("dlq", "list", queues.main, *queues.there)["items"]
    assert found["url"] is None
    assert found["name"] in found["fault"]


def test_a_person_who_interrupts_a_redrive_gets_back_what_is_held(local: str) -> None:
    queues = Queues(local)
    queues.fill(queues.main, [order(number) for number in range(40)])
    queues.die(queues.main)
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "gateway", "dlq", "redrive", queues.dead, *queues.there),
            *("--rate", "1", "--limit", "39"),
        ],
        env={**os.environ, "PYTHONPATH": str(AWS.parents[3])},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        while queues.counts(queues.main)[0] < 2:
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)
    finally:
        process.kill()
        process.communicate()
    assert process.returncode == 128 + signal.SIGINT
    left, in_flight = queues.counts(queues.dead)
    assert in_flight == 0
    assert 40 <= left + queues.counts(queues.main)[0] <= 41


def test_the_aws_cli_sees_what_we_say_is_there(local: str, gateway: Gateway) -> None:
    queues = Queues(local)
    queues.fill(queues.dead, MIXED)
    found = gateway("dlq", "peek", queues.dead, *queues.there)["items"]
    named = ("--queue-url", queues.dead)
    counted = ("--attribute-names", "ApproximateNumberOfMessages")
    attributes = aws(local, "get-queue-attributes", *named, *counted)["Attributes"]
    assert int(attributes["ApproximateNumberOfMessages"]) == len(found)
    received = aws(
        local, "receive-message", *named, "--max-number-of-messages", "10",
        "--visibility-timeout", "0", "--attribute-names", "All",
    )["Messages"]  # fmt: skip
    assert {each["MessageId"] for each in received} == {each["message_id"] for each in found}
    assert {each["Attributes"]["ApproximateReceiveCount"] for each in received} == {"2"}
    moved = gateway("dlq", "redrive", queues.dead, *queues.there, "--type", "ORDER_CHANGE")
    for url, count in ((queues.main, moved["moved"]), (queues.dead, len(MIXED) - moved["moved"])):
        attributes = aws(local, "get-queue-attributes", "--queue-url", url, *counted)["Attributes"]
        assert int(attributes["ApproximateNumberOfMessages"]) == count


# ── moving back ──────────────────────────────────────────────────────────────────────────────────


def test_what_fits_the_filter_goes_back_with_its_attributes(
    endpoint: str, gateway: Gateway
) -> None:
    queues = Queues(endpoint)
    attributes = {
        "text": {"DataType": "String", "StringValue": "grün"},
        "number": {"DataType": "Number", "StringValue": "7"},
        "bytes": {"DataType": "Binary", "BinaryValue": b"\x00\xff"},
    }
    queues.fill(
        queues.main, [{"MessageBody": each, "MessageAttributes": attributes} for each in MIXED]
    )
    queues.die(queues.main)
    assert queues.counts(queues.dead) == (len(MIXED), 0)
    asked = ("dlq", "redrive", queues.dead, *queues.there, "--type", "ORDER_CHANGE")
    dry = gateway(*asked, "--dry-run")
    assert (dry["matched"], dry["dry_run"]) == (3, True)
    assert queues.counts(queues.main) == (0, 0)
    moved = gateway(*asked, "--rate", "50")
    assert (moved["method"], moved["moved"], moved["looked_at"]) == ("messages", 3, len(MIXED))
    assert queues.counts(queues.dead) == (3, 0)
    back = queues.drain(queues.main)
    assert sorted(each["Body"] for each in back) == sorted(MIXED[:3])
    assert all(each["MessageAttributes"] == attributes for each in back)
    assert sorted(each["Body"] for each in queues.drain(queues.dead)) == sorted(MIXED[3:])


def test_everything_goes_back_by_a_task_where_the_server_has_them(
    endpoint: str, gateway: Gateway, request: pytest.FixtureRequest
) -> None:
    queues = Queues(endpoint)
    queues.fill(queues.main, MIXED)
    queues.die(queues.main)
    assert gateway("dlq", "redrive", queues.dead, *queues.there, "--dry-run")["matched"] == 6
    moved = gateway("dlq", "redrive", queues.dead, *queues.there)
    by = "task" if "local" in request.node.callspec.id else "messages"
    assert (moved["method"], moved["moved"]) == (by, len(MIXED))
    assert queues.counts(queues.dead) == (0, 0)
    assert sorted(each["Body"] for each in queues.drain(queues.main)) == sorted(MIXED)


def test_a_task_can_be_left_alone_looked_after_and_cancelled(local: str, gateway: Gateway) -> None:
    queues = Queues(local)
    queues.fill(queues.main, [order(number) for number in range(30)])
    queues.die(queues.main)
    asked = ("dlq", "redrive", queues.dead, *queues.there)
    assert gateway(*asked, "--rate", "1", "--detach")["task_handle"]
    assert gateway(*asked, "--status")["task"]["status"] == "RUNNING"
    gateway.fails(3, *asked, "--type", "ORDER_CHANGE")
    gateway.fails(3, "dlq", "purge", queues.dead, *queues.there, "--yes")
    assert gateway(*asked, "--cancel")["cancelled"]
    assert gateway(*asked, "--status")["task"]["status"] == "CANCELLED"
    gateway.fails(1, *asked, "--cancel")
    assert queues.counts(queues.dead)[0] + queues.counts(queues.main)[0] == 30


def test_a_queue_that_nobody_gives_letters_to_needs_a_target(
    endpoint: str, gateway: Gateway
) -> None:
    queues = Queues(endpoint)
    lonely, other = queues.queue("lonely"), queues.queue("other")
    queues.fill(lonely, MIXED)
    asked = ("dlq", "redrive", lonely, *queues.there)
    assert "--to" in gateway.fails(2, *asked)["detail"]
    gateway.fails(2, *asked, "--to", lonely)
    moved = gateway(*asked, "--to", other.rpartition("/")[2], "--limit", "4")
    assert (moved["method"], moved["moved"]) == ("messages", 4)
    assert (queues.counts(lonely)[0], queues.counts(other)[0]) == (2, 4)


def test_a_letter_goes_back_to_the_queue_that_gave_it_up(local: str, gateway: Gateway) -> None:
    queues = Queues(local)
    policy = {"deadLetterTargetArn": queues.arn(queues.dead), "maxReceiveCount": "1"}
    second = queues.queue("second", RedrivePolicy=json.dumps(policy))
    queues.fill(queues.main, [order(1)])
    queues.fill(second, [order(2)])
    queues.die(queues.main)
    queues.die(second)
    queues.fill(queues.dead, [order(3)])  # put there by hand: it came from nowhere
    code_1 = ("dlq", "redrive", queues.dead, *queues.there, "--type", "ORDER_CHANGE")
    assert gateway.checks(1, *code_1)["refused"] == {
        "nothing says which queue it came from; name one": 1
    }
    assert [identity_of(each["Body"]) for each in queues.drain(queues.main)] == ["order-1"]
    assert [identity_of(each["Body"]) for each in queues.drain(second)] == ["order-2"]
    assert [identity_of(each["Body"]) for each in queues.drain(queues.dead)] == ["order-3"]


def test_message_groups_of_a_fifo_queue_keep_their_order(endpoint: str, gateway: Gateway) -> None:
    queues = Queues(endpoint, fifo=True)
    sent = [(f"g{number % 3}", number) for number in range(75)]
    queues.fill(
        queues.dead,
        [
            {
                "MessageBody": order(number),
                "MessageGroupId": group,
                "MessageDeduplicationId": f"d{number}",
            }
            for group, number in sent
        ],
    )
    moved = gateway(
        "dlq", "redrive", queues.dead, *queues.there, "--to", queues.main, "--limit", "1000"
    )
    assert (moved["method"], moved["moved"]) == ("messages", 75)
    back = queues.drain(queues.main)
    for group in ("g0", "g1", "g2"):
        arrived = [
            int(identity_of(each["Body"]).removeprefix("order-"))
            for each in back
            if each["Attributes"]["MessageGroupId"] == group
        ]
        assert arrived == [number for name, number in sent if name == group]


# ── writing down and deleting ────────────────────────────────────────────────────────────────────


def checked(file: Path) -> list[Any]:
    """Return the lines of an export whose manifest fits it."""
    manifest = json.loads(file.with_name(f"{file.name}.manifest.json").read_text())
    content = file.read_bytes()
    lines = [json.loads(line) for line in content.splitlines()]
    assert manifest["sha256"] == hashlib.sha256(content).hexdigest()
    assert (manifest["messages"], manifest["bytes"]) == (len(lines), len(content))
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    return lines


def test_an_export_has_every_message_and_never_overwrites(endpoint: str, gateway: Gateway) -> None:
    queues = Queues(endpoint)
    queues.fill(queues.dead, MIXED)
    asked = ("dlq", "export", queues.dead, "out.jsonl", *queues.there, "--reveal")
    manifest = gateway(*asked)
    assert (manifest["messages"], manifest["expected"]) == (len(MIXED), len(MIXED))
    assert sorted(each["body"] for each in checked(Path("out.jsonl"))) == sorted(MIXED)
    assert queues.counts(queues.dead) == (len(MIXED), 0)
    gateway.fails(3, *asked)
    Path("other.jsonl.part").touch()
    gateway.fails(3, "dlq", "export", queues.dead, "other.jsonl", *queues.there)


def test_a_purge_asks_writes_down_what_it_deletes_and_leaves_the_rest(
    endpoint: str, gateway: Gateway
) -> None:
    queues = Queues(endpoint)
    queues.fill(queues.dead, MIXED)
    asked = ("dlq", "purge", queues.dead, *queues.there)
    assert "--yes" in gateway.fails(2, *asked)["detail"]
    assert gateway(*asked, "--dry-run")["matched"] == len(MIXED)
    assert queues.counts(queues.dead) == (len(MIXED), 0)
    some = gateway(*asked, "--yes", "--type", "ORDER_CHANGE")
    assert some["deleted"] == 3
    assert sorted(each["body"] for each in checked(Path(some["export"]))) == sorted(MIXED[:3])
    assert queues.counts(queues.dead) == (3, 0)
    rest = gateway(*asked, "--yes", "--export", "rest.jsonl")
    assert rest["deleted"] == 3
    assert sorted(each["body"] for each in checked(Path("rest.jsonl"))) == sorted(MIXED[3:])
    assert queues.counts(queues.dead) == (0, 0)


def test_a_purge_without_an_export_writes_nothing(endpoint: str, gateway: Gateway) -> None:
    queues = Queues(endpoint)
    queues.fill(queues.dead, MIXED)
    asked = ("dlq", "purge", queues.dead, *queues.there, "--yes", "--no-export")
    assert gateway(*asked, "--seller", "ASELLER2")["deleted"] == 1
    assert queues.counts(queues.dead) == (5, 0)
    gateway(*asked)
    assert queues.counts(queues.dead) == (0, 0)
    assert list(Path().iterdir()) == []


def test_a_person_types_the_name_of_the_queue(
    local: str, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    queues = Queues(local)
    queues.fill(queues.dead, MIXED)
    asked = ("dlq", "purge", queues.dead, *queues.there)
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("typer.prompt", lambda *_, **__: "yes")
    assert gateway.code(*asked) == 2
    assert queues.counts(queues.dead) == (len(MIXED), 0)
    name = queues.dead.rpartition("/")[2]
    monkeypatch.setattr("typer.prompt", lambda *_, **__: name)
    assert gateway.code(*asked) == 0
    assert queues.counts(queues.dead) == (0, 0)


def test_who_took_what_is_in_the_audit_log(local: str, gateway: Gateway) -> None:
    queues = Queues(local)
    asked = (queues.dead, *queues.there)
    queues.fill(queues.dead, MIXED)
    gateway("dlq", "purge", *asked, "--yes", "--no-export", "--text", "Jane Doe")
    assert not Path("gateway.db").exists()  # the tools work without a database, and make none
    gateway("audit", "list")
    gateway("dlq", "purge", *asked, "--yes", "--no-export", "--text", "Jane Doe", "--dry-run")
    gateway("dlq", "purge", *asked, "--yes", "--no-export", "--text", "Jane Doe")
    gateway("dlq", "redrive", *asked, "--type", "ORDER_CHANGE", "--limit", "2")
    redriven, purged = gateway("audit", "list")["items"]
    assert (redriven["action"], purged["action"]) == ("dlq.redrive", "dlq.purge")
    assert redriven["object_id"] == purged["object_id"]
    assert redriven["changes"]["types"] == ["ORDER_CHANGE"]
    assert redriven["changes"]["limit"] == 2
    assert purged["changes"]["text"] == "given"


def test_a_database_that_is_away_is_told_of_and_stops_nothing(
    local: str, gateway: Gateway, capsys: pytest.CaptureFixture[str]
) -> None:
    queues = Queues(local)
    queues.fill(queues.dead, MIXED)
    gateway.environ["SPGW_STORE__URL"] = "postgresql://nobody@127.0.0.1:1/none"
    gateway.environ["SPGW_SEALING__KEYS_FILE"] = "gateway.keys"
    gateway("db", "create-keys")
    asked = ["dlq", "purge", queues.dead, *queues.there, "--yes", "--no-export"]
    assert call(asked, environ=gateway.environ) == 0
    assert "No entry was made in the audit log" in capsys.readouterr().err
