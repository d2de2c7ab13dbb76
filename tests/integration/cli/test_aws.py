"""`gateway aws` against AWS as two others wrote it: moto for queue and key, ministack for the bus."""

from __future__ import annotations

import io
import json
from typing import Any

import boto3
import pytest

from gateway.aws.provisioning.clients import AwsRefusedError, Clients
from gateway.aws.provisioning.steps import Step, take
from gateway.cli.app import call
from tests.integration.cli.conftest import Gateway
from tests.support.emulators import free_port

ACCOUNT = "000000000000"
MOTO_ACCOUNT = "123456789012"
SOURCE = f"aws.partner/sellingpartnerapi.amazon.com/{ACCOUNT}/amzn1.sellerapps.app.x"
BUS = ("--event-source", SOURCE)
QUEUE = ("--queue", "orders")


def client(service: str) -> Any:
    return boto3.client(service)


def attributes(name: str) -> dict[str, str]:
    url = client("sqs").get_queue_url(QueueName=name)["QueueUrl"]
    found: dict[str, str] = client("sqs").get_queue_attributes(
        QueueUrl=url, AttributeNames=["All"]
    )["Attributes"]
    return found


def queues() -> list[str]:
    urls = client("sqs").list_queues().get("QueueUrls") or ()
    return sorted(url.rpartition("/")[2] for url in urls)


def matches(source: str) -> bool:
    """Whether the rule lets an event of this source through, in the emulator's judgement."""
    rule = client("events").describe_rule(Name="orders", EventBusName=SOURCE)
    event = {
        "id": "1",
        "account": ACCOUNT,
        "source": source,
        "time": "2026-01-01T00:00:00Z",
        "region": "eu-west-1",
        "resources": [],
        "detail-type": "LISTINGS_ITEM_STATUS_CHANGE",
        "detail": {},
    }
    answer = client("events").test_event_pattern(
        EventPattern=rule["EventPattern"], Event=json.dumps(event)
    )
    return bool(answer["Result"])


def put_rule(pattern: Any) -> None:
    rule = client("events").describe_rule(Name="orders", EventBusName=SOURCE)
    client("events").put_rule(
        Name="orders",
        EventBusName=SOURCE,
        EventPattern=json.dumps(pattern),
        Description=rule["Description"],
    )


def made(value: Any) -> list[str]:
    return [row["operation"] for row in value["calls"]]


@pytest.mark.usefixtures("on_moto")
def test_a_queue_from_nothing_and_back(gateway: Gateway) -> None:
    shown = gateway("aws", "setup", *QUEUE, "--dry-run")
    assert queues() == []
    done = gateway("aws", "setup", *QUEUE)
    assert (shown["calls"], shown["made"], done["made"]) == (done["calls"], False, True)
    assert queues() == ["orders", "orders-dlq"]
    found = attributes("orders")
    assert found["MessageRetentionPeriod"] == attributes("orders-dlq")["MessageRetentionPeriod"]
    assert found["MessageRetentionPeriod"] == "1209600"
    redrive = json.loads(found["RedrivePolicy"])
    assert redrive["deadLetterTargetArn"] == attributes("orders-dlq")["QueueArn"]
    (statement,) = json.loads(found["Policy"])["Statement"]
    assert statement["Principal"] == {"AWS": "arn:aws:iam::437568002678:root"}
    assert statement["Resource"] == found["QueueArn"] == done["queue_arn"]

    assert made(gateway("aws", "setup", *QUEUE)) == []
    assert {row["level"] for row in gateway("aws", "check", *QUEUE)["items"]} == {"ok"}

    gateway.fails(2, "aws", "teardown", *QUEUE)
    assert queues() == ["orders", "orders-dlq"]
    assert made(gateway("aws", "teardown", *QUEUE, "--yes")) == ["delete_queue", "delete_queue"]
    assert queues() == []
    assert made(gateway("aws", "teardown", *QUEUE, "--yes")) == []


