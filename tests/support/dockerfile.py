"""The Dockerfile read as its builder reads it, as far as its instructions are used here."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path


@dataclass(frozen=True)
class Instruction:
    name: str
    value: str


def stages(text: str) -> list[list[Instruction]]:
    """The instructions of each stage, its FROM first."""
    found: list[list[Instruction]] = []
    for instruction in _instructions(text):
        if instruction.name == "FROM":
            found.append([])
        found[-1].append(instruction)
    return found


def _instructions(text: str) -> Iterator[Instruction]:
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    for line in "\n".join(lines).replace("\\\n", " ").splitlines():
        if line.strip():
            name, value = line.split(maxsplit=1)
            yield Instruction(name, re.sub(r"\s+", " ", value).strip())


def values(stage: Sequence[Instruction], name: str) -> list[str]:
    return [each.value for each in stage if each.name == name]


def environment(stage: Sequence[Instruction]) -> dict[str, str]:
    pairs = [pair for value in values(stage, "ENV") for pair in shlex.split(value)]
    return dict(pair.split("=", 1) for pair in pairs)


def exec_form(value: str) -> list[str]:
    """The arguments of `[…]`, what stands before it left out."""
    arguments: list[str] = json.loads(value[value.index("[") :])
    return arguments


def command(run: str) -> str:
    """A RUN's command without its options."""
    return re.sub(r"--mount=\S+ ", "", run)


def sent_to_the_builder(root: Path) -> list[Path]:
    """The files that .dockerignore lets through: all but `*`, then what `!` names."""
    lines = (root / ".dockerignore").read_text().split()
    assert lines[0] == "*"
    kept = [line.removeprefix("!") for line in lines if line.startswith("!")]
    dropped = [line.removeprefix("**/") for line in lines[1:] if not line.startswith("!")]
    files = [
        file
        for name in kept
        for file in ([root / name] if (root / name).is_file() else (root / name).rglob("*"))
    ]
    return [
        file
        for file in files
        if file.is_file() and not any(fnmatch(part, one) for part in file.parts for one in dropped)
    ]
