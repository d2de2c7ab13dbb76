"""What an archive holds: a JSON file beside its parts, with counts, checksums and times.

While an export is under way its manifest says so and holds how far it is; a part counts once it
stands there. It never holds anything of a body.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import orjson

from gateway.archive.compression import Compression
from gateway.clock import parse_rfc3339_ms, rfc3339
from gateway.errors import ArchiveFaultError
from gateway.store.archived import QUARANTINE

FORMAT: Final = "spapi-event-gateway/archive/1"
FORMAT_WITH_MESSAGES: Final = "spapi-event-gateway/archive/2"
"""The same, with lines of messages in quarantine, which readers of the first one do not know."""

SUFFIX: Final = ".manifest.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One file of an archive.

    Attributes:
        name: Its place, below that of the manifest.
        lines: Notifications and messages in it.
        body_bytes: Bytes of their bodies.
        size_bytes: Bytes of the file.
        sha256: Of the file.
        check: Of its last line.
        by_type: How many of each type.
    """

    name: str
    number: int
    lines: int
    body_bytes: int
    size_bytes: int
    sha256: str
    check: str
    first_received_at_ms: int
    last_received_at_ms: int
    by_type: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What an archive is of; nothing named stands for all."""

    from_ms: int
    to_ms: int
    types: Sequence[str] = ()
    sellers: Sequence[str] = ()
    marketplaces: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """See the module.

    Attributes:
        archive: Its id, which its lines are bound to.
        cursor: Position of the last thing that was looked at; see `gateway.store.archived`.
        plain: Whether bodies stand in the clear, live credentials aside.
        schema: Revision of the database that it was made from.
        dropped: Parts that were replaced, and may not be deleted yet.
    """

    archive: str
    complete: bool
    created_at_ms: int
    finished_at_ms: int | None
    scope: Scope
    cursor: str
    compression: Compression
    plain: bool
    schema: str
    part_lines: int
    parts: Sequence[Part] = ()
    dropped: Sequence[str] = field(default=())

    @property
    def lines(self) -> int:
        """Notifications and messages in it."""
        return sum(part.lines for part in self.parts)

    @property
    def size_bytes(self) -> int:
        """Bytes of its files."""
        return sum(part.size_bytes for part in self.parts)

    @property
    def by_type(self) -> Mapping[str, int]:
        """How many of each type, the most first."""
        counted: Counter[str] = Counter()
        for part in self.parts:
            counted.update(part.by_type)
        return dict(counted.most_common())

    def replacing(self, old: Part, new: Part | None) -> Manifest:
        """Return it with another part in place of one, which is noted as dropped."""
        parts = [new if part == old else part for part in self.parts]
        return replace(
            self,
            parts=[part for part in parts if part is not None],
            dropped=[*self.dropped, old.name],
        )


def summary(manifest: Manifest) -> dict[str, Any]:
    """Return what a manifest says, as JSON values, without its parts."""
    scope = manifest.scope
    firsts = [part.first_received_at_ms for part in manifest.parts]
    lasts = [part.last_received_at_ms for part in manifest.parts]
    return {
        "format": FORMAT_WITH_MESSAGES if QUARANTINE in manifest.by_type else FORMAT,
        "archive": manifest.archive,
        "complete": manifest.complete,
        "created_at": rfc3339(manifest.created_at_ms),
        "finished_at": _time(manifest.finished_at_ms),
        "from": rfc3339(scope.from_ms),
        "to": rfc3339(scope.to_ms),
        "types": list(scope.types),
        "sellers": list(scope.sellers),
        "marketplaces": list(scope.marketplaces),
        "compression": manifest.compression.value,
        "bodies": "plain" if manifest.plain else "sealed",
        "schema": manifest.schema,
        "lines": manifest.lines,
        "size_bytes": manifest.size_bytes,
        "first_received_at": _time(min(firsts, default=None)),
        "last_received_at": _time(max(lasts, default=None)),
        "by_type": dict(manifest.by_type),
    }


def written(manifest: Manifest) -> bytes:
    """Return a manifest's file."""
    members = summary(manifest) | {
        "cursor": manifest.cursor,
        "part_lines": manifest.part_lines,
        "parts": [_part_json(part) for part in manifest.parts],
        "dropped": list(manifest.dropped),
    }
    return orjson.dumps(members, option=orjson.OPT_INDENT_2) + b"\n"


def read_manifest(name: str, raw: bytes) -> Manifest:
    """Return what a manifest's file says.

    Raises:
        ArchiveFaultError: It is none, or its counts contradict each other.
    """
    try:
        members = orjson.loads(raw)
        if members["format"] not in (FORMAT, FORMAT_WITH_MESSAGES):
            raise ArchiveFaultError(name, 1, f"its format is not {FORMAT_WITH_MESSAGES}")
        manifest = Manifest(
            archive=members["archive"],
            complete=members["complete"],
            created_at_ms=parse_rfc3339_ms(members["created_at"]),
            finished_at_ms=_ms(members["finished_at"]),
            scope=Scope(
                from_ms=parse_rfc3339_ms(members["from"]),
                to_ms=parse_rfc3339_ms(members["to"]),
                types=tuple(members["types"]),
                sellers=tuple(members["sellers"]),
                marketplaces=tuple(members["marketplaces"]),
            ),
            cursor=members["cursor"],
            compression=Compression(members["compression"]),
            plain=members["bodies"] == "plain",
            schema=members["schema"],
            part_lines=members["part_lines"],
            parts=[_part_of(part) for part in members["parts"]],
            dropped=members["dropped"],
        )
    except (ValueError, KeyError, TypeError) as exc:
        raise ArchiveFaultError(name, 1, f"is no manifest ({type(exc).__name__})") from None
    if (manifest.lines, manifest.size_bytes) != (members["lines"], members["size_bytes"]):
        raise ArchiveFaultError(name, 1, "its counts are not those of its parts")
    return manifest


def _part_json(part: Part) -> dict[str, Any]:
    return {
        "name": part.name,
        "number": part.number,
        "lines": part.lines,
        "body_bytes": part.body_bytes,
        "size_bytes": part.size_bytes,
        "sha256": part.sha256,
        "check": part.check,
        "first_received_at": rfc3339(part.first_received_at_ms),
        "last_received_at": rfc3339(part.last_received_at_ms),
        "by_type": dict(part.by_type),
    }


def _part_of(members: Mapping[str, Any]) -> Part:
    name: str = members["name"]
    if name.startswith("/") or ".." in name.split("/"):
        raise ValueError("a part's place is not below its manifest's")
    return Part(
        name=name,
        number=members["number"],
        lines=members["lines"],
        body_bytes=members["body_bytes"],
        size_bytes=members["size_bytes"],
        sha256=members["sha256"],
        check=members["check"],
        first_received_at_ms=parse_rfc3339_ms(members["first_received_at"]),
        last_received_at_ms=parse_rfc3339_ms(members["last_received_at"]),
        by_type=members["by_type"],
    )


def _time(at_ms: int | None) -> str | None:
    return None if at_ms is None else rfc3339(at_ms)


def _ms(text: str | None) -> int | None:
    return None if text is None else parse_rfc3339_ms(text)
