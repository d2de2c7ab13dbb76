"""The manifests: held to Kubernetes' own schemas, and to each other and the code."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from gateway.cli.app import COMMANDS
from gateway.settings import load
from tests.support import dockerfile

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / "infra" / "k8s"
OBJECTS: list[dict[str, Any]] = [
    one for file in sorted(FOLDER.glob("*.yaml")) for one in yaml.safe_load_all(file.read_text())
]
# KEDA's own kinds are no part of Kubernetes' schemas.
BUILT_IN = [one for one in OBJECTS if not one["apiVersion"].startswith("keda.sh/")]
VERSION = "1.33"


def named(kind: str) -> dict[str, Any]:
    (found,) = [one for one in OBJECTS if one["kind"] == kind]
    return found


def pods() -> list[dict[str, Any]]:
    return [named(kind)["spec"]["template"]["spec"] for kind in ("Deployment", "Job")]


@pytest.mark.parametrize("manifest", BUILT_IN, ids=lambda one: str(one["kind"]))
def test_a_manifest_has_the_structure_and_types_of_its_kind(manifest: dict[str, Any]) -> None:
    kubernetes_validate.validate(manifest, VERSION, strict=True)


def test_a_wrong_one_is_noticed() -> None:
    wrong_type, unknown = copy.deepcopy(named("Deployment")), copy.deepcopy(named("Deployment"))
    wrong_type["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] = "60s"
    unknown["spec"]["template"]["spec"]["containers"][0]["livenessprobe"] = {}
    for manifest in (wrong_type, unknown):
        with pytest.raises(kubernetes_validate.ValidationError):
            kubernetes_validate.validate(manifest, VERSION, strict=True)


def test_everything_selects_the_deployments_pods() -> None:
    deployment = named("Deployment")["spec"]
    labels = deployment["template"]["metadata"]["labels"]
    assert deployment["selector"]["matchLabels"] == labels
    assert named("Service")["spec"]["selector"] == labels
    assert named("PodDisruptionBudget")["spec"]["selector"]["matchLabels"] == labels
    assert named("NetworkPolicy")["spec"]["podSelector"]["matchLabels"] == labels
    job = named("Job")["spec"]["template"]["metadata"]["labels"]
    assert job != labels, "a pod that upgrades is no replica"


def test_pods_are_locked_down() -> None:
    final = dockerfile.stages((ROOT / "Dockerfile").read_text())[-1]
    (volume,) = dockerfile.values(final, "VOLUME")
    for pod in pods():
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert [str(pod["securityContext"]["runAsUser"])] == dockerfile.values(final, "USER")
        assert pod["automountServiceAccountToken"] is False
        (container,) = pod["containers"]
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert container["args"][0] in COMMANDS
        writable = [one for one in container["volumeMounts"] if not one.get("readOnly")]
        assert [one["mountPath"] for one in writable] == [volume]
        mounted = {one["name"] for one in container["volumeMounts"]}
        assert mounted == {one["name"] for one in pod["volumes"]}
    images = {pod["containers"][0]["image"] for pod in pods()}
    assert len(images) == 1, "the upgrade is of the release that runs"


def test_probes_ask_what_the_admin_port_answers() -> None:
    (container,) = pods()[0]["containers"]
    paths = {name: container[name]["httpGet"] for name in container if name.endswith("Probe")}
    assert {name: get["path"] for name, get in paths.items()} == {
        "livenessProbe": "/healthz",
        "readinessProbe": "/readyz",
        "startupProbe": "/healthz",
    }
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert {ports[get["port"]] for get in paths.values()} == {8787}


def test_the_settings_load(tmp_path: Path) -> None:
    text = named("ConfigMap")["data"]["gateway.toml"]
    (container,) = pods()[0]["containers"]
    mounts = {one["name"]: one["mountPath"] for one in container["volumeMounts"]}
    assert container["env"] == [
        {"name": "SPGW_CONFIG", "value": f"{mounts['config']}/gateway.toml"}
    ]
    (tmp_path / "database-url").write_text("postgresql://gateway:x@db:5432/gateway")
    (tmp_path / "client-secret").write_text("secret")
    file = tmp_path / "gateway.toml"
    file.write_text(text.replace(mounts["secrets"], str(tmp_path)))
    settings = load(file, {}).settings
    assert settings.keys_file() == tmp_path / "gateway.keys"
    assert pods()[0]["terminationGracePeriodSeconds"] > settings.service.drain_s
    (trigger,) = named("ScaledObject")["spec"]["triggers"]
    assert trigger["metadata"]["queueURL"] == settings.queues[0].url
    assert f".{trigger['metadata']['awsRegion']}." in settings.queues[0].url


def test_keda_scales_the_deployment_on_the_queue() -> None:
    scaled = named("ScaledObject")["spec"]
    target = named(scaled["scaleTargetRef"]["kind"])
    assert target["metadata"]["name"] == scaled["scaleTargetRef"]["name"]
    assert "replicas" not in target["spec"], "KEDA and an apply would quarrel"
    assert 1 <= scaled["minReplicaCount"] < scaled["maxReplicaCount"]
    (trigger,) = scaled["triggers"]
    assert trigger["type"] == "aws-sqs-queue"
    # KEDA's page "AWS SQS Queue" has these, all of them text.
    assert set(trigger["metadata"]) <= {
        "queueURL",
        "queueLength",
        "activationQueueLength",
        "awsRegion",
        "scaleOnInFlight",
    }
    assert all(isinstance(value, str) for value in trigger["metadata"].values())
    authentication = named("TriggerAuthentication")
    assert trigger["authenticationRef"]["name"] == authentication["metadata"]["name"]
    assert authentication["spec"]["podIdentity"]["provider"] == "aws"
