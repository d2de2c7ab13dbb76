"""`gateway simulate …` against a running simulator."""

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator

import boto3
import pytest

from gateway.cli.app import call
from gateway.simulator.cast import DEFAULT_SELLERS
from gateway.simulator.payloads import KINDS
from gateway.simulator.sending import make_batch
from tests.integration.simulator.conftest import CREDENTIALS
from tests.support.emulators import local_sqs_server, moto_server

Told = Callable[..., dict]


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with local_sqs_server(queues=("first",)) as running:
        yield running


@pytest.fixture
def told(url: str, capsys: pytest.CaptureFixture[str]) -> Told:
    """Run a command of the group to its end and return what it printed."""

    def run(*arguments: str, code: int = 0, at: bool = True) -> dict:
        named = ("--at", url) if at else ()
        done: list[int] = []
        # The command has an event loop of its own, so it gets a thread of its own.
        command = threading.Thread(
            target=lambda: done.append(call(["simulate", *arguments, *named, "--json"], environ={}))
        )
        command.start()
        command.join(60)
        printed = capsys.readouterr()
        assert done == [code], printed.err
        return json.loads(printed.out if code == 0 else printed.err)

    return run


def _drained(endpoint: str, queue_url: str) -> list[dict]:
    """Return every message of a queue, in the order in which they come."""
    client = boto3.client("sqs", endpoint_url=endpoint, **CREDENTIALS)
    found = []
    while True:
        answer = client.receive_message(QueueUrl=queue_url, MaxNumberOfMessages=10)
        messages = answer.get("Messages", [])
        found += [json.loads(message["Body"]) for message in messages]
        if not messages:
            client.close()
            return found
        for message in messages:
            client.delete_message(QueueUrl=queue_url, ReceiptHandle=message["ReceiptHandle"])


def test_notifications_are_sent_in_numbers(told, url):
    options = ("--count", "30", "--duplicates", "0.5", "--out-of-order", "--seed", "2")
    answer = told("send", "ORDER_CHANGE", *options, "--seller", "A1SIMULATORNA1")
    bodies = _drained(url, answer["queue_url"])
    assert (answer["distinct"], answer["sent"]) == (30, len(bodies))
    ids = Counter(body["NotificationMetadata"]["NotificationId"] for body in bodies)
    assert len(ids) == 30
    assert sum(count - 1 for count in ids.values()) == len(bodies) - 30 > 5
    orders = {body["Payload"]["OrderChangeNotification"]["AmazonOrderId"] for body in bodies}
    assert len(orders) == 30


@pytest.mark.parametrize("type_", sorted(KINDS))
def test_every_type_can_be_sent(told, url, type_):
    answer = told("send", type_)
    [body] = _drained(url, answer["queue_url"])
    named = body.get("detail-type") or body.get("NotificationType") or body["notificationType"]
    assert named == type_


def test_notifications_go_to_a_queue_elsewhere(told, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "x")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with moto_server() as elsewhere:
        client = boto3.client("sqs", endpoint_url=elsewhere, **CREDENTIALS)
        queue_url = client.create_queue(QueueName="of-the-commands")["QueueUrl"]
        client.close()
        answer = told("send", "ORDER_CHANGE", "--count", "3", "--queue-url", queue_url)
        assert answer["queue_url"] == queue_url
        assert len(_drained(elsewhere, queue_url)) == 3


def test_messages_are_spread_over_time_when_a_rate_is_given(told, url):
    answer = told("send", "PRICING_HEALTH", "--count", "12", "--rate", "200")
    assert len(_drained(url, answer["queue_url"])) == 12
    answer = told("send", "PRICING_HEALTH", "--count", "2", "--rate", "9")
    assert len(_drained(url, answer["queue_url"])) == 2


def test_wrong_things_are_told_apart(told):
    assert told("send", "NO_SUCH_TYPE", code=2)["type"].endswith("usage")
    nowhere = ("--at", "http://127.0.0.1:9")
    problem = told("faults", "list", *nowhere, code=5, at=False)
    assert "gateway simulate serve" in problem["detail"]
    assert "fault" in told("faults", "add", "nonsense", code=2)["detail"]
    assert "order-day" in told("scenario", "no-such", code=2)["detail"]


def test_a_folder_without_models_is_told_before_anything_is_served(told, tmp_path):
    problem = told("serve", "--models", str(tmp_path), code=2, at=False)
    assert "amzn/selling-partner-api-models" in problem["detail"]


def test_faults_are_put_into_force_and_ended(told):
    options = ("--operation", "getOrder", "--times", "2", "--chance", "0.5")
    [fault] = told("faults", "add", "status=429", *options)["items"]
    assert (fault["fault"], fault["times"], fault["chance"]) == ("status=429", 2, 0.5)
    told("faults", "add", "html", "--seller", "A")
    assert len(told("faults", "list")["items"]) == 2
    assert told("faults", "clear") == {"cleared": True}
    assert told("faults", "list")["items"] == []


def test_a_day_is_played_and_its_truth_is_told(told, url):
    seller = DEFAULT_SELLERS[4].id
    # Everything of that day happens within a second.
    options = ("--orders", "8", "--speed", "100000", "--seller", seller)
    assert told("scenario", "order-day", *options)["orders"] == 8
    changes: list[dict] = []
    while len({change["order"] for change in changes if change["status"] in _ENDS}) < 8:
        changes = told("orders")["items"]
    assert {change["seller"] for change in changes} == {seller}
    queue_url = told("send", "REPORT_PROCESSING_FINISHED")["queue_url"]
    bodies = [body for body in _drained(url, queue_url) if "NotificationMetadata" in body]
    sent = {body["NotificationMetadata"]["NotificationId"] for body in bodies}
    assert sent == {one for change in changes for one in change["notification_ids"]}


_ENDS = {"SHIPPED", "CANCELLED"}


def test_what_is_untidy_is_drawn_from_the_seed():
    sellers = {"A": "ATVPDKIKX0DER", "B": "A1PA6795UKMFR9"}
    tidy = make_batch("ORDER_CHANGE", sellers, count=40, now_ms=1_800_000_000_000)
    times = [json.loads(body)["EventTime"] for body in tidy.bodies]
    assert times == sorted(times)
    owners = [
        json.loads(body)["Payload"]["OrderChangeNotification"]["SellerId"] for body in tidy.bodies
    ]
    assert owners == ["A", "B"] * 20
    untidy = make_batch(
        "ORDER_CHANGE", sellers, count=40, now_ms=1_800_000_000_000, out_of_order=True
    )
    mixed = [json.loads(body)["EventTime"] for body in untidy.bodies]
    assert mixed != times
    assert sorted(mixed) == times
