"""Compares the catalogue with the sources of its facts: `make catalog-check CSV=… MODELS=…`.

The sources are no part of this project: a table of operations (with the one of removed ones beside
it as `operations_removed.csv`), and a checkout of Amazon's API models. What was compared last is
held by digests that `tests/unit/spapi/test_catalog.py` checks.
"""

from __future__ import annotations

import csv
import hashlib
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from gateway.spapi.catalog import Catalog
from tests.support.models import ModelOperation, read_models

Facts = Mapping[tuple[str, str], tuple[str, ...]]

COLUMNS = [
    "version",
    "operation",
    "rate",
    "burst",
    "scope",
    "static_sandbox",
    "deprecated",
    "removal",
    "restricted",
    "page_parameter",
    "next_token",
    "dynamic_sandbox",
    "sandbox_only",
    "source",
]
REMOVED_COLUMNS = ["operation", "rate", "burst", "removed"]

_DATE = re.compile(r"\d{4}-\d{2}(?:-\d{2})?")
_PAGES = {
    "nextToken", "paginationToken", "pageToken", "NextToken", "nextPageToken",
    "nextTokenForLineItems", "PageStartIndex",
}  # fmt: skip


# ── the catalogue, as rows ───────────────────────────────────────────────────────────────────────


def facts(catalog: Catalog) -> Facts:
    """Return what the catalogue says of each live operation, as texts in the order of `COLUMNS`."""
    return {
        (one.method, one.path): (
            one.version,
            one.id,
            _number(one.rate_per_s),
            _number(one.burst),
            one.scope or "",
            _yes(one.static_sandbox),
            one.deprecated or "",
            one.removal or "",
            _yes(one.restricted),
            one.page_parameter or "",
            one.next_token or "",
            _yes(one.dynamic_sandbox),
            _yes(one.sandbox_only),
            one.rate_source,
        )
        for one in catalog.operations
    }


def removed_facts(catalog: Catalog) -> Facts:
    """Return what the catalogue says of each removed operation, in the order of `REMOVED_COLUMNS`."""
    return {
        (one.method, one.path): (
            one.id,
            _number(one.rate_per_s),
            _number(one.burst),
            one.removed,
        )
        for one in catalog.removed
    }


def digest(rows: Facts) -> str:
    """Return a digest of rows, whatever their order."""
    lines = sorted("\t".join((*key, *row)) for key, row in rows.items())
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


# ── the table, as rows ───────────────────────────────────────────────────────────────────────────


def table_facts(file: Path) -> Facts:
    """Return the rows of a table of operations in the same form."""
    return {
        (row["http_method"], row["path"]): (
            row["api_version"],
            row["operation_id"],
            _number(row["rate_per_second"]),
            _number(row["burst"]),
            row["grantless"].partition(": ")[2],
            row["has_static_sandbox_case"],
            _date(row["deprecated"], "deprecated"),
            _date(row["deprecated"], "removal"),
            row["restricted"],
            row["paginated_by"],
            row["next_token_from"],
            row["dynamic_sandbox"],
            row["sandbox_only"],
            _source(row["rate_source"]),
        )
        for row in _rows(file)
    }


def removed_table_facts(file: Path) -> Facts:
    """Return the rows of a table of removed operations in the same form."""
    return {
        (row["http_method"], row["path"]): (
            row["operation_id"],
            _number(row["rate_per_second"]),
            _number(row["burst"]),
            _date(row["status"], "removed")
            or _date(row["status"], re.escape(row["operation_id"]))
            or "",
        )
        for row in _rows(file)
    }


def _rows(file: Path) -> Iterable[Mapping[str, str]]:
    return list(csv.DictReader(file.read_text("utf-8").splitlines()))


def _date(text: str, after: str) -> str:
    found = re.search(rf"{after} ({_DATE.pattern})", text)
    return found[1] if found else ""


def _source(text: str) -> str:
    if text.startswith("models repo history"):
        return f"history {_DATE.findall(text)[-1]}"
    return "page" if text.startswith("developer-docs") else text.partition(" ")[0]


def _number(value: float | str | None) -> str:
    return "" if value in {None, ""} else f"{float(value):g}"  # type: ignore[arg-type]


def _yes(value: object) -> str:
    return "yes" if value else "no"


# ── differences ──────────────────────────────────────────────────────────────────────────────────


def differences(mine: Facts, theirs: Facts, columns: Iterable[str]) -> Iterator[str]:
    """Yield each difference between two sets of rows, in words."""
    for key in sorted(mine.keys() | theirs.keys()):
        name = " ".join(key)
        if key not in theirs:
            yield f"{name}: only the catalogue has it"
        elif key not in mine:
            yield f"{name}: the catalogue lacks it"
        else:
            for column, own, other in zip(columns, mine[key], theirs[key], strict=True):
                if own != other:
                    yield f"{name}: {column} is {own!r}, the source says {other!r}"


def model_differences(catalog: Catalog, models: Iterable[ModelOperation]) -> Iterator[str]:
    """Yield each difference between the catalogue and models; a checkout may hold only some files."""
    own = {(one.method, one.path): one for one in catalog.operations}
    for model in models:
        operation = own.get((model.method, model.path))
        name = f"{model.file}: {model.method} {model.path}"
        if operation is None:
            yield f"{name}: the catalogue lacks it"
            continue
        query = model.of_kind("query")
        said = {
            "operation": model.id,
            "headers": sorted(model.of_kind("header")),
            "repeated": sorted(
                each for each, one in query.items() if one.get("collectionFormat") == "multi"
            ),
            "static_sandbox": bool(model.cases),
            "dynamic_sandbox": model.dynamic,
            "sandbox_only": model.sandbox_only,
        }
        held = {
            "operation": operation.id,
            "headers": sorted(operation.headers),
            "repeated": sorted(operation.repeated),
            "static_sandbox": operation.static_sandbox,
            "dynamic_sandbox": operation.dynamic_sandbox,
            "sandbox_only": operation.sandbox_only,
        }
        paged = sorted(_PAGES & set(query))
        if paged:
            said["page_parameter"], held["page_parameter"] = paged, [operation.page_parameter]
        if operation.rate_source == "model":
            said["plan"] = model.plan
            held["plan"] = (operation.rate_per_s, float(operation.burst or 0))
        yield from (
            f"{name}: {what} is {held[what]!r}, the model says {said[what]!r}"
            for what in said
            if said[what] != held[what]
        )


def main(arguments: list[str]) -> int:
    """Compare what is named (`CSV=file`, `MODELS=folder`), print each difference, and count them."""
    named = dict(argument.split("=", 1) for argument in arguments if not argument.endswith("="))
    catalog, found = Catalog.load(), []
    if "CSV" in named:
        table = Path(named["CSV"])
        removed = table.with_name("operations_removed.csv")
        found += differences(facts(catalog), table_facts(table), COLUMNS)
        found += differences(removed_facts(catalog), removed_table_facts(removed), REMOVED_COLUMNS)
        print(
            f"{table}: {len(table_facts(table))} + {len(removed_table_facts(removed))} operations"
        )
    if "MODELS" in named:
        models = list(read_models(Path(named["MODELS"])))
        found += model_differences(catalog, models)
        print(f"{named['MODELS']}: {len(models)} operations")
    if not named:
        print("nothing to compare with: name CSV=… or MODELS=…", file=sys.stderr)
        return 2
    print("\n".join([*found, f"{len(found)} differences"]))
    print(f"operations.tsv: {digest(facts(catalog))}")
    print(f"operations_removed.tsv: {digest(removed_facts(catalog))}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
