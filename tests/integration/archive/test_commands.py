"""`gateway archive` on a real SQLite file, with files and with moto's S3."""

from __future__ import annotations

import gzip
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.integration.archive.conftest import BUCKET, Gateway
from tests.support.world import order_change, pricing_health

MODULES = '["handlers.passthrough", "handlers.order_change"]'
COUNT = 12


def filled(gateway: Gateway, folder: Path) -> list[dict[str, Any]]:
    """Take notifications in; return them as they are shown."""
    gateway.environ["SPGW_HANDLERS__MODULES"] = MODULES
    bodies = [pricing_health(f"n-{number}") for number in range(COUNT - 1)]
    bodies.append(order_change("o-1", "902-0000001-0000001"))
    (folder / "bodies.jsonl").write_text("\n".join(bodies))
    gateway("notifications", "inject", "bodies.jsonl")
    return shown(gateway)


def shown(gateway: Gateway) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = gateway("notifications", "list", "--limit", "1000")["items"]
    return [
        gateway("notifications", "show", one["id"], "--body") | {"handlings": None} for one in found
    ]


def wiped(folder: Path) -> None:
    """Begin with an empty database; the key ring stays."""
    (folder / "gateway.db").unlink()


@pytest.mark.parametrize("name", ["nov.jsonl.gz", "nov.jsonl.zst", "nov.jsonl"])
def test_export_wipe_import_brings_all_back(gateway: Gateway, tmp_path: Path, name: str) -> None:
    before = filled(gateway, tmp_path)
    made = gateway("archive", "export", f"kept/{name}", "--from", "1h", "--part-lines", "5")
    assert (made["complete"], made["lines"], len(made["files"])) == (True, COUNT, 3)
    assert made["by_type"] == {"PRICING_HEALTH": COUNT - 1, "ORDER_CHANGE": 1}
    checked = gateway("archive", "verify", f"kept/{name}")
    assert (checked["lines"], checked["faults"]) == (COUNT, [])
    assert {one.stat().st_mode & 0o777 for one in (tmp_path / "kept").iterdir()} == {0o600}
    wiped(tmp_path)
    assert gateway("archive", "import", "kept", "--dry-run")["lines"] == COUNT
    assert shown(gateway) == []
    told = gateway("archive", "import", f"kept/{name}")
    assert told == {"archives": 1, "files": 3, "lines": COUNT, "new": COUNT, "known": 0}
    assert shown(gateway) == before
    assert gateway("archive", "import", "kept")["known"] == COUNT
    assert gateway("handlings", "list")["items"] == []


def test_bodies_are_sealed_unless_they_are_asked_for(gateway: Gateway, tmp_path: Path) -> None:
    filled(gateway, tmp_path)
    gateway("archive", "export", "sealed.jsonl", "--from", "1h")
    gateway("archive", "export", "plain.jsonl", "--from", "1h", "--plain")
    assert b"902-0000001" not in (tmp_path / "sealed.00001.jsonl").read_bytes()
    lines = (tmp_path / "plain.00001.jsonl").read_text().splitlines()
    orders = [json.loads(one)["body"] for one in lines if '"type":"ORDER_CHANGE"' in one]
    assert ["902-0000001-0000001" in one for one in orders] == [True]


def test_a_dry_run_and_a_second_export_of_a_name(gateway: Gateway, tmp_path: Path) -> None:
    filled(gateway, tmp_path)
    found = gateway("archive", "export", "a.jsonl.gz", "--from", "1h", "--dry-run")
    assert (found["lines"], found["files"]) == (COUNT, 1)
    assert not list(tmp_path.glob("a.*"))
    gateway("archive", "export", "a.jsonl.gz", "--from", "1h")
    assert "exists" in gateway.fails(3, "archive", "export", "a.jsonl.gz", "--from", "1h")["detail"]
    assert "come to its end" in gateway.fails(3, "archive", "export", "a", "--resume")["detail"]


def test_what_could_not_be_read_is_kept_sealed_and_goes_to_quarantine_again(
    gateway: Gateway, tmp_path: Path
) -> None:
    gateway.environ["SPGW_HANDLERS__MODULES"] = MODULES
    bodies = [pricing_health("n-1"), "broken: Jane Doe", '{"buyer": "Max Doe"}']
    (tmp_path / "bodies.jsonl").write_text("\n".join(bodies))
    gateway.checks(1, "notifications", "inject", "bodies.jsonl")

    def quarantined() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = gateway("quarantine", "list")["items"]
        return [one | gateway("quarantine", "show", one["id"]) for one in found]

    before = quarantined()
    assert {one["body"] for one in before} == set(bodies[1:])
    made = gateway("archive", "export", "all.jsonl", "--from", "1h", "--plain")
    assert made["by_type"] == {"PRICING_HEALTH": 1, "quarantine": 2}
    narrow = ("--from", "1h", "--type", "PRICING_HEALTH", "--dry-run")
    assert gateway("archive", "export", "narrow.jsonl", *narrow)["lines"] == 1
    text = (tmp_path / "all.00001.jsonl").read_bytes()
    assert b"n-1" in text
    assert b"Doe" not in text
    assert gateway("archive", "verify", "all.jsonl")["faults"] == []

    wiped(tmp_path)
    found = gateway("erase", "--buyer", "Jane Doe", "--archive", "all.jsonl", "--dry-run")
    assert found["would_erase"] == {"archives": 1}
    assert gateway("archive", "import", "all.jsonl")["new"] == 3
    assert quarantined() == before
    assert gateway("archive", "import", "all.jsonl")["known"] == 3
    assert quarantined() == before