@pytest.mark.usefixtures("on_moto")
def test_a_policy_is_never_widened_unasked(
    gateway: Gateway, capsys: pytest.CaptureFixture[str]
) -> None:
    client("sqs").create_queue(QueueName="orders")
    mine = {
        "Sid": "Mine",
        "Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::111122223333:root"},
        "Action": "sqs:SendMessage",
        "Resource": attributes("orders")["QueueArn"],
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [mine]})
    url = client("sqs").get_queue_url(QueueName="orders")["QueueUrl"]
    client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})

    assert call(["aws", "setup", *QUEUE], environ=gateway.environ) == 2
    assert "adds {" in (said := capsys.readouterr().err)
    assert "437568002678" in said
    assert json.loads(attributes("orders")["Policy"])["Statement"] == [mine]
    assert call(["aws", "check", *QUEUE], environ=gateway.environ) == 11
    assert "does not allow arn:aws:iam::437568002678:root" in capsys.readouterr().out

    gateway("aws", "setup", *QUEUE, "--yes")
    kept, added = json.loads(attributes("orders")["Policy"])["Statement"]
    assert kept == mine
    assert added["Sid"] == "SpapiEventGatewayNotifications"
    assert made(gateway("aws", "teardown", *QUEUE, "--yes")) == [
        "set_queue_attributes",
        "delete_queue",
    ]
    assert json.loads(attributes("orders")["Policy"])["Statement"] == [mine]
    assert queues() == ["orders"]


class Terminal(io.StringIO):
    """Somebody who sits before a terminal and answers."""

    def isatty(self) -> bool:
        return True


