"""How every command is called, and how it ends."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from gateway.cli.app import COMMANDS, call, load_command
from gateway.cli.faults import ExitCode, problem_of, tell
from gateway.cli.invocation import take_global_options
from gateway.errors import (
    ConfigurationError,
    ConflictError,
    EnvelopeError,
    Fault,
    HandlerRegistrationError,
    InvalidInputError,
    NotFoundError,
    QueueUnavailableError,
    SchemaOutdatedError,
    SealError,
    SpApiRequestError,
    SpApiRetryableError,
    StoreUnavailableError,
)


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    "arguments",
    [
        ["--json", "--config", "x.toml", "config", "check"],
        ["config", "--config=x.toml", "--json", "check"],
        ["config", "check", "--json", "--config", "x.toml"],
    ],
)
def test_global_options_are_taken_before_and_after(
    arguments: list[str], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "x.toml").write_text("[admin]\nport = 1")
    assert call(arguments, environ={}) == 0
    assert json.loads(capsys.readouterr().out) == {"valid": True, "file": "x.toml"}


def test_what_follows_two_dashes_is_left_alone() -> None:
    options = take_global_options(["add", "--", "--json", "--config", "x"])
    assert not options.json
    assert options.config is None
    assert options.rest == ["add", "--", "--json", "--config", "x"]


@pytest.mark.parametrize(
    "arguments", [["config", "check", "--config"], ["--config", "--json", "config", "check"]]
)
def test_config_without_a_file(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert call(arguments, environ={}) == ExitCode.USAGE
    assert "--config FILE" in capsys.readouterr().err


def test_the_file_is_the_option_s_else_the_variable_s_else_the_one_here(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    def used(*arguments: str, **environ: str) -> str | None:
        assert call(["config", "check", "--json", *arguments], environ=environ) == 0
        file: str | None = json.loads(capsys.readouterr().out)["file"]
        return file

    assert used() is None
    for name in ("gateway.toml", "a.toml", "b.toml"):
        (tmp_path / name).touch()
    assert used() == "gateway.toml"
    assert used(SPGW_CONFIG="a.toml") == "a.toml"
    assert used("--config", "b.toml", SPGW_CONFIG="a.toml") == "b.toml"


@pytest.mark.parametrize(
    "arguments",
    [["nonsense"], ["config", "nonsense"], ["config", "show", "--nonsense"], ["config"], []],
)
def test_usage_faults(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert call(arguments, environ={}) == ExitCode.USAGE
    plain = capsys.readouterr()
    assert plain.out == ""
    assert "Usage: gateway" in plain.err
    assert call([*arguments, "--json"], environ={}) == ExitCode.USAGE
    as_json = capsys.readouterr()
    assert as_json.out == ""
    assert json.loads(as_json.err)["type"] == "urn:gateway:problem:usage"


def test_a_misspelt_command_is_guessed(capsys: pytest.CaptureFixture[str]) -> None:
    call(["endpoint"], environ={})
    assert "Did you mean 'endpoints'?" in capsys.readouterr().err


def test_help_shows_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["--help"], environ={}) == 0
    text = capsys.readouterr().out
    for name, (_, summary) in COMMANDS.items():
        assert name in text
        assert summary in text
    assert "--config FILE" in text


def test_the_release(capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["--version"], environ={}) == 0
    assert capsys.readouterr().out.strip()[0].isdigit()


FAULT = Fault(where="gateway.toml: a.b", what="is wrong", mend="write c")


@pytest.mark.parametrize(
    ("exc", "code"),
    [
        (ConfigurationError([FAULT]), 4),
        (HandlerRegistrationError([FAULT]), 4),
        (SchemaOutdatedError("x"), 4),
        (SealError("x"), 4),
        (ConflictError("x"), 3),
        (InvalidInputError("x"), 2),
        (NotFoundError("x"), 1),
        (StoreUnavailableError("x"), 5),
        (QueueUnavailableError("x", reason="denied"), 5),
        (SpApiRetryableError("x", operation="getOrder"), 5),
        (SpApiRequestError("x", operation="getOrder"), 1),
        (EnvelopeError("x"), 1),
        (RuntimeError("x"), 1),
    ],
)
def test_exit_codes(exc: Exception, code: int) -> None:
    problem = problem_of(exc)
    assert problem.exit_code == code
    stderr = io.StringIO()
    tell(problem, stderr=stderr, as_json=True)
    told = json.loads(stderr.getvalue())
    assert told["exit_code"] == code
    assert told["type"].startswith("urn:gateway:problem:")
    assert told["title"]
    assert told["detail"]


def test_faults_are_told_one_by_one() -> None:
    problem = problem_of(ConfigurationError([FAULT, FAULT]))
    assert problem.as_json()["faults"][1] == {
        "where": "gateway.toml: a.b",
        "what": "is wrong",
        "mend": "write c",
    }
    stderr = io.StringIO()
    tell(problem, stderr=stderr, as_json=False)
    assert "  gateway.toml: a.b: is wrong\n    → write c\n" in stderr.getvalue()


def test_no_credential_is_told() -> None:
    assert "hidden" not in problem_of(RuntimeError("Atzr|hidden-token")).detail
    assert "hidden" not in problem_of(StoreUnavailableError("postgresql://u:hidden@db")).detail


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    command = load_command(name)
    for path in ([name], *([name, inner] for inner in getattr(command, "commands", ()))):
        assert call([*path, "--help"], environ={}) == 0
        text = capsys.readouterr().out
        assert text.startswith(f"Usage: gateway {' '.join(path)} ")
        assert text.splitlines()[2].strip()
        assert "--config FILE" in text
