"""The pages of docs/ and the README tell the truth about the code as it stands."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from standardwebhooks import Webhook

from gateway.clock import SystemClock
from gateway.endpoints import EndpointState
from gateway.model import (
    DeliveryState,
    HandlingState,
    IdPrefix,
    NotificationState,
    SellerState,
)
from tests.support.reference import DOCS, PAGES, openapi, with_reference

ROOT = Path(__file__).parents[2]
PROSE = [*sorted(DOCS.rglob("*.md")), *sorted(ROOT.glob("*.md"))]


def ident(path: Path) -> str:
    return str(path.relative_to(ROOT))


def blocks(page: Path, language: str) -> list[str]:
    """The fenced code of a page in one language."""
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE)


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", each).strip().lower().replace(" ", "-") for each in headings}


@pytest.mark.parametrize(("name", "render"), PAGES.items(), ids=list(PAGES))
def test_reference_pages_say_what_the_code_says(name: str, render: Callable[[], str]) -> None:
    page = (DOCS / name).read_text()
    assert page == with_reference(page, render()), f"docs/{name} is out of date: make docs"


def test_the_openapi_document_says_what_the_routes_say() -> None:
    assert (DOCS / "openapi.json").read_bytes() == openapi(), "docs/openapi.json: make docs"


@pytest.mark.parametrize("page", PROSE, ids=ident)
def test_links_lead_somewhere(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        aim = (page.parent / path).resolve() if path else page
        assert aim.exists(), target
        assert not anchor or anchor in anchors(aim), target


def test_every_page_is_in_the_site() -> None:
    site = (ROOT / "mkdocs.yml").read_text()
    pages = {str(page.relative_to(DOCS)) for page in DOCS.rglob("*.md")}
    assert pages == set(re.findall(r"[\w/-]+\.md", site.partition("\nnav:")[2]))


def test_every_decision_is_listed() -> None:
    listed = re.findall(r"\((\d{4}-[\w-]+\.md)\)", (DOCS / "adr" / "README.md").read_text())
    assert listed == sorted(page.name for page in (DOCS / "adr").glob("0*.md"))


def test_the_glossary_names_every_state_and_prefix() -> None:
    glossary = (DOCS / "glossary.md").read_text()
    states = (NotificationState, HandlingState, DeliveryState, EndpointState, SellerState)
    missing = [each.value for enum in states for each in enum if f"`{each}`" not in glossary]
    missing += [f"{each}_" for each in IdPrefix if f"`{each}_`" not in glossary]
    assert not missing


def test_each_promise_names_tests_that_exist() -> None:
    promises = (DOCS / "architecture.md").read_text().partition("## Promises")[2]
    promises = promises.partition("\n## ")[0]
    rows = [row for row in promises.splitlines() if re.match(r"\| \d+ ", row)]
    assert [int(row.split("|")[1]) for row in rows] == list(range(1, 11))
    for row in rows:
        proofs = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", row)
        assert proofs, row
        for file, test in proofs:
            assert (ROOT / file).is_file(), file
            assert f"def {test}" in (ROOT / file).read_text(), f"{file}::{test}"


def test_each_row_of_the_comparison_names_a_test_that_exists() -> None:
    page = (DOCS / "comparison.md").read_text()
    rows = [row for row in page.splitlines() if row.startswith("| ") and row.count(" | ") == 6]
    rows = [row for row in rows if not row.startswith("| | ") and not row.startswith("| ---")]
    assert len(rows) > 20
    for row in rows:
        proof = re.fullmatch(
            r"`(tests/[\w/]+\.py)::(\w+)`", row.split(" | ")[-1].removesuffix(" |")
        )
        assert proof, row
        file, test = proof.groups()
        assert re.search(rf"^(async )?def {test}\(", (ROOT / file).read_text(), re.MULTILINE), row


def test_the_receiver_in_the_docs_accepts_what_is_signed_and_nothing_else() -> None:
    (example,) = blocks(DOCS / "webhooks.md", "python")
    namespace: dict[str, object] = {}
    exec(compile(example, "webhooks.md", "exec"), namespace)
    receive = namespace["receive"]
    assert callable(receive)

    secret, (body,) = "whsec_" + "MTIz" * 11, blocks(DOCS / "webhooks.md", "json")
    now = datetime.fromtimestamp(SystemClock().now_ms() / 1000, UTC)
    headers = {
        "webhook-id": "evt_1",
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(secret).sign("evt_1", now, body),
    }
    assert receive(secret, headers, body.encode()) == 204
    assert receive(secret, headers, body.encode()) == 204
    assert namespace["seen"] == {"evt_1"}
    assert receive(secret, headers, body.encode() + b" ") == 401
    assert receive("whsec_" + "NDU2" * 11, headers, body.encode()) == 401
