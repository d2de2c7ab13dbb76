"""The templates: linted; the queue's side deployed and judged; the service's side held to the code."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import boto3
import pytest

import gateway
from gateway.aws.eventbridge import EventReplays, rule_arn
from gateway.aws.provisioning.clients import Clients
from gateway.aws.provisioning.reading import read_in_part
from gateway.aws.provisioning.wanted import Wanted
from gateway.cli.app import call
from gateway.settings import load
from tests.support.bodies import eventbridge, notification, text
from tests.support.emulators import ministack_server
from tests.support.metrics import metric_names
from tests.support.processes import GatewayFolder
from tests.support.templates import template

FOLDER = Path(__file__).parents[3] / "infra" / "cloudformation"
SOURCE = "aws.partner/sellingpartnerapi.amazon.com/000000000000/amzn1.sellerapps.app.x"
SERVICE = template(FOLDER / "service.yaml")
RESOURCES: dict[str, Any] = SERVICE["Resources"]


def test_cfn_lint_has_nothing_to_say() -> None:
    lint = Path(sys.executable).with_name("cfn-lint")
    files = sorted(FOLDER.glob("*.yaml"))
    assert len(files) == 2
    ended = subprocess.run([lint, *files], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (0, "")


@pytest.fixture(scope="module")
def ministack() -> Iterator[str]:
    with ministack_server() as url:
        yield url


@pytest.fixture
def account(ministack: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("AWS_ENDPOINT_URL", ministack)


def deploy(stack: str, **parameters: str) -> dict[str, str]:
    """Deploy the queue's side; return the stack's outputs."""
    client = boto3.client("cloudformation")
    client.create_stack(
        StackName=stack,
        TemplateBody=(FOLDER / "queue.yaml").read_text(),
        Parameters=[
            {"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()
        ],
    )
    client.get_waiter("stack_create_complete").wait(
        StackName=stack, WaiterConfig={"Delay": 1, "MaxAttempts": 60}
    )
    (found,) = client.describe_stacks(StackName=stack)["Stacks"]
    return {one["OutputKey"]: one["OutputValue"] for one in found["Outputs"]}


@pytest.mark.usefixtures("account")
@pytest.mark.parametrize("key", ["false", "true"])
def test_the_queues_side_is_as_set_up_makes_it(
    key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    outputs = deploy(
        f"judged-{key}",
        QueueName=f"judged-{key}",
        CustomerManagedKey=key,
        EventSourceName=SOURCE if key == "false" else "",
    )
    assert ("KeyArn" in outputs) is (key == "true")
    arguments = ["--queue", f"judged-{key}", "--json"]
    if key == "false":
        arguments += ["--event-source", SOURCE]
    assert call(["aws", "check", *arguments], environ={}) == 0, capsys.readouterr().out
    capsys.readouterr()
    assert call(["aws", "setup", *arguments], environ={}) == 0
    assert json.loads(capsys.readouterr().out)["calls"] == []


@pytest.mark.acceptance
@pytest.mark.usefixtures("account")
async def test_what_comes_to_it_reaches_the_gateway(ministack: str, tmp_path: Path) -> None:
    outputs = deploy("received", QueueName="received")
    for body in (notification(), eventbridge(notification("LISTINGS_ITEM_STATUS_CHANGE", {}))):
        metadata = {"NotificationId": f"id-{len(body)}"}
        inner = body.get("detail", body)
        inner["NotificationMetadata"] = {**inner["NotificationMetadata"], **metadata}
        boto3.client("sqs").send_message(QueueUrl=outputs["QueueUrl"], MessageBody=text(body))
    folder = GatewayFolder(
        folder=tmp_path,
        store_url=f"sqlite:///{tmp_path}/gateway.db",
        queue_urls=[outputs["QueueUrl"]],
        queue_endpoint=ministack,
        queue={"region": "eu-west-1"},
        spapi={},
        applications=[],
        sellers=[],
    )
    folder.write()
    process = folder.start("--role", "ingest")
    try:
        await process.ready()
        seen: set[str] = set()
        for _ in range(600):
            listed = folder.cli("notifications", "list")["items"]
            seen = {row["type"] for row in listed}
            if len(seen) == 2:
                break
            await asyncio.sleep(0.1)
        assert seen == {"ORDER_CHANGE", "LISTINGS_ITEM_STATUS_CHANGE"}, process.tail()
        assert await process.terminate() == 0
    finally:
        process.stop()


def of_type(kind: str) -> list[dict[str, Any]]:
    return [one["Properties"] for one in RESOURCES.values() if one["Type"] == kind]


def container(name: str) -> dict[str, Any]:
    (task,) = of_type("AWS::ECS::TaskDefinition")
    (found,) = [one for one in task["ContainerDefinitions"] if one["Name"] == name]
    return dict(found)


def test_the_tasks_environment_makes_settings_that_load() -> None:
    task = container("gateway")
    environ = {}
    for one in task["Environment"]:
        value = one["Value"]["Sub"] if isinstance(one["Value"], dict) else one["Value"]
        url = "https://sqs.eu-west-1.amazonaws.com/111122223333/orders"
        environ[one["Name"]] = value.replace("${QueueUrl}", url).replace("${Documents}", "bucket")
    secrets = {one["Name"] for one in task["Secrets"]}
    environ |= {
        "SPGW_STORE__URL": "postgresql://gateway:x@db:5432/gateway",
        "SPGW_APPLICATIONS": '[{"id": "main", "client_id": "c", "client_secret": "s"}]',
        "SPGW_SELLERS": "[]",
    }
    assert secrets <= set(environ)
    settings = load(None, environ).settings
    assert settings.documents.url == "s3://bucket"
    assert task["StopTimeout"] > settings.service.drain_s
    assert str(settings.keys_file()).startswith(task["MountPoints"][0]["ContainerPath"])
    assert task["PortMappings"][0]["ContainerPort"] == settings.admin.port


def test_the_task_is_locked_down() -> None:
    for name in ("key-ring", "gateway"):
        assert container(name)["ReadonlyRootFilesystem"] is True
    (service,) = of_type("AWS::ECS::Service")
    network = service["NetworkConfiguration"]["AwsvpcConfiguration"]
    assert network["AssignPublicIp"] == "DISABLED"
    (database,) = of_type("AWS::RDS::DBInstance")
    assert database["StorageEncrypted"] is True
    assert database["PubliclyAccessible"] is False


def test_the_role_may_do_what_is_needed_and_no_more() -> None:
    rights = set()
    for actions, resources in role_statements():
        assert "*" not in resources
        rights |= set(actions)
    assert not [right for right in rights if "*" in right]
    assert {right for right in rights if not right.startswith("logs:")} == {
        "events:CancelReplay",
        "events:DescribeArchive",
        "events:DescribeEventBus",
        "events:DescribeEventSource",
        "events:DescribeReplay",
        "events:DescribeRule",
        "events:ListTargetsByRule",
        "events:StartReplay",
        "kms:Decrypt",
        "kms:DescribeKey",
        "kms:GetKeyPolicy",
        "s3:AbortMultipartUpload",
        "s3:DeleteObject",
        "s3:GetObject",
        "s3:ListBucket",
        "s3:PutObject",
        "sqs:ChangeMessageVisibility",
        "sqs:DeleteMessage",
        "sqs:GetQueueAttributes",
        "sqs:ReceiveMessage",
    }


ACCOUNT = "111122223333"
QUEUE_URL = f"https://sqs.eu-west-1.amazonaws.com/{ACCOUNT}/orders"
KEY_ARN = f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/1234"
DEPLOYED = {
    "AWS::AccountId": ACCOUNT,
    "AWS::Partition": "aws",
    "AWS::Region": "eu-west-1",
    "Documents.Arn": "arn:aws:s3:::documents",
    "EventArchiveName": "spapi",
    "EventSourceName": SOURCE,
    "MetricsLog.Arn": f"arn:aws:logs:eu-west-1:{ACCOUNT}:log-group:metrics:*",
    "QueueArn": f"arn:aws:sqs:eu-west-1:{ACCOUNT}:orders",
    "QueueKeyArn": KEY_ARN,
    "QueueName": "orders",
}
NOT_GIVEN = {
    "cloudwatch:GetMetricStatistics": "can't be bound to a queue, and alarms watch the age",
    "events:ListTagsForResource": "tags are read by `gateway aws` only",
    "sqs:GetQueueUrl": "the settings name the queue by its URL",
    "sqs:ListQueueTags": "tags are read by `gateway aws` only",
    "sqs:SendMessage": "a trial is made by a person",
    "sts:GetCallerIdentity": "needs no right",
}


def deployed(value: Any) -> Any:
    """Return a part of the template as it is deployed with all that is optional."""
    if isinstance(value, list):
        return [deployed(one) for one in value]
    if not isinstance(value, dict):
        return value
    if "If" in value:
        return deployed(value["If"][1])
    for function in ("Ref", "GetAtt"):
        if function in value:
            return DEPLOYED[value[function]]
    if "Sub" in value:
        return re.sub(r"\$\{([\w:.]+)\}", lambda found: DEPLOYED[found[1]], value["Sub"])
    return {key: deployed(one) for key, one in value.items()}


def role_statements() -> list[tuple[list[str], list[str]]]:
    """Return actions and resources of each statement of the task's role."""
    (policy,) = deployed(RESOURCES["TaskRole"]["Properties"]["Policies"])
    return [
        (
            [one["Action"]] if isinstance(one["Action"], str) else one["Action"],
            [one["Resource"]] if isinstance(one["Resource"], str) else one["Resource"],
        )
        for one in policy["PolicyDocument"]["Statement"]
    ]


