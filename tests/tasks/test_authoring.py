"""The one module that a task imports is described name by name, and the texts use no other."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tasks import authoring
from tests.code_blocks import ROOT, code_blocks

PAGE = ROOT / "docs" / "reference" / "authoring.md"
TEXTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])

# What a text shows that is no task.
IN_TESTS = {
    "Run",
    "Task",
    "adopt_task",
    "check_tasks",
    "execute",
    "registry",
    "request_run",
    "rows_of",
}
# What a text shows that is a kind of task.
IN_KINDS = {"Function", "Shown", "TaskArguments", "TaskKind", "registers", "task"}
IN_ADMINISTRATION = {"Right", "propose_grant", "revoke"}


def test_each_name_is_on_its_page_once_with_a_line():
    rows = re.findall(r"^\| `(\w+)` \| \S.* \|$", PAGE.read_text(), re.MULTILINE)
    assert sorted(rows) == sorted(authoring.__all__)


def test_it_has_no_public_name_beside_those():
    public = {name for name in vars(authoring) if not name.startswith("_")}
    assert public == set(authoring.__all__)


def from_deeper_in_tasks(block: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(block)):
        match node:
            case ast.Import(names=names):
                yield from (each.name for each in names if each.name.startswith("tasks."))
            case ast.ImportFrom(module=str(module), names=names):
                if re.match(r"tasks(?!\.(authoring$|contrib\b))\b", module):
                    yield from (each.name for each in names)


def test_an_import_from_deeper_is_noticed():
    source = "import tasks.outputs\nfrom tasks.outputs import Table\nfrom tasks.contrib.x import y"
    assert list(from_deeper_in_tasks(source)) == ["tasks.outputs", "Table"]
    assert list(from_deeper_in_tasks("from tasks.authoring import Table")) == []


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_tasks_of_the_texts_import_nothing_else(path: Path):
    found = {name for block in code_blocks(path) for name in from_deeper_in_tasks(block)}
    assert found - IN_TESTS - IN_KINDS - IN_ADMINISTRATION == set()
