"""Rules of form that no linter knows; each is seen to fail on a planted breach."""

import ast
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MAX_LINES = 400
MAX_FUNCTION_LINES = 40
DUMPING_GROUNDS = {"utils", "util", "helpers", "common", "misc"}

# Where tasks are made, each with a name and an owner; everywhere else code only awaits. The demo
# runs a gateway and its surroundings; the PostgreSQL driver keeps the connection that LISTENs.
TASK_MAKERS = ("worker", "service", "simulator", "cli/demo", "store/postgres")

# Lists of columns, in the form that Alembic asks for.
MIGRATIONS = Path("gateway/store/migrations")

ENVIRONMENT_READERS = {"settings", "cli", "service", "aws"}

Rule = Callable[[Path, str], Iterator[str]]


def room(path: Path) -> str:
    """`store` for gateway/store/inbox.py, `worker` for gateway/worker.py."""
    return path.with_suffix("").parts[1]


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def body_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of what a function does: its signature and docstring left out."""
    body = function.body[ast.get_docstring(function) is not None :]
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


def says_what_it_is(path: Path, text: str) -> Iterator[str]:
    if path.stem in DUMPING_GROUNDS:
        yield "is named for nothing: give it a noun"
    if text.strip() and not ast.get_docstring(ast.parse(text, str(path))):
        yield "has no docstring"


def fits_in_the_head(path: Path, text: str) -> Iterator[str]:
    if (lines := sum(1 for line in text.splitlines() if line.strip())) > MAX_LINES:
        yield f"has {lines} lines"
    if path.is_relative_to(MIGRATIONS):
        return
    for each in functions(ast.parse(text, str(path))):
        if (lines := body_lines(each)) > MAX_FUNCTION_LINES:
            yield f"{each.name} has {lines} lines"


def keeps_no_state(path: Path, text: str) -> Iterator[str]:
    tree = ast.parse(text, str(path))
    for node in ast.walk(tree):
        if isinstance(node, ast.Global):
            yield f"line {node.lineno}: a function rebinds {', '.join(node.names)}"
    for node in tree.body:
        target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
        if not isinstance(target, ast.Name) or target.id.startswith("__"):
            continue
        if not target.id.isupper() and isinstance(node.value, ast.List | ast.Dict | ast.Set):
            yield f"line {node.lineno}: {target.id} is a variable"


def reads_environment(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "os"
        and node.attr in {"environ", "getenv"}
    )


def leaves_the_environment_alone(path: Path, text: str) -> Iterator[str]:
    tree = ast.parse(text, str(path))
    late = {
        id(node) for each in functions(tree) for node in ast.walk(each) if reads_environment(node)
    }
    for node in ast.walk(tree):
        if reads_environment(node):
            if id(node) not in late:
                yield "reads the environment at import"
            if room(path) not in ENVIRONMENT_READERS:
                yield "reads the environment, which is for the settings"


def owns_its_tasks(path: Path, text: str) -> Iterator[str]:
    module = path.with_suffix("")
    maker = any(module.is_relative_to(Path("gateway", place)) for place in TASK_MAKERS)
    for node in ast.walk(ast.parse(text, str(path))):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        if node.func.attr in {"create_task", "TaskGroup"} and not maker:
            yield f"line {node.lineno}: makes a task that nobody owns"
        if node.func.attr == "create_task" and not {"name"} & {one.arg for one in node.keywords}:
            yield f"line {node.lineno}: makes a task without a name"


RULES: tuple[Rule, ...] = (
    says_what_it_is,
    fits_in_the_head,
    keeps_no_state,
    leaves_the_environment_alone,
    owns_its_tasks,
)

BREACHES = (
    (says_what_it_is, "gateway/store/utils.py", '"""Odds and ends."""'),
    (says_what_it_is, "gateway/store/inbox.py", "import os"),
    (fits_in_the_head, "gateway/store/inbox.py", "x = 1\n" * (MAX_LINES + 1)),
    (fits_in_the_head, "gateway/store/inbox.py", "def f():\n" + "    x = 1\n" * 41),
    (keeps_no_state, "gateway/worker/loop.py", "cache: dict[str, str] = {}"),
    (keeps_no_state, "gateway/worker/loop.py", "def f():\n    global current"),
    (leaves_the_environment_alone, "gateway/settings/files.py", "HOME = os.environ['HOME']"),
    (leaves_the_environment_alone, "gateway/store/inbox.py", "def f():\n    os.getenv('HOME')"),
    (owns_its_tasks, "gateway/store/inbox.py", "asyncio.create_task(g(), name='g')"),
    (owns_its_tasks, "gateway/store/inbox.py", "asyncio.TaskGroup()"),
    (owns_its_tasks, "gateway/worker/loop.py", "asyncio.create_task(g())"),
)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_every_module(rule: Rule) -> None:
    paths = [path for package in ("gateway", "handlers") for path in (ROOT / package).rglob("*.py")]
    assert len(paths) > 20
    faults = [
        f"{path.relative_to(ROOT)} {fault}"
        for path in sorted(paths)
        for fault in rule(path.relative_to(ROOT), path.read_text())
    ]
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize(("rule", "path", "text"), BREACHES)
def test_a_breach_is_noticed(rule: Rule, path: str, text: str) -> None:
    assert list(rule(Path(path), text))