def action(service: str, operation: str) -> str:
    """Return the right for a call as boto3 names it; they bear one name in what is called here."""
    return f"{service}:{operation.title().replace('_', '')}"


def test_each_action_of_the_role_can_be_bound_to_its_resources(tmp_path: Path) -> None:
    """`cfn-lint` knows which resources an action takes, but looks at plain ARNs only."""
    role = deployed(RESOURCES["TaskRole"])
    lint = Path(sys.executable).with_name("cfn-lint")

    def told() -> str:
        file = tmp_path / "role.json"
        file.write_text(
            json.dumps({"AWSTemplateFormatVersion": "2010-09-09", "Resources": {"TaskRole": role}})
        )
        return subprocess.run(
            [lint, "--include-checks", "I", "--", file], capture_output=True, text=True, check=False
        ).stdout

    assert told() == ""
    statements = role["Properties"]["Policies"][0]["PolicyDocument"]["Statement"]
    (archive,) = [one for one in statements if one["Action"] == "events:DescribeArchive"]
    archive["Action"] = "events:DescribeReplay"
    assert "I3510" in told()


def test_the_role_has_the_right_for_each_call_of_the_code() -> None:
    source = Path(gateway.__file__).parent
    files = [*source.glob("doctor/*.py"), source / "aws" / "eventbridge.py"]
    files.append(source / "aws" / "provisioning" / "reading.py")
    call = re.compile(r"\.(?:call|find)\(\s*\"([a-z0-9]+)\",\s*\"([a-z_]+)\"")
    called = {action(*found) for file in files for found in call.findall(file.read_text())}
    assert set(NOT_GIVEN) <= called
    rights = {right for actions, _ in role_statements() for right in actions}
    assert called - set(NOT_GIVEN) <= rights
    assert {right for right in rights if right.startswith("events:")} <= called


