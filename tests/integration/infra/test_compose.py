"""The compose file: parsed by another's parser, and its settings loaded by our own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import compose_spec
import pytest
import yaml

from gateway.cli.app import COMMANDS
from gateway.settings import load
from gateway.simulator.cast import DEFAULT_APPLICATION, DEFAULT_SELLERS
from tests.support import dockerfile

ROOT = Path(__file__).parents[3]
FILE = ROOT / "infra" / "compose" / "compose.yaml"
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load(FILE.read_text())["services"]
OURS = ("simulator", "upgrade", "gateway")


def test_it_is_a_compose_file() -> None:
    parsed = compose_spec.PyCompose.from_yaml(FILE.read_text())
    parsed.validate()
    assert set(parsed.service_names()) == {"database", *OURS}


def test_a_wrong_one_is_noticed() -> None:
    with pytest.raises(ValueError):
        compose_spec.PyCompose.from_yaml(FILE.read_text().replace("restart:", "restarts:"))


def test_the_settings_load_and_fit_the_local_spapi() -> None:
    environ = SERVICES["gateway"]["environment"]
    settings = load(FILE.parent / "gateway.toml", environ).settings
    (application,) = settings.applications
    assert application.client_id == DEFAULT_APPLICATION.client_id
    assert application.client_secret.get_secret_value() == DEFAULT_APPLICATION.client_secret
    known = {(one.id, one.region, one.refresh_token) for one in DEFAULT_SELLERS}
    for seller in settings.sellers:
        assert (seller.id, seller.region, seller.refresh_token.get_secret_value()) in known
    port = SERVICES["simulator"]["command"][-1]
    assert settings.queues[0].url.startswith(f"http://simulator:{port}/")
    assert settings.spapi.endpoint == f"http://simulator:{port}"
    user = SERVICES["database"]["environment"]
    assert settings.store.url == (
        f"postgresql://{user['POSTGRES_USER']}:{user['POSTGRES_PASSWORD']}@database:5432/"
        f"{user['POSTGRES_DB']}"
    )
    grace_s = int(SERVICES["gateway"]["stop_grace_period"].removesuffix("s"))
    assert grace_s > settings.service.drain_s


def test_our_containers_are_locked_down_and_write_to_the_volume_only() -> None:
    final = dockerfile.stages((ROOT / "Dockerfile").read_text())[-1]
    (volume,) = dockerfile.values(final, "VOLUME")
    for name in OURS:
        service = SERVICES[name]
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service.get("command", ["run"])[0] in COMMANDS
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ()))
    for name in ("upgrade", "gateway"):
        writable = [one for one in SERVICES[name]["volumes"] if not one.endswith(":ro")]
        assert writable == [f"state:{volume}"]


def test_each_waits_for_what_it_needs() -> None:
    assert SERVICES["gateway"]["depends_on"] == {
        "upgrade": {"condition": "service_completed_successfully"}
    }
    for name in SERVICES["upgrade"]["depends_on"]:
        assert "healthcheck" in SERVICES[name]
