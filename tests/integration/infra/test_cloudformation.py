"""The templates: linted; the queue's side deployed and judged; the service's side held to the code."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

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
    gateway = container("gateway")
    environ = {}
    for one in gateway["Environment"]:
        value = one["Value"]["Sub"] if isinstance(one["Value"], dict) else one["Value"]
        url = "https://sqs.eu-west-1.amazonaws.com/111122223333/orders"
        environ[one["Name"]] = value.replace("${QueueUrl}", url).replace("${Documents}", "bucket")
    secrets = {one["Name"] for one in gateway["Secrets"]}
    environ |= {
        "SPGW_STORE__URL": "postgresql://gateway:x@db:5432/gateway",
        "SPGW_APPLICATIONS": '[{"id": "main", "client_id": "c", "client_secret": "s"}]',
        "SPGW_SELLERS": "[]",
    }
    assert secrets <= set(environ)
    settings = load(None, environ).settings
    assert settings.documents.url == "s3://bucket"
    assert gateway["StopTimeout"] > settings.service.drain_s
    assert str(settings.keys_file()).startswith(gateway["MountPoints"][0]["ContainerPath"])
    assert gateway["PortMappings"][0]["ContainerPort"] == settings.admin.port


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
    policies = RESOURCES["TaskRole"]["Properties"]["Policies"]
    statements = policies[0]["PolicyDocument"]["Statement"]
    statements = [one["If"][1] if "If" in one else one for one in statements]
    rights = set()
    for statement in statements:
        assert statement["Resource"] != "*"
        actions = statement["Action"]
        rights |= {actions} if isinstance(actions, str) else set(actions)
    assert not [right for right in rights if "*" in right]
    assert {right for right in rights if not right.startswith("logs:")} == {
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
