"""`gateway doctor`: nothing is told of what is well, and twelve set-ups are broken, each for real.

Where a mend is a command of ours it is run as it is told, and the doctor must be content after it.
"""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from gateway.cli.app import call
from gateway.store.migrate import REVISIONS
from tests.integration.cli.conftest import Gateway
from tests.integration.cli.doctor_world import (
    ACCOUNT,
    ARN,
    REGION,
    World,
    aws,
    local_spapi,
    open_world,
    policy,
    queue_url,
    set_attributes,
    settings,
)
from tests.support.postgres import PostgresServer

SELLER = "A1SIMULATOREU1"
AMAZON = "arn:aws:iam::437568002678:root"


@pytest.fixture
def world(gateway: Gateway, ministack: str, on_ministack: None) -> Iterator[World]:
    with open_world(gateway, ministack) as opened:
        yield opened


def ids(findings: list[dict[str, str]]) -> list[str]:
    return sorted(one["id"] for one in findings)


def test_of_what_is_well_nothing_is_told(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    report = world.gateway("doctor")
    assert report["summary"]["level"] == "ok"
    assert {one["check"] for one in report["findings"]} == set(report["summary"]["checks"])
    assert call(["doctor"], environ=world.gateway.environ) == 0
    (said,) = capsys.readouterr().out.splitlines()
    assert said.startswith("12 checks: ")
    # Looking changes nothing at Amazon: calls read, and no seller is paused.
    asked = {caller.operation.rpartition(".")[2] for caller in world.amazon.calls}
    assert {"getDestinations", "getMarketplaceParticipations"} <= asked
    assert "sendTestNotification" not in asked


def test_1_the_queue_lets_somebody_else_send(world: World) -> None:
    broken = json.loads(json.dumps(policy()).replace("437568002678", "437568002679"))
    set_attributes(Policy=json.dumps(broken))
    found = {one["id"]: one for one in world.examined(11)}
    assert sorted(found) == ["queue.policy_lacks", "queue.policy_wrong_principal"]
    lacks, stranger = found["queue.policy_lacks"], found["queue.policy_wrong_principal"]
    assert lacks["what"] == f"does not allow {AMAZON} sqs:SendMessage, sqs:GetQueueAttributes"
    assert stranger["subject"] == "queue orders, SpapiEventGatewayNotifications"
    assert "437568002679" in stranger["what"]
    assert lacks["mend"] == f"gateway aws setup --queue orders --region {REGION}"
    world.mend(lacks, "--yes")
    assert world.examined() == []


def test_2_the_key_does_not_let_amazon_use_it(world: World) -> None:
    key = aws("kms").create_key()["KeyMetadata"]["KeyId"]
    set_attributes(KmsMasterKeyId=key)
    found = world.examined(11)
    assert ids(found) == ["key.policy_lacks", "key.policy_lacks"]
    of_amazon, of_rule = found
    assert of_amazon["what"] == f"does not allow {AMAZON} kms:GenerateDataKey, kms:Decrypt"
    assert of_rule["what"].startswith("does not allow events.amazonaws.com kms:")
    for one in found:
        world.mend(one, "--yes")
    assert world.examined() == []


def test_3_a_fifo_queue(world: World) -> None:
    world.edit(f"{ACCOUNT}/orders", f"{ACCOUNT}/orders.fifo")
    (told,) = world.examined(11)
    assert (told["id"], told["check"]) == ("queue.fifo", "settings")
    assert "queues[0].url" in told["subject"]
    assert "standard queue" in told["mend"]
    world.edit("orders.fifo", "orders")
    world.edit(ARN, f"{ARN}.fifo")
    found = {one["id"]: one for one in world.examined(11)}
    assert found["queue.fifo"]["subject"] == "destinations[0].arn"
    assert found["subscriptions.skipped"]["level"] == "skipped"


def test_4_another_region(world: World) -> None:
    world.edit(ARN, ARN.replace(REGION, "us-east-1"))
    found = {one["id"]: one for one in world.examined(11)}
    of_queue = found["destination.not_received"]
    assert "us-east-1" in of_queue["what"]
    assert "correct the ARN" in of_queue["mend"]
    world.edit(ARN.replace(REGION, "us-east-1"), ARN)

    world.edit(f'id = "{SELLER}"\nregion = "eu"', f'id = "{SELLER}"\nregion = "na"')
    world.gateway.environ["SPGW_STORE__URL"] = "sqlite:///other.db"
    world.gateway("db", "upgrade")
    found = {one["id"]: one for one in world.examined(11)}
    of_seller = found["seller.wrong_region"]
    assert of_seller["subject"] == f"seller {SELLER} (na)"
    assert of_seller["what"] == "is refused in na, and answered in eu"
    assert of_seller["mend"] == f'write region = "eu" for {SELLER}'
    assert found["endpoint.none"]["level"] == "warning"


def test_5_a_seller_that_revoked_or_was_paused(world: World) -> None:
    world.amazon.accounts.revoke(SELLER)
    found = {one["id"]: one for one in world.examined(11)}
    revoked = found["seller.revoked"]
    assert revoked["subject"] == f"seller {SELLER} (eu)"
    assert revoked["mend"].startswith(f"gateway sellers authorize --seller {SELLER} --region eu")
    assert found["subscription.uncompared"]["level"] == "warning"
    states = {one["state"] for one in world.gateway("sellers", "list")["items"]}
    assert states == {"active"}, "nobody is paused by being looked at"
    world.amazon.accounts.restore(SELLER)
    assert world.examined() == []

    world.gateway("sellers", "pause", SELLER, "--reason", "revoked")
    paused = next(one for one in world.examined(11) if one["id"] == "seller.paused")
    assert "is paused (revoked)" in paused["what"]
    assert paused["mend"].endswith(f"gateway sellers resume {SELLER}")
    world.gateway("sellers", "resume", SELLER)
    assert world.examined() == []


def test_6_a_client_secret_that_expired(world: World) -> None:
    application = world.amazon.describe()["applications"][0]
    rotated = world.amazon.accounts.rotate(application["id"])
    assert rotated is not None
    assert world.examined() == [], "the old one works for a while"
    world.amazon.accounts.expire_secrets(application["client_id"])
    found = {one["id"]: one for one in world.examined(11)}
    told = found["credentials.secret_expired"]
    assert told["subject"] == "application main"
    assert "rotate the secret of main" in told["mend"]
    assert {"seller.unasked", "subscription.uncompared"} <= set(found)
    text = json.dumps(list(found.values()))
    assert application["client_secret"] not in text
    world.edit(application["client_secret"], rotated.secret)
    assert world.examined() == []


def test_7_a_type_of_the_bus_sent_to_a_queue(world: World) -> None:
    world.edit('destination = "bus"', 'destination = "main"')
    told = next(one for one in world.examined(11) if one["level"] == "fault")
    assert told["id"] == "subscription.wrong_workflow"
    assert told["subject"] == "subscriptions[1].destination"
    assert "an event bus only" in told["what"]
    assert told["mend"].endswith("gateway subscriptions apply")
    world.edit('CHANGE"\ndestination = "main"', 'CHANGE"\ndestination = "bus"')
    world.gateway("subscriptions", "apply")
    assert world.examined() == []


def test_8_a_filter_that_amazon_needs(world: World) -> None:
    world.edit("filter =", "# filter =")
    told = next(one for one in world.examined(11) if one["level"] == "fault")
    assert told["id"] == "subscription.filter_missing"
    assert told["subject"] == "subscriptions[0].filter"
    assert "write filter = { order_change_types = … }" in told["mend"]
    world.edit("# filter =", "filter =")
    world.edit("OrderStatusChange", "BuyerRequestedChange")
    found = world.examined(11)
    assert set(ids(found)) == {"subscription.differs"}
    world.mend(found[0])
    assert world.examined() == []


def test_9_an_event_source_without_its_bus(world: World) -> None:
    events, place = aws("events"), {"EventBusName": world.source}
    events.remove_targets(Rule="orders", Ids=_targets(world), **place)
    events.delete_rule(Name="orders", **place)
    events.delete_event_bus(Name=world.source)
    (told,) = world.examined(11)
    assert (told["check"], told["id"]) == ("bus", "source.pending")
    assert told["subject"] == f"event source {world.source}"
    world.mend(told, "--yes")
    assert world.examined() == []


def _targets(world: World) -> list[str]:
    answer = aws("events").list_targets_by_rule(Rule="orders", EventBusName=world.source)
    return [one["Id"] for one in answer["Targets"]]


def test_10_no_dead_letter_queue(world: World) -> None:
    set_attributes(RedrivePolicy="")
    (told,) = world.examined(10)
    assert (told["id"], told["level"]) == ("queue.dlq_missing", "warning")
    world.mend(told, "--yes")
    assert world.examined() == []
    redrive = aws("sqs").get_queue_attributes(
        QueueUrl=queue_url(), AttributeNames=["RedrivePolicy"]
    )
    assert "orders-dlq" in redrive["Attributes"]["RedrivePolicy"]


def test_11_a_full_disk(world: World) -> None:
    world.gateway.environ["SPGW_DOCTOR__FULL_BYTES"] = str(2**60)  # more than any disk has
    found = world.examined(11)
    assert set(ids(found)) == {"space.full"}
    of_database = next(one for one in found if one["subject"] == "folder of the database")
    assert of_database["mend"].startswith(f"free space on the disk of {Path.cwd()}")
    del world.gateway.environ["SPGW_DOCTOR__FULL_BYTES"]
    world.gateway.environ["SPGW_DOCTOR__LOW_BYTES"] = str(2**60)
    assert set(ids(world.examined(10))) == {"space.low"}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a small disk")
def test_11_a_disk_that_really_is_full(world: World, tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=8m", "none", small], check=False, capture_output=True
    )
    if mounted.returncode:
        pytest.skip("this root may not mount")
    try:
        world.gateway.environ["SPGW_STORE__URL"] = f"sqlite:///{small}/gateway.db"
        world.gateway.environ["SPGW_DOCTOR__FULL_BYTES"] = str(2**20)
        world.gateway("db", "upgrade")
        with suppress(OSError), (small / "filler").open("wb", buffering=0) as filler:
            while filler.write(bytes(64 * 1024)):
                pass
        found = {one["subject"]: one for one in world.examined(11)}
        assert found["folder of the database"]["id"] == "space.full"
        assert found["folder of the database"]["what"] == f"{small} has 0 MiB free"
    finally:
        subprocess.run(["umount", "--lazy", small], check=True)


def test_12_a_store_that_is_not_migrated(world: World) -> None:
    with closing(sqlite3.connect("gateway.db")) as database, database:
        database.execute("UPDATE alembic_version SET version_num = ?", [REVISIONS[-2]])
    found = {one["id"]: one for one in world.examined(11)}
    older = found.pop("store.unmigrated")
    assert older["what"] == "has the schema of an older release"
    for name in ("sellers", "destinations", "subscriptions", "bus", "endpoints"):
        skipped = found.pop(f"{name}.skipped")
        assert skipped["what"] == "was not run, for store.unmigrated is in its way"
        assert skipped["mend"] == older["mend"]
    assert not found

    for file in ("gateway.db", "gateway.db.keys"):
        Path(file).unlink()
    never = next(one for one in world.examined(11) if one["level"] == "fault")
    assert (never["id"], never["what"]) == ("store.unmigrated", "is empty")
    assert not Path("gateway.db").exists(), "looking makes nothing"
    world.mend(never)
    assert ids(world.examined(10)) == ["endpoint.none"]


@pytest.mark.postgres
def test_12_a_store_on_postgresql(gateway: Gateway, postgres_server: PostgresServer) -> None:
    def found() -> list[str]:
        report = gateway.checks(11, "doctor", "--only", "store")
        return [one["id"] for one in report["findings"]]

    with postgres_server.database() as url:
        gateway.environ["SPGW_STORE__URL"] = url
        gateway.environ["SPGW_SEALING__KEYS_FILE"] = "ring.json"
        assert found() == ["store.unmigrated"]
        gateway("db", "upgrade")
        assert gateway("doctor", "--only", "store")["summary"]["level"] == "ok"
        Path("ring.json").rename("elsewhere.json")
        assert found() == ["store.keys_missing"]
    gateway.environ["SPGW_STORE__URL"] = "postgresql://u:hunter2@127.0.0.1:9/x"
    report = gateway.checks(11, "doctor", "--only", "store")
    assert [one["id"] for one in report["findings"]] == ["store.unreachable"]
    assert "hunter2" not in json.dumps(report)


def test_a_ring_of_another_database_is_told(gateway: Gateway) -> None:
    gateway.environ["SPGW_APPLICATIONS"] = json.dumps(
        [{"id": "main", "client_id": "client", "client_secret": "secret"}]
    )
    gateway("sellers", "list")
    gateway("db", "upgrade")
    gateway("subscriptions", "plan")
    Path("gateway.db.keys").unlink()
    gateway("db", "create-keys")
    del gateway.environ["SPGW_APPLICATIONS"]
    report = gateway.checks(11, "doctor", "--only", "store")
    assert [one["id"] for one in report["findings"]] == ["store.ok", "store.keys_strange"]


@pytest.mark.usefixtures("on_moto")
def test_9_an_event_source_that_expired(gateway: Gateway, moto: str) -> None:
    """Only moto deletes partner sources; its accounts have another number."""
    account = "123456789012"
    with local_spapi() as amazon:
        Path("gateway.toml").write_text(settings(amazon.describe(), moto, account))
        application = amazon.describe()["applications"][0]["id"]
        source = f"aws.partner/sellingpartnerapi.amazon.com/{account}/{application}"
        events = aws("events")
        events.create_partner_event_source(Name=source, Account=account)
        gateway("db", "upgrade")
        gateway("aws", "setup", "--queue", "orders", "--region", REGION)
        gateway("subscriptions", "apply")
        report = gateway.checks(11, "doctor", "--only", "bus")
        # The queue's policy says nothing of a rule either; set-up mends both at once.
        assert ids(report["findings"]) == ["queue.policy_lacks", "source.pending"]
        events.delete_partner_event_source(Name=source, Account=account)
        report = gateway.checks(11, "doctor", "--only", "bus")
        told = next(one for one in report["findings"] if one["id"] == "source.missing")
        assert told["subject"] == f"event source {source}"
        assert "has expired" in told["what"]
        assert "gateway destinations create" in told["mend"]