@pytest.mark.usefixtures("on_moto")
def test_who_sits_at_a_terminal_is_asked(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    gateway("aws", "setup", *QUEUE)
    for answer, code, left in (("n", 1, ["orders", "orders-dlq"]), ("y", 0, [])):
        monkeypatch.setattr("sys.stdin", Terminal(f"{answer}\n"))
        assert call(["aws", "teardown", *QUEUE], environ=gateway.environ) == code
        assert "sqs delete_queue: orders" in capsys.readouterr().err, "shown before it is asked"
        assert queues() == left


@pytest.mark.usefixtures("on_moto")
def test_a_customer_managed_key(gateway: Gateway) -> None:
    key = client("kms").create_key()["KeyMetadata"]["KeyId"]
    gateway.fails(2, "aws", "setup", *QUEUE, "--kms-key", key)
    assert queues() == []
    gateway("aws", "setup", *QUEUE, "--kms-key", key, "--yes")
    policy = json.loads(client("kms").get_key_policy(KeyId=key, PolicyName="default")["Policy"])
    assert policy["Statement"][-1]["Action"] == ["kms:GenerateDataKey", "kms:Decrypt"]
    assert len(policy["Statement"]) == 2, "the account's own right on its key stays"
    assert attributes("orders")["KmsMasterKeyId"] == key
    assert made(gateway("aws", "setup", *QUEUE, "--kms-key", key)) == []
    assert {row["level"] for row in gateway("aws", "check", *QUEUE)["items"]} == {"ok"}
    gateway("aws", "teardown", *QUEUE, "--yes")
    left = json.loads(client("kms").get_key_policy(KeyId=key, PolicyName="default")["Policy"])
    assert left["Statement"] == policy["Statement"][:1]


@pytest.mark.usefixtures("on_moto")
def test_what_is_refused(gateway: Gateway) -> None:
    def refusal(*arguments: str) -> str:
        return str(gateway.fails(2, "aws", *arguments)["detail"])

    assert "FIFO" in refusal("setup", "--queue", "orders.fifo")
    assert "the settings have no queue" in refusal("check")
    other = "https://sqs.eu-west-1.amazonaws.com/999999999999/orders"
    assert "is of account 999999999999" in refusal("setup", "--queue", other)
    assert queues() == []


@pytest.mark.usefixtures("on_moto")
def test_the_queue_of_the_settings_is_meant(gateway: Gateway) -> None:
    url = "https://sqs.eu-central-1.amazonaws.com/123456789012/notifications"
    gateway.environ["SPGW_QUEUES"] = json.dumps([{"url": url}])
    arn = gateway("aws", "setup")["queue_arn"]
    assert arn == "arn:aws:sqs:eu-central-1:123456789012:notifications"


@pytest.mark.parametrize("form", ["option", "settings", "endpoint_url"])
def test_a_queue_elsewhere_is_asked_about_where_it_is(
    form: str, gateway: Gateway, on_moto: None, moto: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    gateway("aws", "setup", *QUEUE)
    made_there = client("sqs").get_queue_url(QueueName="orders")["QueueUrl"]
    key = client("kms").create_key()["KeyMetadata"]["KeyId"]
    client("sqs").set_queue_attributes(QueueUrl=made_there, Attributes={"KmsMasterKeyId": key})
    # From here on AWS's own address is one where nobody answers.
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free_port()}")
    url = f"{moto}/{MOTO_ACCOUNT}/orders"
    named = ["--queue", url]
    if form != "option":
        at_aws = f"https://sqs.eu-west-1.amazonaws.com/{MOTO_ACCOUNT}/orders"
        queue = {"url": url, "region": "eu-west-1"}
        if form == "endpoint_url":
            queue |= {"url": at_aws, "endpoint_url": moto}
        gateway.environ["SPGW_QUEUES"] = json.dumps([queue])
        named = []
    found = gateway.checks(11, "aws", "check", *named)["items"]
    assert ("key.policy_lacks", f"key {key}") in {(row["id"], row["subject"]) for row in found}
    assert "orders-dlq" in str(found)
    gateway.fails(5, "aws", "check", *QUEUE)


def test_no_credentials(gateway: Gateway, keys: None, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    problem = gateway.fails(5, "aws", "check", *QUEUE)
    assert "check AWS's credentials" in problem["detail"]


@pytest.mark.usefixtures("on_ministack")
def test_over_the_bus_to_the_queue(gateway: Gateway) -> None:
    done = gateway("aws", "setup", *QUEUE, *BUS)
    assert made(done) == [
        "create_queue",
        "create_queue",
        "create_event_bus",
        "create_queue",
        "put_rule",
        "put_targets",
    ]
    assert done["waits"] == []
    assert made(gateway("aws", "setup", *QUEUE, *BUS)) == []
    assert {row["level"] for row in gateway("aws", "check", *QUEUE, *BUS)["items"]} == {"ok"}

    assert matches(SOURCE)
    assert not matches("aws.s3")
    # Only Amazon may send in a partner's name, so the way is walked in another.
    put_rule({"source": ["test"]})
    detail = {"notificationType": "LISTINGS_ITEM_STATUS_CHANGE"}
    entry = {"Source": "test", "DetailType": "X", "Detail": json.dumps(detail)}
    client("events").put_events(Entries=[{**entry, "EventBusName": SOURCE}])
    url = client("sqs").get_queue_url(QueueName="orders")["QueueUrl"]
    answer = client("sqs").receive_message(QueueUrl=url, WaitTimeSeconds=20)
    (message,) = answer["Messages"]
    assert json.loads(message["Body"])["detail"] == detail
    assert made(gateway("aws", "setup", *QUEUE, *BUS, "--yes")) == ["put_rule"]
    assert matches(SOURCE)

    client("events").disable_rule(Name="orders", EventBusName=SOURCE)
    faults = [
        row["what"]
        for row in gateway.checks(11, "aws", "check", *QUEUE, *BUS)["items"]
        if row["level"] == "fault"
    ]
    assert faults == ["is disabled"]
    assert made(gateway("aws", "setup", *QUEUE, *BUS, "--yes")) == ["put_rule"]

    gateway("aws", "teardown", *QUEUE, *BUS, "--yes")
    assert queues() == []
    buses = client("events").list_event_buses()["EventBuses"]
    assert [bus["Name"] for bus in buses] == ["default"]


@pytest.mark.usefixtures("on_ministack")
@pytest.mark.parametrize("made_before", range(1, 6))
def test_a_set_up_that_broke_off_goes_on(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch, made_before: int
) -> None:
    taken: list[Step] = []

    def take_some(clients: Clients, step: Step) -> None:
        if len(taken) == made_before:
            raise AwsRefusedError("the network went away")
        taken.append(step)
        take(clients, step)

    monkeypatch.setattr("gateway.cli.aws.take", take_some)
    gateway.fails(5, "aws", "setup", *QUEUE, *BUS)
    monkeypatch.setattr("gateway.cli.aws.take", take)
    assert len(made(gateway("aws", "setup", *QUEUE, *BUS))) == 6 - made_before
    assert {row["level"] for row in gateway("aws", "check", *QUEUE, *BUS)["items"]} == {"ok"}
