"""docs/performance.md: figures are written between the markers of their section."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

_DOCUMENT = Path(__file__).parents[1] / "docs" / "performance.md"


def write_between(section: str, lines: Sequence[str]) -> None:
    """Replace what stands between `<!-- SECTION:begin -->` and `<!-- SECTION:end -->`."""
    begin, end = f"<!-- {section}:begin -->", f"<!-- {section}:end -->"
    text = _DOCUMENT.read_text(encoding="utf-8")
    before, rest = text.split(begin)
    after = rest.split(end)[1]
    body = "\n".join(lines)
    _DOCUMENT.write_text(f"{before}{begin}\n{body}\n{end}{after}", encoding="utf-8")