@pytest.mark.parametrize(
    "arguments",
    [
        ("a.jsonl.gz",),
        ("a.jsonl.gz", "--from", "1h", "--compress", "zstd"),
        ("a.jsonl.gz", "--from", "1h", "--resume"),
        ("a.jsonl.gz", "--from", "1h", "--to", "2h"),
        ("s3://", "--from", "1h"),
        ("s3://bucket/", "--from", "1h"),
        ("", "--from", "1h"),
    ],
)
def test_what_makes_no_sense_is_refused(gateway: Gateway, arguments: tuple[str, ...]) -> None:
    gateway.fails(2, "archive", "export", *arguments)


def test_an_edited_file_is_refused_with_its_line_and_gone_on_with(
    gateway: Gateway, tmp_path: Path
) -> None:
    before = filled(gateway, tmp_path)
    gateway("archive", "export", "a.jsonl.gz", "--from", "1h", "--part-lines", "5")
    file = tmp_path / "a.00002.jsonl.gz"
    shutil.copy(file, tmp_path / "good")
    lines = gzip.decompress(file.read_bytes()).splitlines(keepends=True)
    lines[2] = lines[2].replace(b"PRICING", b"PRIZING")
    file.write_bytes(gzip.compress(b"".join(lines)))
    wiped(tmp_path)
    refused = gateway.fails(1, "archive", "import", "a.jsonl.gz")
    assert "a.00002.jsonl.gz: line 3:" in refused["detail"]
    assert len(shown(gateway)) == 7
    [fault] = gateway.checks(1, "archive", "verify", "a.jsonl.gz")["faults"]
    assert (fault["file"], fault["line"]) == ("a.00002.jsonl.gz", 3)
    shutil.copy(tmp_path / "good", file)
    assert gateway("archive", "import", "a.jsonl.gz")["new"] == 5
    assert shown(gateway) == before


def test_a_bucket_is_as_good_as_a_folder(
    gateway: Gateway, tmp_path: Path, s3_url: str, bucket: Any
) -> None:
    gateway.environ["SPGW_ARCHIVE__ENDPOINT_URL"] = s3_url
    before = filled(gateway, tmp_path)
    place = f"s3://{BUCKET}/acme/nov.jsonl.zst"
    made = gateway("archive", "export", place, "--from", "1h", "--part-lines", "5")
    assert made["lines"] == COUNT
    keys = {one.key for one in bucket.objects.all()}
    assert keys == {"acme/nov.manifest.json"} | {f"acme/{name}" for name in made["files"]}
    wiped(tmp_path)
    assert gateway("archive", "verify", f"s3://{BUCKET}/acme/")["faults"] == []
    assert gateway("archive", "import", f"s3://{BUCKET}/acme")["new"] == COUNT
    assert shown(gateway) == before
    bucket.Object("acme/nov.00002.jsonl.zst").delete()
    [fault] = gateway.checks(1, "archive", "verify", place)["faults"]
    assert "missing" in fault["fault"]
    gateway.fails(1, "archive", "import", f"s3://{BUCKET}/other")


def test_a_replay_of_an_archive_is_looked_at_and_begun(gateway: Gateway, tmp_path: Path) -> None:
    filled(gateway, tmp_path)
    gateway("archive", "export", "kept/a.jsonl.gz", "--from", "1h", "--part-lines", "5")
    wiped(tmp_path)
    found = gateway("replay", "start", "--archive", "kept", "--dry-run")
    assert (found["count"], found["complete"], found["looked"]) == (COUNT, True, COUNT)
    narrowed = ("--archive", "kept/a.jsonl.gz", "--order", "902-0000001-0000001")
    assert gateway("replay", "start", *narrowed, "--dry-run")["count"] == 1
    assert shown(gateway) == []
    begun = gateway("replay", "start", *narrowed, "--rate", "5")
    assert begun["selection"]["archive"] == str(tmp_path / "kept/a.jsonl.gz")
    assert gateway("replay", "pause", begun["id"])["state"] == "paused"
    gateway.fails(1, "replay", "start", "--archive", "nowhere.jsonl.gz")
    assert "--from" in gateway.fails(2, "replay", "start")["detail"]