class Recorder:
    """Stands for boto3: answers as where all is set up, and keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, Any]]] = []

    def __call__(self, service: str, **options: Any) -> Any:
        del options
        return _Service(service, self.asked)


class _Service:
    def __init__(self, name: str, asked: list[tuple[str, dict[str, Any]]]) -> None:
        self._name = name
        self._asked = asked

    def __getattr__(self, operation: str) -> Any:
        def answer(**parameters: Any) -> Any:
            self._asked.append((action(self._name, operation), parameters))
            return ANSWERS[operation](parameters)

        return answer


RULE_ARN = f"arn:aws:events:eu-west-1:{ACCOUNT}:rule/{SOURCE}/orders"
BUS_ARN = f"arn:aws:events:eu-west-1:{ACCOUNT}:event-bus/{SOURCE}"
ARCHIVE_ARN = f"arn:aws:events:eu-west-1:{ACCOUNT}:archive/spapi"


def queue_arn(parameters: dict[str, Any]) -> str:
    return f"arn:aws:sqs:eu-west-1:{ACCOUNT}:{parameters['QueueUrl'].rpartition('/')[2]}"


ANSWERS: dict[str, Any] = {
    "cancel_replay": lambda _: {},
    "describe_archive": lambda _: {"EventSourceArn": BUS_ARN},
    "describe_event_bus": lambda _: {"Arn": BUS_ARN},
    "describe_event_source": lambda asked: {"Name": asked["Name"], "State": "ACTIVE"},
    "describe_key": lambda _: {"KeyMetadata": {"Arn": KEY_ARN, "KeyId": KEY_ARN}},
    "describe_replay": lambda _: {"State": "RUNNING"},
    "describe_rule": lambda _: {"Arn": RULE_ARN},
    "get_key_policy": lambda _: {"Policy": "{}"},
    "get_queue_attributes": lambda asked: {
        "Attributes": {
            "QueueArn": queue_arn(asked),
            "KmsMasterKeyId": KEY_ARN,
            "RedrivePolicy": json.dumps(
                {
                    "deadLetterTargetArn": f"arn:aws:sqs:eu-west-1:{ACCOUNT}:orders-dlq",
                    "maxReceiveCount": 100,
                }
            ),
        }
    },
    "list_targets_by_rule": lambda _: {"Targets": []},
    "start_replay": lambda _: {},
}


EVENTS = f"arn:aws:events:eu-west-1:{ACCOUNT}:"
ASKED_FOR = {
    "sqs:GetQueueAttributes": [f"arn:aws:sqs:eu-west-1:{ACCOUNT}:{{queue}}"],
    "kms:DescribeKey": ["{KeyId}"],
    "kms:GetKeyPolicy": ["{KeyId}"],
    "events:DescribeEventSource": ["arn:aws:events:eu-west-1::event-source/{Name}"],
    "events:DescribeEventBus": [EVENTS + "event-bus/{Name}"],
    "events:DescribeRule": [EVENTS + "rule/{EventBusName}/{Name}"],
    "events:ListTargetsByRule": [EVENTS + "rule/{EventBusName}/{Rule}"],
    "events:DescribeArchive": [EVENTS + "archive/{ArchiveName}"],
    "events:DescribeReplay": [EVENTS + "replay/{ReplayName}"],
    "events:CancelReplay": [EVENTS + "replay/{ReplayName}"],
    "events:StartReplay": [
        "{EventSourceArn}",
        "{Destination[Arn]}",
        EVENTS + "replay/{ReplayName}",
    ],
}
"""The resources that AWS asks each right for ("Service Authorization Reference")."""


def test_what_doctor_and_replay_ask_is_within_the_role() -> None:
    recorder = Recorder()
    clients = Clients("eu-west-1", make_client=recorder)
    wanted = Wanted(queue="orders", region="eu-west-1", account=ACCOUNT, event_source=SOURCE)
    assert not read_in_part(clients, wanted, QUEUE_URL).unread
    replays = EventReplays(clients)
    archive = replays.archive(ARCHIVE_ARN)
    name = "gateway-20260124083000"
    replays.start(archive, name, from_ms=0, to_ms=1, rules=[rule_arn("orders", archive)])
    replays.look(name)
    replays.cancel(name)
    statements = role_statements()
    for right, parameters in recorder.asked:
        queue = str(parameters.get("QueueUrl")).rpartition("/")[2]
        for form in ASKED_FOR[right]:
            resource = form.format(queue=queue, **parameters)
            assert any(
                right in actions and any(fnmatchcase(resource, one) for one in resources)
                for actions, resources in statements
            ), f"{right} on {resource}"
    asked = {right for right, _ in recorder.asked}
    given = {right for actions, _ in statements for right in actions}
    assert {right for right in given if right.startswith("events:")} <= asked


def test_alarms_stand_on_metrics_that_exist() -> None:
    environ = {one["Name"]: one["Value"] for one in container("metrics")["Environment"]}
    agent = re.sub(r"\$\{\w[\w:]*\}", "x", environ["CW_CONFIG_CONTENT"]["Sub"])
    declared = json.loads(agent)["logs"]["metrics_collected"]["prometheus"]["emf_processor"]
    brought: dict[str, list[str]] = {
        selector.strip("^$"): one["dimensions"][0]
        for one in declared["metric_declaration"]
        for selector in one["metric_selectors"]
    }
    assert set(brought) <= set(metric_names())
    own = [one for one in of_type("AWS::CloudWatch::Alarm") if one["Namespace"] != "AWS/SQS"]
    for alarm in own:
        assert brought[alarm["MetricName"]] == [one["Name"] for one in alarm["Dimensions"]]
    assert len(own) == 2
    assert len(of_type("AWS::CloudWatch::Alarm")) == 6
