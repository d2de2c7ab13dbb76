"""The image: linted, and built by hand as far as a machine without a container engine can."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import dockerfile
from tests.support.emulators import free_port

ROOT = Path(__file__).parents[3]
FILE = ROOT / "Dockerfile"
UV = ROOT / ".bootstrap" / "bin"
BUILD, FINAL = dockerfile.stages(FILE.read_text())


def test_hadolint_has_nothing_to_say() -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    ended = subprocess.run(
        [hadolint, "--no-color", FILE], capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stdout) == (0, "")


def test_the_final_stage() -> None:
    assert dockerfile.values(FINAL, "USER") == ["10001"]
    assert dockerfile.values(FINAL, "COPY") == ["--from=build /opt/gateway /opt/gateway"]
    assert dockerfile.exec_form(*dockerfile.values(FINAL, "ENTRYPOINT")) == ["gateway"]
    assert dockerfile.exec_form(*dockerfile.values(FINAL, "CMD")) == ["run"]
    assert dockerfile.values(FINAL, "STOPSIGNAL") == ["SIGTERM"]
    (bases,) = {tuple(dockerfile.values(stage, "FROM")[0].split()[:1]) for stage in (BUILD, FINAL)}
    assert bases, "both stages have one Python, or the environment would not run"
    (setup,) = dockerfile.values(FINAL, "RUN")
    assert "pip uninstall" in setup
    assert not re.search(r"apt|gcc|uv ", setup)
    # All that is written lies in the one volume, so the root file system may be read-only.
    (volume,) = dockerfile.values(FINAL, "VOLUME")
    assert dockerfile.values(FINAL, "WORKDIR") == [volume]
    assert dockerfile.environment(FINAL)["SPGW_STORE__URL"].startswith(f"sqlite:///{volume}/")


def test_uv_is_the_one_of_the_makefile() -> None:
    (version,) = re.findall(r"^UV_VERSION := (\S+)", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert dockerfile.values(BUILD, "RUN")[0].endswith(f" uv=={version}")


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The build stage's steps, done in a folder that stands for the container's root."""
    root = tmp_path_factory.mktemp("image")
    context, source = root / "context", root / "src"
    for file in dockerfile.sent_to_the_builder(ROOT):
        copy = context / file.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(file, copy)
    source.mkdir()
    environ = {
        "HOME": os.environ["HOME"],
        "PATH": f"{UV}:/usr/bin:/bin",
        "UV_PYTHON": str(UV / "python"),
        "UV_CACHE_DIR": _uv_cache(),
        **{
            name: os.environ[name]
            for name in os.environ
            if name.startswith(("PIP_", "UV_INDEX", "SSL_", "HTTP"))
        },
        **dockerfile.environment(BUILD),
        "UV_PROJECT_ENVIRONMENT": str(root / "opt"),
    }
    for instruction in BUILD[2:]:  # FROM and the installation of uv left out
        if instruction.name == "COPY":
            *names, target = instruction.value.split()
            for name in names:
                _copy(context / name, source / target)
        elif instruction.name == "RUN":
            step = dockerfile.command(instruction.value)
            ended = subprocess.run(
                ["sh", "-ec", step],
                cwd=source,
                env=environ,
                capture_output=True,
                text=True,
                check=False,
            )
            assert ended.returncode == 0, f"{step}\n{ended.stderr}"
    shutil.rmtree(source)
    shutil.rmtree(context)
    return root


def _uv_cache() -> str:
    ended = subprocess.run([UV / "uv", "cache", "dir"], capture_output=True, text=True, check=True)
    return ended.stdout.strip()


def _copy(what: Path, target: Path) -> None:
    if what.is_dir():
        shutil.copytree(what, target)
    else:
        shutil.copy2(what, target / what.name if target.is_dir() else target)


def test_only_what_runs_is_in_it(image: Path) -> None:
    commands = {file.name for file in (image / "opt" / "bin").iterdir()}
    assert {"gateway", "python"} <= commands
    assert not commands & {"pip", "uv", "pytest", "ruff", "mypy", "gcc"}
    packages = {file.name for file in (image / "opt").glob("lib/*/site-packages/*")}
    assert {"gateway", "handlers"} <= packages
    assert not packages & {"pip", "setuptools", "pytest", "moto", "tests"}


@pytest.mark.acceptance
def test_it_runs_healthy_and_writes_to_its_volume_only(image: Path) -> None:
    def files() -> dict[str, int]:
        return {str(one): one.stat().st_mtime_ns for one in (image / "opt").rglob("*")}

    volume, port = image / "volume", str(free_port())
    volume.mkdir()
    environ = {
        **dockerfile.environment(FINAL),
        "PATH": f"{image / 'opt' / 'bin'}:/usr/bin:/bin",
        "HOME": str(volume),
        "SPGW_ADMIN__HOST": "127.0.0.1",
        "SPGW_ADMIN__PORT": port,
        "SPGW_STORE__URL": f"sqlite:///{volume}/gateway.db",
    }
    before = files()
    started = dockerfile.exec_form(*dockerfile.values(FINAL, "ENTRYPOINT"))
    started += dockerfile.exec_form(*dockerfile.values(FINAL, "CMD"))
    process = subprocess.Popen(
        started,
        cwd=volume,
        env=environ,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stderr is not None
        for line in process.stderr:
            if "admin.listening" in line or port in line:
                break
        check = dockerfile.exec_form(*dockerfile.values(FINAL, "HEALTHCHECK"))
        check = [part.replace(":8787", f":{port}") for part in check]
        assert subprocess.run(check, env=environ, check=False).returncode == 0
        process.send_signal(signal.SIGTERM)
        process.stderr.read()
        assert process.wait(60) == 0
    finally:
        process.kill()
        process.wait()
        process.stderr.close()  # type: ignore[union-attr]
    assert files() == before
    assert (volume / "gateway.db").exists()
